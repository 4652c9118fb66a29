"""One cell of a template written by openpyxl, and how it looks."""

from typing import Any

from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from teledeclaration.intake.xlsx_texts import LIKE_A_FORMULA
from teledeclaration.languages import Language

_FACE = "Calibri"
_A4 = 9
_MARGIN_INCHES = 0.4
_RIGHT_TO_LEFT = 2


def put(sheet: Worksheet, row: int, column: int, value: str) -> Cell:
    """A text that no program computes, whatever it begins with; a blank cell for an empty one."""
    cell = sheet.cell(row, column)
    if not isinstance(cell, Cell):
        raise TypeError(f"{cell.coordinate} is covered by a merged cell")
    if value:
        cell.value = value
        cell.data_type = "s"
    cell.number_format = "@"
    cell.font = font()
    cell.quotePrefix = value.startswith(LIKE_A_FORMULA)
    return cell


def font(*, size: int = 11, **look: Any) -> Font:
    """The one face of a template."""
    return Font(name=_FACE, size=size, **look)


def reading(language: Language, **place: Any) -> Alignment:
    """An alignment whose text is read from the right in Arabic, whatever signs and digits stand in it."""
    return Alignment(readingOrder=_RIGHT_TO_LEFT if language == "ar" else 1, **{"vertical": "top", **place})


def on_a_wide_page(sheet: Worksheet) -> None:
    """Printed on landscape A4, as wide as the page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for side in ("left", "right", "top", "bottom"):
        setattr(sheet.page_margins, side, _MARGIN_INCHES)
