"""Lines of movements beside what is known; and movements that came by REST, checked as those of a workbook are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import polars as pl

from schemas.findings import Severity
from schemas.movements import SentMovement
from teledeclaration.database import Connection
from teledeclaration.intake.casting import CastContext
from teledeclaration.intake.checking import CheckContext, check_lines, ordered, seen_in_lines
from teledeclaration.intake.checks import RowsCheck
from teledeclaration.intake.forms import MOVEMENTS
from teledeclaration.intake.lines import line_schema, recast
from teledeclaration.intake.problems import together
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.employment import Known, declared_of, known_of
from teledeclaration.payroll.actions.reading import Asked
from teledeclaration.payroll.law.movement_checks import as_known, movement_checks, register_contradictions
from teledeclaration.registry import facts as registers


async def beside_movements(
    connection: Connection, employer_id: int, asked: Asked, on_lines: pl.Series
) -> RowsCheck | None:
    """A check of movements against what is known of the people of these numbers, and of who was told without one;
    None for lines of another form."""
    if asked.form is not MOVEMENTS:
        return None
    numbers = on_lines.drop_nulls().unique().to_list()
    known = await known_of(connection, employer_id, numbers)
    years = [date(asked.year + more, 1, 1) for more in (-1, 0, 1)]
    declared = await declared_of(connection, employer_id, numbers, years)

    def check(lines: pl.DataFrame) -> pl.DataFrame:
        return register_contradictions(
            lines, known.spells, known.told, today=asked.today, law=asked.law, declared=declared
        )

    return check


_NAME_OF = {"movement": "kind"}
"""What a field of the form is called in what is sent."""


@dataclass(frozen=True)
class Checked:
    """Typed lines with whom they are about (`who`), and what was found in them; `unknown` are the numbers of lines
    about someone the register does not know by their number."""

    lines: pl.DataFrame
    findings: pl.DataFrame

    @property
    def unknown(self) -> set[int]:
        return set(self.findings.filter(pl.col("code") == "nss_unknown")["line_number"].to_list())


def typed_lines(sent: Sequence[SentMovement], today: date) -> pl.DataFrame:
    """The movements sent as lines of the form, withdrawals aside; a line's number is its place, from 1."""
    telling = [(place, one) for place, one in enumerate(sent, start=1) if one.withdraws is None]
    numbers = pl.Series([place for place, _ in telling], dtype=pl.Int32)
    empty = [pl.lit(None, kind).alias(name) for name, kind in line_schema(MOVEMENTS).items()]
    lines = pl.DataFrame({"line_number": numbers}).with_columns(
        *(column for column in empty if column.meta.output_name() != "line_number"),
    )
    lines = lines.with_columns(
        pl.Series("row", numbers),
        pl.Series("number_requested", [one.number_requested for _, one in telling], dtype=pl.Boolean),
        pl.Series("raw", [_texts(one) for _, one in telling], dtype=pl.String),
    )
    return recast(MOVEMENTS, lines, CastContext(year=today.year, today=today))[0]


def _texts(one: SentMovement) -> str:
    """What was sent, by the form's fields, as text: it is read as a cell is."""
    sent = msgspec.structs.asdict(one)
    said = {field: sent[_NAME_OF.get(field, field)] for field in MOVEMENTS.fields}
    return msgspec.json.encode({field: str(value) for field, value in said.items() if value is not None}).decode()


async def check_sent(
    connection: Connection,
    employer_id: int,
    lines: pl.DataFrame,
    known: Known,
    *,
    corrections: Sequence[int],
    law: Legislation,
    today: date,
) -> Checked:
    """What is found in these typed lines, of which some (`corrections`, by number) take the place of movements told."""
    numbers = lines["nss"].drop_nulls().unique().to_list()
    people = None
    if await registers.anyone_known(connection):
        people = await registers.known_people_frame(connection, numbers)
    context = CheckContext(
        rules={"movements": lambda period: movement_checks(period.year)},
        today=today,
        year=today.year,
        known_people=people,
        employments=await registers.employments_frame(connection, employer_id, numbers),
    )
    lines, found = check_lines(MOVEMENTS, lines, context)
    days = lines["date"].drop_nulls().unique().to_list()
    declared = await declared_of(connection, employer_id, numbers, days)
    against = register_contradictions(lines, known.spells, known.told, today=today, law=law, declared=declared)
    against = seen_in_lines(_no_repetition(against, corrections), lines, MOVEMENTS)
    frames = [found, against, _closed_categories(lines, law, today)]
    return Checked(as_known(lines, known.spells, known.told), ordered(together(frames)))


def _no_repetition(found: pl.DataFrame, corrections: Sequence[int]) -> pl.DataFrame:
    """A correction to what another movement says already would make the same twice."""
    twice = (pl.col("code") == "told_already") & pl.col("line_number").is_in(list(corrections))
    return found.with_columns(severity=pl.when(twice).then(pl.lit(Severity.ERROR.value)).otherwise("severity"))


def _closed_categories(lines: pl.DataFrame, law: Legislation, today: date) -> pl.DataFrame:
    """Rate categories that do not exist, or whose rates the fund has not confirmed."""
    open_ones = sorted(law.on(today).enabled_categories())
    closed = lines.filter(pl.col("rate_category").is_not_null() & ~pl.col("rate_category").is_in(open_ones))
    return closed.select(
        "line_number",
        "row",
        field=pl.lit("rate_category"),
        code=pl.lit("rate_category_closed"),
        severity=pl.lit(Severity.ERROR.value),
        seen=pl.col("rate_category"),
        expected=pl.lit(", ".join(open_ones)),
    )
