"""One batch of checked rows into a register, within the caller's transaction."""

import io
from datetime import datetime
from typing import get_args
from uuid import UUID

import asyncpg
import polars as pl

from schemas.findings import Severity
from schemas.registry import LoadCounts
from teledeclaration.database import Connection
from teledeclaration.registry.checking import Checked
from teledeclaration.registry.columns import RegisterForm
from teledeclaration.registry.sql import STATEMENTS, Counted, Step

FINDINGS_MAX = 100_000
"""The findings kept of one load; the counts tell of all."""

ABSENT_MAX = 10_000
"""The absent rows listed by one full load; the counts tell of all."""

_KEYS_BATCH = -1


async def apply_batch(
    connection: Connection, form: RegisterForm, checked: Checked, *, load_id: UUID, batch: int, now: datetime
) -> tuple[LoadCounts, pl.DataFrame]:
    """Bring the register in line with the good rows: the counts of this batch, and all its findings.

    Writers of one register wait for each other, so that two loads never hold each other up half-way.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"register.{form.register}")
    await _stage(connection, form, checked.rows, load_id=load_id, batch=batch)
    spoken_against = await _refuse(connection, form, load_id=load_id, batch=batch)
    findings = pl.concat([checked.findings, spoken_against]).sort("row", maintain_order=True)
    counted = await _run_steps(connection, form, checked.rows, load_id=load_id, batch=batch, now=now)
    await _empty(connection, form, load_id=load_id, batch=batch)
    good = checked.rows.height - spoken_against["row"].n_unique()
    return _counts(counted, good=good, refused=findings["row"].n_unique()), findings


async def stage_keys(connection: Connection, form: RegisterForm, keys: pl.DataFrame, *, load_id: UUID) -> None:
    """Stage the key columns of some of a full file's rows for `find_absent`."""
    await _copy(connection, form.staging, keys.with_columns(load_id=pl.lit(str(load_id)), batch=pl.lit(_KEYS_BATCH)))


async def find_absent(connection: Connection, form: RegisterForm, *, load_id: UUID) -> tuple[int, pl.DataFrame]:
    """How many rows of the register the staged keys do not name, and the first of them as findings."""
    # The planner knows nothing of rows that are never committed: it must not walk them once for each of the register's.
    await connection.execute("SET LOCAL enable_nestloop = off")
    rows = await connection.fetch(STATEMENTS[form.register].absent, load_id, _KEYS_BATCH, ABSENT_MAX)
    await _empty(connection, form, load_id=load_id, batch=_KEYS_BATCH)
    found = _findings([(None, None, "absent", row["seen"]) for row in rows])
    return (rows[0]["absent"] if rows else 0), found


async def store_findings(connection: Connection, findings: pl.DataFrame, *, load_id: UUID, stored: int) -> int:
    """Append findings to those `stored` of the load, up to FINDINGS_MAX; how many it has then."""
    kept = findings.head(max(0, FINDINGS_MAX - stored))
    if kept.is_empty():
        return stored
    absent = pl.col("code") == "absent"
    staged = kept.with_columns(
        load_id=pl.lit(str(load_id)),
        finding=pl.int_range(stored + 1, stored + 1 + kept.height),
        severity=pl.when(absent).then(pl.lit(Severity.INFO.value)).otherwise(pl.lit(Severity.ERROR.value)),
    )
    await _copy(connection, "incoming_load_findings", staged)
    await connection.execute(
        """
        INSERT INTO registry_load_findings (load_id, finding, row, field, code, severity, seen)
        SELECT load_id, finding, row, field, code, severity, seen FROM incoming_load_findings WHERE load_id = $1
        """,
        load_id,
    )
    await connection.execute("DELETE FROM incoming_load_findings WHERE load_id = $1", load_id)
    return stored + kept.height


def added(counts: LoadCounts, more: LoadCounts) -> LoadCounts:
    """The sum of two counts, field by field."""
    return LoadCounts(**{name: getattr(counts, name) + getattr(more, name) for name in LoadCounts.__struct_fields__})


async def _stage(connection: Connection, form: RegisterForm, rows: pl.DataFrame, *, load_id: UUID, batch: int) -> None:
    await _copy(connection, form.staging, rows.with_columns(load_id=pl.lit(str(load_id)), batch=pl.lit(batch)))


async def _copy(connection: Connection, table: str, rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    content = io.BytesIO(rows.write_csv(include_header=False).encode())
    try:
        await connection.copy_to_table(table, source=content, columns=rows.columns, format="csv")
    except asyncpg.DataError as error:
        raise StagingError(table, error.sqlstate) from None


class StagingError(Exception):
    """A value passed the checks and PostgreSQL cannot read it; says the table and the state, never the value."""


async def _refuse(connection: Connection, form: RegisterForm, *, load_id: UUID, batch: int) -> pl.DataFrame:
    rows = await connection.fetch(STATEMENTS[form.register].refusals, load_id, batch)
    found = _findings([(row["row"], row["field"], row["code"], row["seen"]) for row in rows])
    if rows:
        await connection.execute(
            f"DELETE FROM {form.staging} WHERE load_id = $1 AND batch = $2 AND row = ANY ($3)",  # noqa: S608 — our own table's name
            load_id,
            batch,
            found["row"].unique().to_list(),
        )
    return found


def _findings(rows: list[tuple[int | None, str | None, str, str | None]]) -> pl.DataFrame:
    schema = {"row": pl.Int64, "field": pl.String, "code": pl.String, "seen": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


async def _run_steps(
    connection: Connection, form: RegisterForm, rows: pl.DataFrame, *, load_id: UUID, batch: int, now: datetime
) -> dict[str, int]:
    linked = any(rows[link].is_not_null().any() for link in form.links)
    counted = dict.fromkeys(get_args(Counted), 0)
    for step in STATEMENTS[form.register].steps:
        if linked or not step.links:
            counted[step.counted] += await _run(connection, step, load_id=load_id, batch=batch, now=now)
    return counted


async def _run(connection: Connection, step: Step, *, load_id: UUID, batch: int, now: datetime) -> int:
    status = await connection.execute(step.sql, load_id, batch, *((now,) if step.timed else ()))
    return int(status.rpartition(" ")[2])


async def _empty(connection: Connection, form: RegisterForm, *, load_id: UUID, batch: int) -> None:
    await connection.execute(
        f"DELETE FROM {form.staging} WHERE load_id = $1 AND batch = $2",  # noqa: S608 — our own table's name
        load_id,
        batch,
    )


def _counts(counted: dict[str, int], *, good: int, refused: int) -> LoadCounts:
    changed = max(0, counted["written"] - counted["new"]) + counted["merged"] + counted["updated"]
    return LoadCounts(
        new=counted["new"],
        changed=changed,
        unchanged=good - counted["new"] - changed,
        refused=refused,
        linked=counted["numbered"] + counted["merged"],
    )
