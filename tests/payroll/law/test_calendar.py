"""What is owed when: cases counted on a calendar, and what holds for any employer's life."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.calendar import Filed, Obligation, Periodicity
from teledeclaration.legislation import load
from teledeclaration.payroll.law.calendar import (
    LATE_STATES,
    CentreLife,
    Days,
    covered,
    obligations,
    periods_of,
    undeclared_periods,
    until_closed,
)

LAW = load("cnas")
SINCE = date(2020, 1, 1)
DAY = timedelta(days=1)


def filed(day: date) -> Filed:
    return Filed(declaration_id=UUID(int=1), number="P", first_filed_on=day, days_late=0, nothing_to_declare=False)


def year_of(
    today: date,
    *,
    year: int = 2025,
    periodicity: Periodicity = "quarterly",
    life: Days | None = None,
    suspensions: tuple[Days, ...] = (),
    periodic: dict[str, date] | None = None,
    annual: date | None = None,
    provisional: frozenset[str] = frozenset(),
    since: date = SINCE,
) -> dict[str, Obligation]:
    found = obligations(
        CentreLife(centre="16001", life=life or Days(), suspensions=suspensions),
        year,
        periodicity,
        periodic={period: filed(day) for period, day in (periodic or {}).items()},
        annual=filed(annual) if annual else None,
        provisional=provisional,
        legislation=LAW,
        since=since,
        today=today,
    )
    return {one.period: one for one in found}


def states(found: dict[str, Obligation]) -> dict[str, str]:
    return {period: one.state for period, one in found.items()}


def test_a_quarterly_year_seen_in_august() -> None:
    found = year_of(date(2025, 8, 1), periodic={"2025-Q1": date(2025, 5, 2)})
    assert states(found) == {
        "2025-Q1": "declared",
        "2025-Q2": "late",
        "2025-Q3": "to_come",
        "2025-Q4": "to_come",
        "2025": "to_come",
    }
    first, second = found["2025-Q1"], found["2025-Q2"]
    assert first.filed is not None
    assert (first.due, first.filed.days_late, first.days_late) == (date(2025, 4, 30), 2, 0)
    assert (second.opens, second.due, second.days_late) == (date(2025, 6, 30), date(2025, 7, 30), 2)


def test_a_months_window_opens_on_its_last_day_is_soon_due_and_then_late() -> None:
    days = {
        date(2025, 1, 30): "to_come",
        date(2025, 1, 31): "open",
        date(2025, 2, 22): "open",
        date(2025, 2, 23): "due_soon",
        date(2025, 3, 2): "due_soon",
        date(2025, 3, 3): "late",
    }
    told = {today: year_of(today, periodicity="monthly")["2025-01"].state for today in days}
    assert told == days


def test_before_opening_and_after_closing_nothing_is_owed() -> None:
    life = Days(first=date(2025, 4, 30), last=date(2025, 7, 1))
    found = states(year_of(date(2026, 3, 1), life=life))
    assert found == {
        "2025-Q1": "not_owed",
        "2025-Q2": "late",
        "2025-Q3": "late",
        "2025-Q4": "not_owed",
        "2025": "late",
    }


def test_a_suspension_frees_the_periods_it_covers_whole() -> None:
    stopped = Days(first=date(2025, 2, 15), last=date(2025, 10, 1))
    found = states(year_of(date(2026, 3, 1), suspensions=(stopped,)))
    assert [found[f"2025-Q{number}"] for number in (1, 2, 3, 4)] == ["late", "suspended", "suspended", "late"]
    assert found["2025"] == "late"


def test_two_suspensions_that_touch_are_one() -> None:
    stopped = (Days(first=date(2025, 5, 16)), Days(first=date(2025, 3, 1), last=date(2025, 5, 15)))
    assert states(year_of(date(2026, 3, 1), suspensions=stopped))["2025-Q2"] == "suspended"
    apart = (Days(first=date(2025, 5, 17)), Days(first=date(2025, 3, 1), last=date(2025, 5, 15)))
    assert states(year_of(date(2026, 3, 1), suspensions=apart))["2025-Q2"] == "late"


def test_what_was_declared_though_suspended_stays_declared() -> None:
    found = year_of(
        date(2026, 3, 1), suspensions=(Days(first=date(2025, 1, 1)),), periodic={"2025-Q2": date(2025, 7, 1)}
    )
    assert states(found)["2025-Q2"] == "declared"
    assert states(found)["2025-Q3"] == "suspended"


def test_a_provisional_assessment_does_not_make_it_declared() -> None:
    found = year_of(date(2025, 8, 1), provisional=frozenset({"2025-Q1"}))
    assert (found["2025-Q1"].state, found["2025-Q1"].days_late) == ("provisional", 93)


def test_what_is_older_than_the_installation_is_not_late() -> None:
    found = states(year_of(date(2026, 3, 1), since=date(2025, 7, 1)))
    assert list(found.values()) == ["elsewhere", "elsewhere", "late", "late", "late"]


def test_a_quarter_declared_by_months_is_taken_by_months() -> None:
    found = year_of(date(2025, 8, 1), periodic={"2025-01": date(2025, 2, 10), "2025-03": date(2025, 4, 10)})
    assert list(states(found)) == ["2025-01", "2025-02", "2025-03", "2025-Q2", "2025-Q3", "2025-Q4", "2025"]
    assert states(found)["2025-02"] == "late"


days = st.dates(date(2019, 1, 1), date(2029, 12, 31))
ends = st.one_of(st.none(), days)
periodicities: st.SearchStrategy[Periodicity] = st.sampled_from(["monthly", "quarterly"])
codes = st.sampled_from(
    [f"2025-{number:02d}" for number in range(1, 13)] + [f"2025-Q{number}" for number in range(1, 5)]
)
quick = settings(max_examples=150, deadline=None)


def in_order(first: date | None, last: date | None) -> Days:
    return Days(first=min(first, last), last=max(first, last)) if first and last else Days(first=first, last=last)


@quick
@given(periodicities, st.dictionaries(codes, days, max_size=8), ends, ends, days)
def test_each_day_of_a_life_is_in_exactly_one_period_and_a_due_day_is_after_its_end(
    periodicity: Periodicity, periodic: dict[str, date], opened: date | None, closed: date | None, today: date
) -> None:
    life = in_order(opened, closed)
    found = year_of(today, periodicity=periodicity, life=life, periodic=periodic)
    owed = [one for one in found.values() if one.form == "periodic"]
    day = date(2025, 1, 1)
    while day.year == 2025:
        [period] = [one for one in owed if one.first_day <= day <= one.last_day]
        lived = (life.first is None or life.first <= day) and (life.last is None or day <= life.last)
        assert not lived or period.state != "not_owed"
        day += DAY
    for one in found.values():
        assert one.due > one.last_day
        assert one.opens <= one.due
        assert (one.days_late > 0) == (one.state in LATE_STATES)
        assert one.days_late == 0 or today == one.due + one.days_late * DAY


@quick
@given(periodicities, st.dictionaries(codes, days, max_size=8), st.lists(st.tuples(days, ends), max_size=3), ends, days)
def test_the_officers_list_is_what_the_calendar_calls_late(
    periodicity: Periodicity,
    periodic: dict[str, date],
    stopped: list[tuple[date, date | None]],
    opened: date | None,
    today: date,
) -> None:
    suspensions = tuple(in_order(first, last) for first, last in stopped)
    life = Days(first=opened)
    found = year_of(today, periodicity=periodicity, life=life, periodic=periodic, suspensions=suspensions)
    late = undeclared_periods(
        CentreLife(centre="16001", life=life, suspensions=suspensions),
        2025,
        periodicity,
        declared=set(periodic),
        provisional=(),
        legislation=LAW,
        since=SINCE,
        today=today,
    )
    calendars = [one for one in found.values() if one.form == "periodic" and one.state == "late"]
    assert [(one.period, one.due, one.days_late) for one in late] == [
        (one.period, one.due, one.days_late) for one in calendars
    ]


@quick
@given(days, days, st.lists(st.tuples(days, ends), max_size=4))
def test_covered_is_day_by_day(first: date, last: date, stopped: list[tuple[date, date | None]]) -> None:
    asked = in_order(first, min(max(first, last), min(first, last) + 400 * DAY))
    assert asked.first is not None
    assert asked.last is not None
    suspensions = [in_order(start, end) for start, end in stopped]
    by_day = all(
        any((one.first or day) <= day and (one.last is None or day <= one.last) for one in suspensions)
        for day in (asked.first + number * DAY for number in range((asked.last - asked.first).days + 1))
    )
    assert covered(asked, suspensions) is by_day


def test_a_year_in_periods() -> None:
    assert [one.code for one in periods_of(2024, "quarterly")] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    assert len(periods_of(2024, "monthly")) == 12
    both = periods_of(2024, "monthly", ["2024-Q1", "2024-02"])
    assert len(both) == 12, "where both were declared, the register's"


def test_an_account_closed_by_its_last_declaration_owes_nothing_after_it() -> None:
    life = Days(first=date(2020, 1, 1))
    assert until_closed(life, None, ["2025-Q1"]) == life
    assert until_closed(life, "2025-Q2", ["2025-Q1", "2025-Q2"]).last == date(2025, 6, 30)
    assert until_closed(life, "2025-04", ["2025-04"]).last == date(2025, 4, 30)
    assert until_closed(life, "2025-Q2", ["2025-Q3"]) == life, "it was declared again since"
    found = states(year_of(date(2026, 3, 1), life=until_closed(life, "2025-Q2", [])))
    assert [found[f"2025-Q{number}"] for number in (1, 2, 3, 4)] == ["late", "late", "not_owed", "not_owed"]
