"""A template without its people: styles, titles, header, comments, drop-downs, protection, explanations, stamp.

Made by openpyxl, small whatever the number of people; `workbook` puts the rows in. Below the header stand four
sample rows, which only carry the styles of cells: entry, locked, and each again for a text like a formula.
"""

import io
from collections.abc import Iterable

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, PatternFill, Protection, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from teledeclaration.intake.forms import Column, Kind
from teledeclaration.intake.raw import column_letter
from teledeclaration.intake.templates.design import (
    FIRST_ROW,
    HEADER_ROW,
    ID_ROW,
    LAST_YEAR,
    TITLE_ROWS,
    SheetColumn,
    Template,
    example_of,
)
from teledeclaration.intake.templates.explanations import write_explanations
from teledeclaration.intake.templates.put import font, on_a_wide_page, put, reading
from teledeclaration.intake.templates.stamp import ID_PREFIX, STAMP_SHEET, stamp_rows
from teledeclaration.languages import say

SAMPLE_ROWS = {
    "entry": FIRST_ROW,
    "locked": FIRST_ROW + 1,
    "entry_quoted": FIRST_ROW + 2,
    "locked_quoted": FIRST_ROW + 3,
}
FORMATS: dict[Kind, str] = {
    "nss": "@",
    "name": "@",
    "date": "dd/mm/yyyy",
    "amount": "#,##0.00",
    "duration": "0",
    "unit": "@",
    "text": "@",
    "movement": "@",
    "count": "0",
    "hours": "0.0",
    "category": "@",
    "code": "@",
}
_WIDTHS: dict[Kind, int] = {
    "nss": 20,
    "name": 20,
    "date": 12,
    "amount": 15,
    "duration": 10,
    "unit": 10,
    "text": 24,
    "movement": 16,
    "count": 12,
    "hours": 12,
    "category": 30,
    "code": 12,
}
_FREEZE_AFTER = 3
_COMMENT_WIDTH, _COMMENT_HEIGHT = 300, 110
_NOTE_COLUMNS = 10
_LIST_LETTERS_MAX = 250
_LISTS_FROM = 4

_THIN = Side(style="thin", color="FFBFBFBF")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_GREY = PatternFill("solid", start_color="FFEDEDED")
_DARK = PatternFill("solid", start_color="FF1F4E78")
_BANDS = ("FF2E75B6", "FF1F6E5C")
_SHADE = PatternFill("solid", start_color="FF7F7F7F")


def write_skeleton(template: Template, columns: tuple[SheetColumn, ...]) -> bytes:
    """The workbook with its sample rows, as `.xlsx`."""
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has a sheet")
    _write_titles(sheet, template, wide=len(columns))
    _write_header(sheet, template, columns)
    _write_samples(sheet, columns)
    _add_choices(sheet, template, columns)
    _settle_view(sheet, template, columns)
    write_explanations(book.create_sheet(say("template.explanations", template.language)), template)
    _write_stamp(book.create_sheet(STAMP_SHEET), template)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def title_cells(template: Template) -> list[tuple[str, str]]:
    """What the rows above the header say: names and values; a blank template leaves values to be written."""
    stamp, language = template.stamp, template.language
    return [
        (say("field.employer_number", language), stamp.employer_number or ""),
        (say("field.denomination", language), template.employer_name or ""),
        (say("field.payment_centre", language), stamp.centre or ""),
        (say("field.period" if template.form.of_a_period else "field.year", language), stamp.when or ""),
    ]


def _write_titles(sheet: Worksheet, template: Template, *, wide: int) -> None:
    language = template.language
    year = "" if template.stamp.when is None else f" {template.stamp.when}"
    sheet.title = f"{say('template.sheet', language)}{year}"
    title = put(sheet, 1, 1, say(f"template.title.{template.form.name}", language) + year)
    title.font = font(bold=True, size=16, color="FF1F4E78")
    for row, (name, value) in enumerate(title_cells(template), start=2):
        put(sheet, row, 1, name).font = font(bold=True)
        cell = put(sheet, row, 2, value)
        cell.protection = Protection(locked=bool(value))
        cell.alignment = Alignment(horizontal="right" if language == "ar" else "left")
        if not value:
            cell.border = _BOX
    kind = "filled" if template.rows.height else "blank"
    kind = kind if template.form.of_people else "by_code"
    note = put(
        sheet,
        TITLE_ROWS,
        1,
        say(f"template.{kind}", language, explanations=say("template.explanations", language)),
    )
    note.alignment = reading(language, wrap_text=True, vertical="center")
    note.font = font(italic=True, color="FF404040")
    sheet.merge_cells(start_row=TITLE_ROWS, end_row=TITLE_ROWS, start_column=1, end_column=min(_NOTE_COLUMNS, wide))
    sheet.row_dimensions[TITLE_ROWS].height = 34
    sheet.row_dimensions[1].height = 24


def _write_header(sheet: Worksheet, template: Template, columns: tuple[SheetColumn, ...]) -> None:
    for place, column in enumerate(columns, start=1):
        put(sheet, ID_ROW, place, ID_PREFIX + column.id)
        cell = put(sheet, HEADER_ROW, place, column.header)
        cell.font = font(bold=True, color="FFFFFFFF")
        cell.fill = _header_fill(column)
        cell.border = _BOX
        cell.alignment = reading(template.language, wrap_text=True, horizontal="center", vertical="center")
        cell.comment = _comment(column, template)
        sheet.column_dimensions[column.letter].width = _WIDTHS[column.kind]
    sheet.row_dimensions[ID_ROW].hidden = True
    sheet.row_dimensions[HEADER_ROW].height = 80 if template.last is not None else 50


def _header_fill(column: SheetColumn) -> PatternFill:
    if column.look == "shown":
        return _SHADE
    quarter = column.column.quarter
    return _DARK if quarter is None else PatternFill("solid", start_color=_BANDS[quarter % 2])


def _comment(column: SheetColumn, template: Template) -> Comment:
    said = column.help
    if column.look == "entry" and (
        example := example_of(column.column, template.language, template.choices(column.column))
    ):
        said = f"{said}\n{say('template.example', template.language)} : {example}"
    return Comment(said, "Teledeclaration", width=_COMMENT_WIDTH, height=_COMMENT_HEIGHT)


def _write_samples(sheet: Worksheet, columns: tuple[SheetColumn, ...]) -> None:
    for name, row in SAMPLE_ROWS.items():
        for place, column in enumerate(columns, start=1):
            cell = sheet.cell(row, place)
            grey = column.look == "shown" or name.startswith("locked")
            cell.number_format = FORMATS[column.kind]
            cell.border = _BOX
            cell.protection = Protection(locked=grey)
            cell.alignment = Alignment(horizontal="center" if column.kind == "unit" else None)
            cell.font = font()
            if grey:
                cell.fill = _GREY
                cell.font = font(color="FF595959", italic=column.look == "shown")
            if name.endswith("quoted"):
                cell.quotePrefix = True


def _add_choices(sheet: Worksheet, template: Template, columns: Iterable[SheetColumn]) -> None:
    """What each entry cell takes: a list, a date, a number; with words for what it refuses."""
    for column in columns:
        rule = None if column.look == "shown" else _rule(column, template)
        if rule is not None:
            rule.add(f"{column.letter}{FIRST_ROW}:{column.letter}{template.last_row}")
            sheet.add_data_validation(rule)


def _rule(column: SheetColumn, template: Template) -> DataValidation | None:
    language, kind = template.language, column.kind
    if template.choices(column.column):
        rule = DataValidation(type="list", formula1=_listed(column.column, template), allow_blank=True)
        rule.showErrorMessage = not column.column.free
    elif kind == "date":
        rule = DataValidation(type="date", operator="greaterThanOrEqual", formula1="1", allow_blank=True)
    elif kind == "amount":
        rule = DataValidation(type="decimal", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
    elif kind == "hours":
        rule = DataValidation(type="decimal", operator="greaterThan", formula1="0", allow_blank=True)
    elif kind in ("duration", "count"):
        rule = DataValidation(type="whole", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
    elif kind == "nss":
        rule = DataValidation(type="textLength", operator="equal", formula1="12", allow_blank=True)
        rule.errorStyle = "warning"
    else:
        return None
    if rule.showErrorMessage or rule.showErrorMessage is None:
        rule.showErrorMessage = True
        rule.errorTitle = column.header[:32]
        rule.error = say(f"template.refused.{kind}", language)
    if kind == "unit":
        rule.showInputMessage = True
        rule.promptTitle = column.header[:32]
        rule.prompt = column.help
    return rule


def _listed(column: Column, template: Template) -> str:
    """The words of a list as a rule holds them, or where they stand on the stamp's sheet: a rule holds so many letters
    only, and no comma in a word."""
    words = template.choices(column)
    said = ",".join(words)
    if len(said) <= _LIST_LETTERS_MAX and not any("," in word or '"' in word for word in words):
        return f'"{said}"'
    letter = _list_letters(template)[column.name]
    return f"{STAMP_SHEET}!${letter}$1:${letter}${len(words)}"


def _list_letters(template: Template) -> dict[str, str]:
    """The column of each offered list on the stamp's sheet, two columns behind the stamp."""
    return {name: column_letter(place) for place, name in enumerate(template.offered, start=_LISTS_FROM)}


def _settle_view(sheet: Worksheet, template: Template, columns: tuple[SheetColumn, ...]) -> None:
    sheet.sheet_view.rightToLeft = template.language == "ar"
    sheet.sheet_view.showGridLines = False
    sheet.freeze_panes = f"{column_letter(_FREEZE_AFTER + 1)}{FIRST_ROW}"
    sheet.auto_filter.ref = f"A{HEADER_ROW}:{columns[-1].letter}{template.last_row}"
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    printed = [column for column in columns if not column.id.startswith(LAST_YEAR)]
    sheet.print_area = f"A1:{printed[-1].letter}{template.last_row}"
    on_a_wide_page(sheet)
    guarded = sheet.protection
    guarded.sheet = True
    for free in ("sort", "autoFilter", "insertRows", "insertColumns", "deleteRows", "deleteColumns"):
        setattr(guarded, free, False)  # False: not held back by the protection
    for free in ("formatCells", "formatColumns", "formatRows"):
        setattr(guarded, free, False)


def _write_stamp(sheet: Worksheet, template: Template) -> None:
    for row, (name, value) in enumerate(stamp_rows(template.stamp), start=1):
        put(sheet, row, 1, name)
        put(sheet, row, 2, value)
    for place, words in enumerate(template.offered.values(), start=_LISTS_FROM):
        for row, word in enumerate(words, start=1):
            put(sheet, row, place, word)
    sheet.sheet_state = "veryHidden"
    sheet.protection.sheet = True
