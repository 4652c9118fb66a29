"""Templates made and filled as people do: by openpyxl here, by LibreOffice in the slow tests."""

import io
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.raw import RawFile, ReadingLimits
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.templates.coming_back import Signed
from teledeclaration.intake.templates.design import FIRST_ROW, ID_ROW, Template
from teledeclaration.intake.templates.stamp import ID_PREFIX, VERSION, TemplateStamp
from teledeclaration.intake.templates.workbook import write_template
from teledeclaration.languages import Language

TODAY = date(2027, 1, 10)
EMPLOYER, CENTRE, YEAR = "1600012345", "16001", 2026
NUMBERS = ("850512345643", "901203000173", "771130004457")
PEOPLE = pl.DataFrame(
    {
        "nss": NUMBERS,
        "last_name": ["BENALI", "HADDAD", "ZERROUKI"],
        "first_name": ["SAMIRA", "KARIM", "LYNDA"],
        "birth_date": [date(1985, 5, 12), date(1990, 12, 3), date(1977, 11, 30)],
        "entry_date": [date(2019, 9, 1), date(2020, 1, 15), date(2021, 3, 1)],
        "exit_date": [None, None, None],
        "known": [True, True, True],
    },
    schema_overrides={"exit_date": pl.Date},
)
A_YEAR = {
    f"q{quarter}_{measure}": value
    for quarter in (1, 2, 3, 4)
    for measure, value in (("duration", 90), ("unit", "J"), ("amount", 150000.5))
}


def stamp_of(form: FormName = "annual", language: Language = "fr", **said: Any) -> TemplateStamp:
    known: dict[str, Any] = {"year": YEAR, "employer_number": EMPLOYER, "centre": CENTRE, "issued_on": TODAY}
    return TemplateStamp(form=form, version=VERSION, language=language, **{**known, **said})


def template_of(form: FormName = "annual", language: Language = "fr", **parts: Any) -> Template:
    parts = {"stamp": stamp_of(form, language), "employer_name": "SARL Essai", "rows": PEOPLE, **parts}
    return Template(form=FORMS[form], **parts)


def written(template: Template) -> bytes:
    out = io.BytesIO()
    write_template(template, out)
    return out.getvalue()


def places_of(sheet: Any) -> dict[str, int]:
    """The column number of each id, wherever the columns have gone."""
    ids = {str(cell.value): cell.column for cell in sheet[ID_ROW] if cell.value}
    return {name.removeprefix(ID_PREFIX): column for name, column in ids.items()}


def filled(content: bytes, rows: Mapping[int, Mapping[str, object]]) -> bytes:
    """The template with cells written into rows counted from the first person (0), by field."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet: Any = book.worksheets[0]
    places = places_of(sheet)
    for number, cells in rows.items():
        for field, value in cells.items():
            sheet.cell(FIRST_ROW + number, places[field]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def raw_of(content: bytes, name: str = "template.xlsx") -> RawFile:
    return read_any(content, name, ReadingLimits())


def checked(
    content: bytes, name: str = "template.xlsx", *, centre: str | None = None, signed: Signed | None = None
) -> CheckedFile:
    context = standard_context(TODAY, employer_number=EMPLOYER)
    context = type(context)(**{**vars(context), "centre": centre, "signed": signed})
    return check_raw(raw_of(content, name), context=context)


def codes(file: CheckedFile) -> dict[str, str]:
    """The codes found, with the severity of each."""
    return dict(zip(file.findings["code"], file.findings["severity"], strict=True))


def by_libreoffice(content: bytes, kind: str, folder: Path) -> bytes:
    """The workbook opened and saved by LibreOffice, as `xlsx`, `ods` or `xls`."""
    soffice = shutil.which("soffice")
    if soffice is None:
        raise FileNotFoundError("LibreOffice is not on this machine: apt-get install libreoffice-calc")
    source = folder / "filled.xlsx"
    source.write_bytes(content)
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", kind,
         "--outdir", str(folder / kind), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return (folder / kind / f"filled.{kind}").read_bytes()
