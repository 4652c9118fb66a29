"""The sheet of findings that stands in front: a row a finding, each linked to its cell."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from schemas.findings import Finding
from teledeclaration.intake.own_additions import FINDINGS_COLUMNS
from teledeclaration.intake.xlsx_patch.package import HEAD
from teledeclaration.intake.xlsx_patch.places import Placed, cell_name
from teledeclaration.intake.xlsx_patch.styles import Styles
from teledeclaration.intake.xlsx_texts import LIKE_A_FORMULA, attribute_xml, text_xml
from teledeclaration.languages import Language, catalogue, say

FINDINGS_MAX = 200_000

_WIDTHS = (18, 8, 10, 28, 14, 90, 24, 24)
_LINKS_MAX = 65_000  # a sheet holds 65,530
_LETTERS_A_LINE, _LINE_HEIGHT = 85, 15
_ROWS_AT_ONCE = 2_000
_LAST = "ABCDEFGH"[len(FINDINGS_COLUMNS) - 1]


def findings_xml(found: Sequence[Placed], styles: Styles, language: Language, namespace: str) -> Iterator[bytes]:
    """The sheet's part, piece by piece; the first row has the titles by which `own_additions` knows the sheet."""
    shown = found[:FINDINGS_MAX]
    last = len(shown) + 1
    yield HEAD + _before_rows(language, namespace).encode()
    rows = _rows(shown, styles, language)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield "".join(some).encode()
    if len(found) > len(shown):
        left = say("annotated.more", language, left=len(found) - len(shown))
        yield f'<row r="{last + 1}">{_text("F", last + 1, left, styles.wrapped)}</row>'.encode()
    yield f'</sheetData><autoFilter ref="A1:{_LAST}{last}"/>'.encode()
    links = list(islice(_links(shown), _LINKS_MAX))
    if links:
        yield f"<hyperlinks>{''.join(links)}</hyperlinks>".encode()
    yield (
        '<pageSetup orientation="landscape" fitToHeight="0"/>'
        f'<ignoredErrors><ignoredError sqref="A1:{_LAST}{last}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
    ).encode()


def _before_rows(language: Language, namespace: str) -> str:
    direction = ' rightToLeft="1"' if language == "ar" else ""
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(_WIDTHS, start=1)
    )
    return (
        f'<worksheet xmlns="{namespace}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView{direction} tabSelected="1" workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData>'
    )


def _rows(shown: Iterable[Placed], styles: Styles, language: Language) -> Iterator[str]:
    titles = [say(f"annotated.column.{name}", language) for name in FINDINGS_COLUMNS]
    cells = "".join(_text(letter, 1, title, styles.title) for letter, title in zip("ABCDEFGH", titles, strict=True))
    yield f'<row r="1">{cells}</row>'
    for number, placed in enumerate(shown, start=2):
        lines = 1 + len(placed.finding.message) // _LETTERS_A_LINE
        height = f' ht="{lines * _LINE_HEIGHT}" customHeight="1"' if lines > 1 else ""
        yield f'<row r="{number}"{height}>{"".join(_cells(number, placed, styles, language))}</row>'


def _cells(number: int, placed: Placed, styles: Styles, language: Language) -> Iterator[str]:
    finding = placed.finding
    yield _plain("A", number, finding.sheet, styles)
    if finding.row is not None:
        style = styles.text if placed.cell is None else styles.link
        yield f'<c r="B{number}" s="{style}"><v>{finding.row}</v></c>'
    yield _plain("C", number, finding.column, styles)
    yield _plain("D", number, _field(finding, language), styles)
    severity = say(f"annotated.severity.{finding.severity.value}", language)
    yield _text("E", number, severity, styles.severity[finding.severity])
    quoted = finding.message.startswith(LIKE_A_FORMULA)
    yield _text("F", number, finding.message, styles.wrapped_quoted if quoted else styles.wrapped)
    yield _plain("G", number, finding.seen, styles)
    yield _plain("H", number, finding.proposed, styles)


def _field(finding: Finding, language: Language) -> str | None:
    key = f"field.{finding.field}"
    return say(key, language) if key in catalogue() else finding.field


def _plain(letter: str, number: int, text: str | None, styles: Styles) -> str:
    if not text:
        return ""
    return _text(letter, number, text, styles.quoted if text.startswith(LIKE_A_FORMULA) else styles.text)


def _text(letter: str, number: int, text: str, style: int) -> str:
    """A text cell: no program computes it, and its style says so where it begins like a formula."""
    return (
        f'<c r="{letter}{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text_xml(text)}</t></is></c>'
    )


def _links(shown: Iterable[Placed]) -> Iterator[str]:
    for number, placed in enumerate(shown, start=2):
        if placed.cell is not None and placed.sheet is not None:
            quoted = placed.sheet.replace("'", "''")
            to = attribute_xml(f"'{quoted}'!{cell_name(placed.cell)}")
            yield f'<hyperlink ref="B{number}" location="{to}"/>'
