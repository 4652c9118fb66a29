"""All that a year's comparison reads, of one centre by a job of its employer, or of many by the fund's systems."""

import asyncio
from collections.abc import Iterable, Mapping
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.employment import EMPLOYMENT_SCHEMA, MOVEMENT_SCHEMA, register
from teledeclaration.payroll.law.movement_checks import who_moves
from teledeclaration.payroll.law.reconciliation.bases import periodic_by_quarter
from teledeclaration.payroll.law.reconciliation.frames import ANNUAL, CENTRES, QUARTERS, SPELLS, Inputs, Rules, shaped
from teledeclaration.payroll.queries import compared
from teledeclaration.payroll.queries.compared import AnnualDraft, Asked
from teledeclaration.registry import facts as registers

_NAMES = ("last_name", "first_name", "birth_date")
_NUMBERED = ("periodic", "annual", "last_year")


def rules_of(year: int, legislation: Legislation) -> Rules:
    """The law and our thresholds for a year."""
    return Rules(year=year, legislation=legislation, annual=annual_rules(year, legislation))


async def gather_filed(connection: Connection, asked: Asked, *, year: int) -> Inputs:
    """What was filed and told of these centres' year."""
    annual = await compared.select_annual(connection, asked, year=year)
    declared = await compared.select_declared(connection, asked, year=year)
    return await _gather(connection, asked, year, annual, declared)


async def gather_with_draft(
    connection: Connection, *, employer_id: int, centre: str, year: int, draft: AnnualDraft
) -> Inputs:
    """The same of one centre, with an annual draft as if it were filed."""
    annual = await compared.select_draft(connection, employer_id=employer_id, reading_id=draft.reading_id)
    filed = await compared.select_filed_lines(
        connection, employer_id=employer_id, centre=centre, year=year, without=draft.replaces
    )
    return await _gather(connection, [(employer_id, centre)], year, pl.concat([annual, filed]), frozenset({0}))


async def draft_to_compare(
    connection: Connection, *, employer_id: int, centre: str, year: int, draft_id: UUID | None
) -> AnnualDraft | None:
    """The draft that was asked for, else the newest one where nothing is filed yet; None where there is none."""
    if draft_id is None and await compared.select_declared(connection, [(employer_id, centre)], year=year):
        return None
    return await compared.select_annual_draft(
        connection, employer_id=employer_id, centre=centre, year=year, draft_id=draft_id
    )


async def _gather(
    connection: Connection, asked: Asked, year: int, annual: pl.DataFrame, declared: frozenset[int]
) -> Inputs:
    spells = await _spells(connection, asked)
    inputs = Inputs(
        centres=_centres(asked, declared, spells),
        periods=await compared.select_periods(connection, asked, year=year),
        periodic=await _periodic(connection, asked, year),
        annual=shaped(annual, ANNUAL),
        spells=spells,
        last_year=await compared.select_year_before(connection, asked, year=year),
    )
    return await _under_current_numbers(connection, inputs)


async def _periodic(connection: Connection, asked: Asked, year: int) -> pl.DataFrame:
    """A quarter at a time, so that the lines of a large employer are never held all at once; one is summed while the
    next is read."""
    summed = []
    for quarter in QUARTERS:
        lines = await compared.select_periodic(connection, asked, year=year, quarter=quarter)
        summed.append(asyncio.create_task(asyncio.to_thread(periodic_by_quarter, lines)))
        del lines
    return pl.concat(await asyncio.gather(*summed))


def _centres(asked: Asked, declared: frozenset[int], spells: pl.DataFrame) -> pl.DataFrame:
    registered = frozenset(spells["item"].unique())
    rows = [(item, item in declared, item in registered) for item in range(len(asked))]
    return pl.DataFrame(rows, schema=CENTRES, orient="row")


# ── who works there ─────────────────────────────────────────────────────────────────────────────


async def _spells(connection: Connection, asked: Asked) -> pl.DataFrame:
    """The employment register of these centres: the fund's employments with the movements told, folded by person."""
    employer_ids = sorted({employer_id for employer_id, _ in asked})
    employments = await registers.employments_of_many(connection, employer_ids)
    movements = await compared.select_movements(connection, employer_ids=employer_ids)
    spells = _folded(employments, await _of_people(connection, movements, employments))
    sole = await compared.select_sole_centres(connection, employer_ids=employer_ids)
    return shaped(_at_centres(spells, asked, sole), SPELLS)


async def _of_people(connection: Connection, movements: pl.DataFrame, employments: pl.DataFrame) -> pl.DataFrame:
    """Movements under their people's present numbers; who has none is known by names and birth, or by the number that
    someone of the same names and birth has here."""
    if movements.is_empty():
        return movements.with_columns(who=pl.lit(None, pl.String))
    known = await registers.known_people_frame(connection, movements["nss"].drop_nulls().unique().to_list())
    present = known.select("nss", "current_nss").unique("nss")
    whole = movements.join(present, on="nss", how="left", maintain_order="left")
    whole = whole.with_columns(nss=pl.coalesce("current_nss", "nss"), person=who_moves()).drop("current_nss")
    if not whole["nss"].null_count():
        return whole.with_columns(who=pl.col("nss")).drop("person")
    named = pl.concat([frame.select("employer_id", "nss", *_NAMES) for frame in (employments, whole)])
    numbered = named.filter(pl.col("nss").is_not_null()).with_columns(number=pl.col("nss"), nss=pl.lit(None, pl.String))
    theirs = numbered.select("employer_id", "number", person=who_moves()).unique()
    alone = theirs.filter(pl.len().over("employer_id", "person") == 1)
    whole = whole.join(alone, on=["employer_id", "person"], how="left", maintain_order="left")
    return whole.with_columns(who=pl.coalesce("nss", "number", "person")).drop("person", "number")


def _folded(employments: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """Spells by employer: `law.employment.register` over all of them at once, each person under a key of their own."""
    key = pl.format("{}:{}", "employer_id", "who").alias("who")
    known = employments.with_columns(who=pl.col("nss")).with_columns(key)
    told = movements.with_columns(key).with_columns(withdrawn=pl.lit(value=False))
    spells = register(_with(known, EMPLOYMENT_SCHEMA), _with(told, MOVEMENT_SCHEMA))
    spells = spells.with_columns(pl.col("who").str.split_exact(":", 1).alias("key")).with_columns(
        employer_id=pl.col("key").struct.field("field_0").cast(pl.Int64), who=pl.col("key").struct.field("field_1")
    )
    named = known.unique(["employer_id", "nss"]).select("employer_id", "nss", *(pl.col(_NAMES).name.prefix("known_"),))
    spells = spells.join(named, on=["employer_id", "nss"], how="left", maintain_order="left")
    return spells.with_columns(pl.coalesce(name, f"known_{name}").alias(name) for name in _NAMES)


def _with(rows: pl.DataFrame, schema: Mapping[str, type[pl.DataType] | pl.DataType]) -> pl.DataFrame:
    """The columns of a schema, those that are not there empty."""
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in schema.items()
    )


def _at_centres(spells: pl.DataFrame, asked: Asked, sole: frozenset[int]) -> pl.DataFrame:
    """Each spell at the item of its centre; where no centre is told, at the only one of the employer."""
    items = pl.DataFrame(
        [(item, employer_id, centre) for item, (employer_id, centre) in enumerate(asked)],
        schema={"item": pl.Int32, "employer_id": pl.Int64, "at": pl.String},
        orient="row",
    )
    joined = spells.filter(pl.col("nss").is_not_null()).join(items, on="employer_id")
    only = pl.col("employer_id").is_in(sorted(sole))
    return joined.filter((pl.col("centre") == pl.col("at")) | (pl.col("centre").is_null() & only) | only)


# ── numbers that changed ────────────────────────────────────────────────────────────────────────


async def _under_current_numbers(connection: Connection, inputs: Inputs) -> Inputs:
    """Whoever was declared under a former number stands under the one the register of employments has."""
    frames = {name: getattr(inputs, name) for name in _NUMBERED}
    known = inputs.spells.select("item", "nss").unique()
    strangers = _strangers(frames.values(), known)
    if not strangers or known.is_empty():
        return inputs
    people = await registers.known_people_frame(connection, strangers)
    former = people.filter(pl.col("nss") != pl.col("current_nss")).select("nss", "current_nss").unique("nss")
    here = known.rename({"nss": "current_nss"})
    changed = {name: _renumbered(frame, former, here) for name, frame in frames.items()} if former.height else frames
    return Inputs(centres=inputs.centres, periods=inputs.periods, spells=inputs.spells, **changed)


def _strangers(frames: Iterable[pl.DataFrame], known: pl.DataFrame) -> list[str]:
    """The numbers that no employment bears."""
    asked = pl.concat([frame.select("item", "nss") for frame in frames]).drop_nulls().unique()
    return asked.join(known, on=["item", "nss"], how="anti")["nss"].unique().to_list()


def _renumbered(frame: pl.DataFrame, former: pl.DataFrame, here: pl.DataFrame) -> pl.DataFrame:
    joined = frame.join(former, on="nss", how="left", maintain_order="left")
    employed = joined.select("item", "current_nss").join(
        here.with_columns(there=pl.lit(value=True)), on=["item", "current_nss"], how="left", maintain_order="left"
    )
    return joined.with_columns(
        nss=pl.when(employed["there"].fill_null(value=False)).then("current_nss").otherwise("nss")
    ).drop("current_nss")
