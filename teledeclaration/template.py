"""`teledeclaration template FORM`: a blank workbook to be filled, without a server; unsigned, as there is no key."""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from teledeclaration.intake.forms import FORMS
from teledeclaration.intake.templates.workbook import write_template
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, say
from teledeclaration.legislation import load
from teledeclaration.payroll.checks import month_or_quarter
from teledeclaration.payroll.templates import blank_template, stamp_for
from teledeclaration.periods import Month, Period, Quarter, Year, parse_period

_YEARS = range(2000, 2101)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("form", choices=sorted(FORMS), help="what is to be declared")
    parser.add_argument("--year", metavar="Y", type=int, choices=_YEARS, help="the year declared")
    parser.add_argument("--period", metavar="P", type=_period, help="the month or quarter declared: 2026-01, 2026-Q1")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help="language of the workbook")
    parser.add_argument("--out", metavar="FILE.xlsx", type=Path, help="where it is written")


def _period(text: str) -> Month | Quarter:
    try:
        return month_or_quarter(parse_period(text))
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"not a month or quarter: {text}") from None


def _when(arguments: argparse.Namespace, today: date) -> Period | None:
    """What is declared: a month or quarter where the form is of one, else a year; None where nobody says."""
    if arguments.period is not None and FORMS[arguments.form].of_a_period:
        period: Month | Quarter = arguments.period
        return period
    year = arguments.year or (today.year - 1 if arguments.form == "annual" else None)
    return None if year is None else Year(year)


def run(arguments: argparse.Namespace) -> int:
    """Write the workbook and say where; 1 where that cannot be done."""
    return _write(arguments, today=datetime.now(UTC).date())


def _write(arguments: argparse.Namespace, *, today: date) -> int:
    form, language, period = FORMS[arguments.form], arguments.lang, _when(arguments, today)
    stamp = stamp_for(form, period, language, today=today)
    template = blank_template(form, stamp, period or Year(today.year), load("cnas"))
    place = arguments.out or Path(f"{form.name}.xlsx" if period is None else f"{form.name}-{period.code}.xlsx")
    try:
        with place.open("wb") as file:
            write_template(template, file)
    except OSError:
        sys.stderr.write(say("template.not-written", arguments.lang, path=place) + "\n")
        return 1
    sys.stdout.write(say("template.written", arguments.lang, path=place) + "\n")
    return 0
