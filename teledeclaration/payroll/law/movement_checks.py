"""What movements must satisfy: who, entry or exit or change, on which day, why; and what is known against them.

`register_contradictions` sets them beside the employment register (see `employment`), the movements told before and
what was declared. Movements sent together are taken in the order of their days, whatever their order in the file, so
that an entry and the exit that follows it contradict nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Check, Rules, blank
from teledeclaration.intake.forms import by_word, synonyms
from teledeclaration.intake.person_checks import AgeRules, person_checks
from teledeclaration.intake.problems import no_findings, together
from teledeclaration.legislation import Legislation, NotInForce
from teledeclaration.payroll.law.deadlines import days_after
from teledeclaration.payroll.law.duplicates import the_person
from teledeclaration.payroll.law.employment import MOVEMENT_SCHEMA, Clash, Event, Source, fold
from teledeclaration.periods import Year, parse_period

_AGE_AT_ENTRY_MIN = 14
_REQUIRED = dict.fromkeys(("nss", "last_name", "first_name", "birth_date", "movement", "date"), Severity.ERROR)


@cache
def movement_checks(year: int) -> Rules:
    """The checks of the movements of `year`."""
    day, birth = pl.col("date"), pl.col("birth_date")
    last_day = Year(year).last_day
    other_century = _in_another_century(year)
    young = day.dt.year() - birth.dt.year() < _AGE_AT_ENTRY_MIN
    checks = (
        *person_checks(last_day, AgeRules()),
        Check("movement_missing", Severity.ERROR, field="movement", when=blank("movement")),
        Check("date_missing", Severity.ERROR, field="date", when=blank("date")),
        Check("date_too_young", Severity.CONFIRM, field="date", when=young & (birth <= last_day)),
        Check("date_wrong_century", Severity.ERROR, field="date", when=other_century.is_not_null(),
              expected=other_century, proposed=other_century),
        Check("date_unlikely", Severity.CONFIRM, field="date",
              when=~day.is_between(*_likely(year)) & other_century.is_null()),
        Check("reason_unlikely", Severity.CONFIRM, field="reason", when=_reason_of_another_kind()),
    )  # fmt: skip
    return Rules(checks=checks, between_rows=(repeated_movements,), required=_REQUIRED)


def _likely(year: int) -> tuple[date, date]:
    """Movements are told within days; a year on each side is more than late or early."""
    return date(year - 1, 1, 1), date(year + 1, 12, 31)


def _in_another_century(year: int) -> pl.Expr:
    """The day a hundred years later or earlier, where that is likely and the day itself is not; null elsewhere."""
    day, (first, last) = pl.col("date"), _likely(year)
    moved = [day.dt.offset_by(by) for by in ("100y", "-100y")]
    found = pl.coalesce(pl.when(other.is_between(first, last)).then(other) for other in moved)
    return pl.when(~day.is_between(first, last)).then(found).cast(pl.String)


def _reason_of_another_kind() -> pl.Expr:
    """An entry with a reason to leave, or an exit with a reason to come."""
    reasons = by_word(synonyms().reasons)
    plain = pl.col("reason").str.to_lowercase().str.strip_chars()
    kind = plain.replace_strict({**reasons, **_as_written()}, default=None, return_dtype=pl.String)
    return pl.col("movement").is_in(["entry", "exit"]) & (kind != pl.col("movement"))


def _as_written() -> dict[str, str]:
    return {word.lower(): kind for kind, words in synonyms().reasons.items() for word in words}


def repeated_movements(lines: pl.DataFrame) -> pl.DataFrame:
    """`movement_duplicate`: the same person, movement and day twice; `expected` names the rows."""
    same = pl.struct("nss", "movement", "date").is_duplicated()
    twice = lines.filter(pl.col("nss").is_not_null() & pl.col("date").is_not_null() & same)
    if not twice.height:
        return pl.DataFrame()
    place = pl.coalesce("row", "line_number").cast(pl.String)
    return twice.select(
        "line_number",
        "row",
        field=pl.lit("nss"),
        seen=pl.col("nss"),
        code=pl.lit("movement_duplicate"),
        severity=pl.lit(Severity.CONFIRM.value),
        expected=place.str.join(", ").over("nss", "movement", "date"),
    )


@dataclass(frozen=True)
class Declared:
    """What was declared: `periods` are those with a declaration in force (2025, 2025-Q1, 2025-01), `presence` who
    (`who`) has a base in which of them (`period`; an annual declaration's quarters each)."""

    periods: tuple[str, ...]
    presence: pl.DataFrame


def register_contradictions(
    lines: pl.DataFrame,
    spells: pl.DataFrame,
    told: pl.DataFrame,
    *,
    today: date,
    law: Legislation | None = None,
    declared: Declared | None = None,
) -> pl.DataFrame:
    """The findings about movements beside what is known, told at the cell that speaks of it.

    `lines` is as the form MOVEMENTS has them; `spells` and `told` as `employment` says (SPELL_SCHEMA; MOVEMENT_SCHEMA,
    in force), of the people on the lines at least, under the numbers that the lines give. With `law`, an entry told
    later than it allows is told as such; with `declared`, so is one that what was declared does not agree with.
    """
    asked = _readable(as_known(lines, spells, told))
    before = _told_before(asked, told)
    new = asked.join(before.select("line_number"), on="line_number", how="anti", maintain_order="left")
    frames = [
        before,
        _clashing(new, spells),
        _at_date(new.filter(pl.col("date") > today), "date_future", Severity.CONFIRM),
        _late(new, law, today),
    ]
    if declared is not None:
        frames += [_not_declared(new, declared), _declared_beyond(new, declared)]
    return together(frames)


def who_moves() -> pl.Expr:
    """Whom a movement is about: the number, or names and birth where there is none."""
    named = pl.col("last_name").is_not_null() & pl.col("first_name").is_not_null()
    return pl.coalesce("nss", pl.when(named).then(the_person()))


def as_known(lines: pl.DataFrame, spells: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The lines with `who`, as the register has them: who was told without a number is the same once it is known, and
    who is told without one is whoever bears the names and birth here."""
    named = [frame.select("who", "last_name", "first_name", "birth_date") for frame in (spells, told)]
    known = pl.concat(named).drop_nulls(["last_name", "first_name"]).select(known="who", person=the_person()).unique()
    known = known.filter(~pl.col("person").is_duplicated())
    asked = lines.with_columns(who=who_moves(), person=the_person())
    asked = asked.join(known, on="person", how="left", maintain_order="left")
    there = pl.col("who").is_in(pl.concat([spells["who"], told["who"]]).implode())
    unnumbered = pl.col("known").str.contains("|", literal=True)
    who = (
        pl.when(pl.col("nss").is_null())
        .then(pl.coalesce("known", "who"))
        .when(~there & unnumbered)
        .then("known")
        .otherwise("who")
    )
    return asked.with_columns(who=who).drop("person", "known")


def _readable(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines that say whom, what and when. Who has neither a number nor asks for one is told as that alone."""
    if "number_requested" in lines.columns:
        lines = lines.filter(pl.col("nss").is_not_null() | pl.col("number_requested").fill_null(value=False))
    said = ("rate_category", "hours_a_week")
    missing = [pl.lit(None, MOVEMENT_SCHEMA[name]).alias(name) for name in said if name not in lines.columns]
    asked = lines.with_columns(*missing, kind=pl.col("movement"))
    return asked.select(
        "line_number", "row", "who", "kind", "date", "reason", "rate_category", "hours_a_week"
    ).drop_nulls(["who", "kind", "date"])


_CONTENT = ("reason", "rate_category", "hours_a_week")


def _told_before(asked: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """`told_already` where the same person, movement and day was told; `told_otherwise` where with other content.

    What a line does not say is no other content. `expected` is what was told.
    """
    before = told.select("who", "kind", "date", *(pl.col(name).alias(f"{name}_told") for name in _CONTENT))
    before = before.unique(["who", "kind", "date"])
    same = asked.join(before, on=["who", "kind", "date"], how="inner", maintain_order="left")
    differs = {name: _plain(name).ne(_plain(f"{name}_told")).fill_null(value=False) for name in _CONTENT}
    field, expected = pl.lit("date"), pl.col("date").cast(pl.String)
    for name, other in reversed(differs.items()):
        field = pl.when(other).then(pl.lit(name)).otherwise(field)
        expected = pl.when(other).then(pl.col(f"{name}_told").cast(pl.String)).otherwise(expected)
    otherwise = pl.any_horizontal(*differs.values())
    return same.select(
        "line_number",
        "row",
        field=field,
        expected=expected,
        code=pl.when(otherwise).then(pl.lit("told_otherwise")).otherwise(pl.lit("told_already")),
        severity=pl.when(otherwise).then(pl.lit(Severity.ERROR.value)).otherwise(pl.lit(Severity.INFO.value)),
    )


def _plain(name: str) -> pl.Expr:
    """A content as it is compared: nothing said is null, and reasons are the same in any case."""
    text = pl.col(name).cast(pl.String).str.to_lowercase().str.strip_chars()
    return pl.when(text != "").then(text)


def _clashing(new: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """What contradicts the register, or another line: at the later of two lines."""
    lines = new.unique(["who", "kind", "date"], keep="first", maintain_order=True)
    events: dict[str, list[Event]] = {}
    for who, kind, day, line in lines.select("who", "kind", "date", "line_number").iter_rows():
        events.setdefault(who, []).append(Event(day, kind, Source.LINE, line))
    known = spells.filter(pl.col("who").is_in(lines["who"].implode()))
    for who, event in _known_events(known):
        events[who].append(event)
    found = [told for theirs in events.values() for clash in fold(theirs)[1] for told in _told_clash(clash, theirs)]
    schema = {"line_number": pl.Int32, "code": pl.String, "severity": pl.String, "expected": pl.String}
    clashes = pl.DataFrame(found, schema=schema, orient="row").unique(["line_number", "code"], maintain_order=True)
    return clashes.join(new.select("line_number", "row"), on="line_number").with_columns(field=pl.lit("date"))


def _known_events(spells: pl.DataFrame) -> Iterator[tuple[str, Event]]:
    asked = spells.select("who", "entry_date", "source", "exit_date", "exit_source")
    for who, entry, source, leaving, exit_source in asked.iter_rows():
        if entry is not None:
            yield who, Event(entry, "entry", Source(source))
        if leaving is not None:
            yield who, Event(leaving, "exit", Source(exit_source))


_CLASHES = {"entry": "entry_while_employed", "exit": "exit_differs", "change": "change_not_employed"}


def _told_clash(clash: Clash, events: list[Event]) -> Iterator[tuple[int, str, str, str | None]]:
    """(line_number, code, severity, expected) where one of the two is a line.

    What an employer has told already is theirs to correct, by naming it: an error. The fund's register may not be up
    to date: a doubt.
    """
    event, other = clash.event, clash.other
    line, known = (event, other) if event.source is Source.LINE else (other, event)
    if line is None or line.source is not Source.LINE or not isinstance(line.key, int):
        return
    code = _CLASHES[event.kind]
    if event.kind == "exit" and other is None:
        known = min((one for one in events if one.kind == "entry"), key=lambda one: one.day, default=None)
        code = "left_before_entry" if known is not None else "exit_without_entry"
    wrong = known is not None and known.source is Source.TOLD and code in ("entry_while_employed", "exit_differs")
    severity = Severity.ERROR if wrong else Severity.CONFIRM
    yield line.key, code, severity.value, None if known is None else known.day.isoformat()


def _at_date(lines: pl.DataFrame, code: str, severity: Severity, expected: pl.Expr | None = None) -> pl.DataFrame:
    return lines.select(
        "line_number",
        "row",
        field=pl.lit("date"),
        code=pl.lit(code),
        severity=pl.lit(severity.value),
        expected=pl.lit(None, pl.String) if expected is None else expected.cast(pl.String),
    )


def tell_by(kind: str, day: date, law: Legislation) -> date | None:
    """The last day to tell a movement; None where no text is held for its kind, or for that day."""
    if kind != "entry":
        return None
    try:
        return days_after(day, law.on(day), "deadlines.hire")
    except NotInForce:
        return None


def _late(new: pl.DataFrame, law: Legislation | None, today: date) -> pl.DataFrame:
    """`told_late`: an information with the day the law left."""
    if law is None:
        return no_findings()
    days = new.filter(pl.col("kind") == "entry")["date"].unique().to_list()
    last = {day: tell_by("entry", day, law) for day in days}
    entries = new.filter(pl.col("kind") == "entry").with_columns(
        tell_by=pl.col("date").replace_strict(last, default=None, return_dtype=pl.Date)
    )
    return _at_date(entries.filter(pl.col("tell_by") < today), "told_late", Severity.INFO, pl.col("tell_by"))


def _not_declared(new: pl.DataFrame, declared: Declared) -> pl.DataFrame:
    """`entry_not_declared`: an entry in a time that was declared already, without the person. `expected`: which."""
    entries = new.filter(pl.col("kind") == "entry")
    frames = []
    for code in sorted(declared.periods, key=lambda one: parse_period(one).first_day):
        period = parse_period(code)
        theirs = declared.presence.filter(_within(code))
        missing = entries.filter(pl.col("date").is_between(period.first_day, period.last_day))
        missing = missing.join(theirs, on="who", how="anti", maintain_order="left")
        frames.append(_at_date(missing, "entry_not_declared", Severity.CONFIRM, pl.lit(code)))
    return together(frames).unique(["line_number"], keep="first", maintain_order=True)


def _within(code: str) -> pl.Expr:
    """The bases that a declaration of this period holds: a year's are told by its quarters."""
    period = parse_period(code)
    if isinstance(period, Year):
        return pl.col("period").is_in([code, *(quarter.code for quarter in period.quarters)])
    return pl.col("period") == code


def _declared_beyond(new: pl.DataFrame, declared: Declared) -> pl.DataFrame:
    """`declared_before_entry` and `declared_after_exit`: a base declared for a period that lies outside. `expected`:
    which, the nearest."""
    days = {code: parse_period(code) for code in declared.presence["period"].unique().to_list()}
    bounds = pl.DataFrame(
        {
            "period": list(days),
            "first_day": [period.first_day for period in days.values()],
            "last_day": [period.last_day for period in days.values()],
        },
        schema={"period": pl.String, "first_day": pl.Date, "last_day": pl.Date},
    )
    paid = new.join(declared.presence.join(bounds, on="period"), on="who", maintain_order="left")
    left = paid.filter((pl.col("kind") == "exit") & (pl.col("first_day") > pl.col("date"))).sort("first_day")
    came = paid.filter((pl.col("kind") == "entry") & (pl.col("last_day") < pl.col("date")))
    came = came.sort("last_day", descending=True)
    return together(
        [
            _at_date(left, "declared_after_exit", Severity.CONFIRM, pl.col("period")).unique(
                "line_number", keep="first"
            ),
            _at_date(came, "declared_before_entry", Severity.CONFIRM, pl.col("period")).unique(
                "line_number", keep="first"
            ),
        ]
    )
