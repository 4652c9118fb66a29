"""What a draft's lines together say for and against a repair; `payroll.queries.causes` asks the database the same."""

import polars as pl

from teledeclaration.intake.repairs.amounts import any_amount, whole_dinars
from teledeclaration.intake.repairs.dates import DATE_FIELDS
from teledeclaration.intake.repairs.repair import WholeFile

_MONTHS = 12


def whole_file(lines: pl.DataFrame) -> WholeFile:
    """Counted from all lines of a draft."""
    day = {name: pl.col(name).dt.day() for name in DATE_FIELDS}
    row = lines.select(
        lines=pl.len(),
        left_out=pl.col("left_out").sum(),
        named=pl.col("last_name").ne_missing(pl.col("first_name")).sum(),
        whole_amounts=(whole_dinars() & any_amount()).sum(),
        broken_amounts=(~whole_dinars()).sum(),
        **{f"late_{name}": (day[name] > _MONTHS).sum() for name in DATE_FIELDS},
        **{f"early_{name}": ((day[name] <= _MONTHS) & (day[name] != pl.col(name).dt.month())).sum()
           for name in DATE_FIELDS},
    ).row(0, named=True)  # fmt: skip
    return WholeFile(
        **{name: row[name] for name in ("lines", "left_out", "named", "whole_amounts", "broken_amounts")},
        late_days={name: row[f"late_{name}"] for name in DATE_FIELDS},
        early_days={name: row[f"early_{name}"] for name in DATE_FIELDS},
    )
