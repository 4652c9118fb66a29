"""`teledeclaration template FORM`: a blank workbook to be filled, without a server; unsigned, as there is no key."""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from teledeclaration.intake.forms import FORMS
from teledeclaration.intake.templates.layout import Template
from teledeclaration.intake.templates.marks import VERSION, TemplateMark
from teledeclaration.intake.templates.workbook import write_template
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, say
from teledeclaration.legislation import load
from teledeclaration.payroll.templates import law_figures

_YEARS = range(2000, 2101)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("form", choices=sorted(FORMS), help="what is to be declared")
    parser.add_argument("--year", metavar="Y", type=int, choices=_YEARS, help="the year declared")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help="language of the workbook")
    parser.add_argument("--out", metavar="FILE.xlsx", type=Path, help="where it is written")


def run(arguments: argparse.Namespace) -> int:
    """Write the workbook and say where; 1 where that cannot be done."""
    return _write(arguments, today=datetime.now(UTC).date())


def _write(arguments: argparse.Namespace, *, today: date) -> int:
    year = arguments.year or (today.year - 1 if arguments.form == "annual" else None)
    mark = TemplateMark(form=arguments.form, version=VERSION, language=arguments.lang, year=year, issued_on=today)
    law = law_figures(arguments.form, year, load("cnas"), arguments.lang)
    place = arguments.out or Path(f"{arguments.form}.xlsx" if year is None else f"{arguments.form}-{year}.xlsx")
    try:
        with place.open("wb") as file:
            write_template(Template(form=FORMS[arguments.form], mark=mark, law=law), file)
    except OSError:
        sys.stderr.write(say("template.not-written", arguments.lang, path=place) + "\n")
        return 1
    sys.stdout.write(say("template.written", arguments.lang, path=place) + "\n")
    return 0
