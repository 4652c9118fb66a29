"""Findings while they are still columns: one frame, a row a finding, words and places added when shown."""

from collections.abc import Mapping, Sequence

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.evaluating import select

FINDING_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "line_number": pl.Int32,
    "row": pl.Int32,
    "column": pl.String,
    "field": pl.String,
    "code": pl.String,
    "severity": pl.String,
    "seen": pl.String,
    "expected": pl.String,
    "proposed": pl.String,
}


_NONE = pl.DataFrame(schema=FINDING_SCHEMA)


def no_findings() -> pl.DataFrame:
    return _NONE


_OWN = {name: pl.col(name).cast(kind) for name, kind in FINDING_SCHEMA.items()}
_LACKING = {name: pl.lit(None, kind).alias(name) for name, kind in FINDING_SCHEMA.items()}


def shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every column of a finding, in order; those it lacks are null."""
    if frame.schema == _NONE.schema:
        return frame
    has = set(frame.columns)
    return select(frame, [_OWN[name] if name in has else _LACKING[name] for name in FINDING_SCHEMA])


def together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    told = [shaped(frame) for frame in frames if frame.height]
    return pl.concat(told) if told else _NONE


def of_the_file(code: str, severity: Severity, **values: object) -> pl.DataFrame:
    """One finding about the file as a whole, or about the row named in `values`."""
    said: Mapping[str, object] = {"code": code, "severity": severity.value, **values}
    kept = {name: [None if value is None else _text(name, value)] for name, value in said.items()}
    return shaped(pl.DataFrame(kept, schema={name: FINDING_SCHEMA[name] for name in kept}))


def _text(name: str, value: object) -> object:
    return value if FINDING_SCHEMA[name] == pl.Int32 else str(value)


def dinars(centimes: pl.Expr) -> pl.Expr:
    """Centimes as canonical text: 4500050 is `45000.50`."""
    whole = centimes.abs()
    sign = pl.when(centimes < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + (whole // 100).cast(pl.String) + "." + (whole % 100).cast(pl.String).str.pad_start(2, "0")
