"""The sheet of explanations: each column, the rules, and the figures of the law with how sure they are."""

from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from teledeclaration.intake.templates.design import Template, example_of, header_of, help_of
from teledeclaration.intake.templates.put import font, on_a_wide_page, put, reading
from teledeclaration.languages import Language, say

_WIDTHS = (34, 78, 22, 14)
_DARK = PatternFill("solid", start_color="FF1F4E78")
_RULES = ("one_line", "new_people", "free_hand")
_RULES_OF_NOBODY = ("one_line_a_code", "free_hand")
_RULES_WHEN_FILLED = ("left_blank", "whose")
_LINE_HEIGHT = 15


def write_explanations(sheet: Worksheet, template: Template) -> None:
    language = template.language
    sheet.sheet_view.rightToLeft = language == "ar"
    sheet.sheet_view.showGridLines = False
    for letter, width in zip("ABCD", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    row = _append_titles(sheet, 1, "column", "meaning", "example", "needed", language=language)
    for column in template.form.columns:
        needed = say("template.yes", language) if column.required else ""
        said = (
            header_of(column, language),
            help_of(column, language),
            example_of(column, language, template.choices(column)),
            needed,
        )
        row = _append(sheet, row, *said, language=language)
    row = _append_titles(sheet, row + 1, "rules", language=language)
    rules = _RULES if template.form.of_people else _RULES_OF_NOBODY
    for rule in (*rules, *(_RULES_WHEN_FILLED if template.stamp.employer_number else ())):
        row = _append(sheet, row, "", say(f"template.rule.{rule}", language), language=language)
    if template.law:
        row = _append_titles(sheet, row + 1, "law", "source", "value", language=language)
    for figure in template.law:
        row = _append(sheet, row, figure.label, figure.source, figure.value, language=language)
    on_a_wide_page(sheet)


def _append(sheet: Worksheet, row: int, *texts: str, language: Language) -> int:
    """One row of texts, high enough for its longest; the row below."""
    for place, said in enumerate(texts, start=1):
        cell = put(sheet, row, place, said)
        cell.alignment = reading(language, horizontal="right" if language == "ar" else "left", wrap_text=True)
    longest = max(len(said) / width for said, width in zip(texts, _WIDTHS, strict=False))
    sheet.row_dimensions[row].height = _LINE_HEIGHT * (1 + int(longest))
    return row + 1


def _append_titles(sheet: Worksheet, row: int, *names: str, language: Language) -> int:
    below = _append(sheet, row, *(say(f"template.{name}", language) for name in names), language=language)
    for place in range(1, len(_WIDTHS) + 1):
        cell = sheet.cell(row, place)
        cell.font = font(bold=True, color="FFFFFFFF")
        cell.fill = _DARK
    return below
