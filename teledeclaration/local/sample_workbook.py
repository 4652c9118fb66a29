"""The sample declaration's workbook, as an HR office keeps one by hand, with two mistakes and a doubt in it."""

import io
import random
from collections.abc import Sequence
from datetime import datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from teledeclaration.local.sample_people import SamplePerson
from teledeclaration.periods import Year

WRONG_TOTAL, SHORT_NUMBER, LOW_PAY = 3, 7, 12
"""The lines with something in them: a total that is not the sum, a number without its last digit, a doubt."""

_QUARTERS = ("1er trimestre", "2ème trimestre", "3ème trimestre", "4ème trimestre")
_MONTHLY_PAY = (32_000, 38_500, 45_000, 52_750, 61_000, 74_300, 96_000, 148_000)
_LOW_MONTHLY_PAY = 15_000
_FIRST_QUARTER_COLUMN, _TOTAL_COLUMN = 7, 19
_HEADER_ROW = 5

Cell = str | int | float | datetime | None


def sample_workbook(people: Sequence[SamplePerson], *, name: str, number: str, year: int) -> bytes:
    """An .xlsx of the year's lines: titles, a two-row merged header, a line a person, a row of totals."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = f"DAS {year}"
    _write_header(sheet, name=name, number=number, year=year)
    chance = random.Random(f"pay of {number}")  # noqa: S311 — the same pay every time is what is wanted
    for place, person in enumerate(people, start=1):
        monthly = _LOW_MONTHLY_PAY if place == LOW_PAY else chance.choice(_MONTHLY_PAY)
        sheet.append(_line(place, person, monthly, Year(year)))
    _write_totals(sheet, len(people))
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def _write_header(sheet: Worksheet, *, name: str, number: str, year: int) -> None:
    sheet.append([name])
    sheet.append([f"N° employeur : {number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])
    sheet.append([f"Déclaration annuelle des salaires — exercice {year}"])
    sheet.append([])
    quarters = [word for quarter in _QUARTERS for word in (quarter, None, None)]
    before = ["N°", "N° S.S.", "Nom", "Prénom", "الاسم واللقب", "Né(e) le"]
    sheet.append([*before, *quarters, "Total annuel", "Entrée", "Sortie", "Obs."])
    sheet.append([*[None] * len(before), *["Durée", "U", "Montant"] * 4])
    for column in range(_FIRST_QUARTER_COLUMN, _TOTAL_COLUMN, 3):
        sheet.merge_cells(start_row=_HEADER_ROW, end_row=_HEADER_ROW, start_column=column, end_column=column + 2)
    for row in range(1, _HEADER_ROW + 2):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
            cell.alignment = Alignment(horizontal="center" if row >= _HEADER_ROW else None)


def _line(place: int, person: SamplePerson, monthly: int, year: Year) -> list[Cell]:
    durations = [person.days(quarter) for quarter in year.quarters]
    amounts = [round(monthly * days / 30, 2) for days in durations]
    total = round(sum(amounts), 2)
    entry, exit_ = person.spells[-1]
    return [
        place,
        person.nss[:-1] if place == SHORT_NUMBER else person.nss,
        person.last_name,
        person.first_name,
        f"{person.first_name_ar} {person.last_name_ar}",
        person.birth_date.strftime("%d/%m/%Y"),
        *[cell for days, amount in zip(durations, amounts, strict=True) for cell in (days, "J", amount)],
        total + 1_000 if place == WRONG_TOTAL else total,
        entry.strftime("%d/%m/%Y"),
        exit_.strftime("%d/%m/%Y") if exit_ else None,
    ]


def _write_totals(sheet: Worksheet, lines: int) -> None:
    first, last = _HEADER_ROW + 2, _HEADER_ROW + 1 + lines
    row = last + 1
    sheet.cell(row, 2, "TOTAL")
    for column in (*range(_FIRST_QUARTER_COLUMN + 2, _TOTAL_COLUMN, 3), _TOTAL_COLUMN):
        letter = get_column_letter(column)
        sheet.cell(row, column, f"=SUM({letter}{first}:{letter}{last})")
