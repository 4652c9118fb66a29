"""A template as an `.xlsx`: the skeleton, with its people put in as text, some thousands of rows at a time."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import IO

import polars as pl

from teledeclaration.intake.problems import dinars
from teledeclaration.intake.templates.design import FIRST_ROW, SheetColumn, Template, sheet_columns, total_of
from teledeclaration.intake.templates.skeleton import SAMPLE_ROWS, write_skeleton
from teledeclaration.intake.xlsx_texts import BEGINS_LIKE_A_FORMULA, text_cells

_ROWS_AT_ONCE = 10_000
_SHEET = "xl/worksheets/sheet1.xml"
_DAY_ZERO = date(1899, 12, 30)
_FIRST_SURE_DAY = date(1900, 3, 1)


@dataclass(frozen=True)
class _Styles:
    """The style numbers of one column's cells."""

    entry: str
    locked: str
    entry_quoted: str
    locked_quoted: str


def write_template(template: Template, out: IO[bytes]) -> None:
    """Write the workbook into `out`; memory stays that of the skeleton and some thousands of rows."""
    columns = sheet_columns(template)
    with (
        zipfile.ZipFile(BytesIO(write_skeleton(template, columns))) as skeleton,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
    ):
        for name in skeleton.namelist():
            if name != _SHEET:
                packed.writestr(name, skeleton.read(name))
                continue
            with packed.open(_SHEET, "w", force_zip64=True) as part:
                for text in _sheet_xml(skeleton.read(name).decode(), template, columns):
                    part.write(text.encode())


def _sheet_xml(skeleton: str, template: Template, columns: tuple[SheetColumn, ...]) -> Iterator[str]:
    styles = _styles(skeleton, columns)
    before, _, rest = skeleton.partition(f'<row r="{FIRST_ROW}"')
    yield re.sub(r"<dimension [^>]*/>", "", before)
    for start in range(0, template.rows.height, _ROWS_AT_ONCE):
        yield _known_rows(template, columns, styles, start)
    yield _blank_rows(template, columns, styles)
    yield "</sheetData>" + rest.partition("</sheetData>")[2]


def _styles(skeleton: str, columns: tuple[SheetColumn, ...]) -> dict[str, _Styles]:
    """The style numbers by letter, as the sample rows have them."""
    given = {
        name: dict(re.findall(rf'<c r="([A-Z]+){row}"[^>]*?\bs="(\d+)"', skeleton)) for name, row in SAMPLE_ROWS.items()
    }
    return {column.letter: _Styles(**{name: given[name][column.letter] for name in given}) for column in columns}


def _known_rows(template: Template, columns: tuple[SheetColumn, ...], styles: Mapping[str, _Styles], start: int) -> str:
    rows = template.rows.slice(start, _ROWS_AT_ONCE)
    last = None if template.last is None else template.last.slice(start, _ROWS_AT_ONCE)
    first = FIRST_ROW + start
    number = pl.int_range(first, first + rows.height, eager=True).cast(pl.String)
    cells = [_column_cells(column, columns, rows, last, number, styles[column.letter]) for column in columns]
    opened = pl.select(pl.format('<row r="{}">', number)).to_series()
    lines = pl.select(pl.concat_str(opened, *cells, pl.lit("</row>"))).to_series()
    return str(lines.str.join("").item())


def _column_cells(
    column: SheetColumn,
    columns: tuple[SheetColumn, ...],
    rows: pl.DataFrame,
    last: pl.DataFrame | None,
    number: pl.Series,
    styles: _Styles,
) -> pl.Series:
    if column.computed:
        return pl.select(_totals(column, columns, rows, number, styles)).to_series()
    source = last if column.look == "shown" else rows
    if source is None or column.source not in source.columns:
        return pl.select(_blank(column, number, pl.lit(styles.entry))).to_series()
    values = source[column.source]
    known = rows["known"] & values.is_not_null()
    locked = known if column.column.locked else pl.repeat(value=False, n=rows.height, eager=True)
    return pl.select(_cells(column, values, number, locked, styles)).to_series()


def _blank(column: SheetColumn, number: pl.Series, style: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit(f'<c r="{column.letter}'), number, pl.lit('" s="'), style, pl.lit('"/>'))


def _cells(column: SheetColumn, values: pl.Series, number: pl.Series, locked: pl.Series, styles: _Styles) -> pl.Expr:
    """One column of cells: blank ones too, so that they are formatted."""
    place = pl.concat_str(pl.lit(f'<c r="{column.letter}'), number, pl.lit('" s="'))
    style = pl.when(locked).then(pl.lit(styles.locked)).otherwise(pl.lit(styles.entry))
    match column.kind:
        case "amount" | "duration" | "count" | "hours":
            written = dinars(pl.lit(values)) if column.kind == "amount" else pl.lit(values).cast(pl.String)
            filled = pl.concat_str(place, style, pl.lit('"><v>'), written, pl.lit("</v></c>"))
        case "date":
            days = (pl.lit(values) - pl.lit(_DAY_ZERO)).dt.total_days().cast(pl.String)
            as_day = pl.concat_str(place, style, pl.lit('"><v>'), days, pl.lit("</v></c>"))
            as_text = text_cells(place, style, pl.lit(values).dt.strftime("%d/%m/%Y"))
            filled = pl.when(pl.lit(values) >= _FIRST_SURE_DAY).then(as_day).otherwise(as_text)
        case _:
            quoted = pl.when(locked).then(pl.lit(styles.locked_quoted)).otherwise(pl.lit(styles.entry_quoted))
            risky = pl.lit(values).str.contains(BEGINS_LIKE_A_FORMULA)
            filled = text_cells(place, pl.when(risky).then(quoted).otherwise(style), pl.lit(values))
    return pl.when(values.is_null()).then(_blank(column, number, style)).otherwise(filled)


def _totals(
    column: SheetColumn, columns: tuple[SheetColumn, ...], rows: pl.DataFrame, number: pl.Series, styles: _Styles
) -> pl.Expr:
    """The formula of each row, with the value it has: programs that do not compute show and keep that."""
    place = pl.concat_str(pl.lit(f'<c r="{column.letter}'), number, pl.lit(f'" s="{styles.entry}"'))
    formula = _formula(columns, number)
    nothing = pl.concat_str(place, pl.lit(' t="str"><f>'), formula, pl.lit("</f><v></v></c>"))
    summed = [each.source for each in columns if each.is_summed and each.source in rows.columns]
    if not summed:
        return nothing
    total = rows.select(pl.sum_horizontal(summed)).to_series()
    value = pl.concat_str(place, pl.lit("><f>"), formula, pl.lit("</f><v>"), dinars(pl.lit(total)), pl.lit("</v></c>"))
    return pl.when(rows.select(pl.all_horizontal(pl.col(summed).is_null())).to_series()).then(nothing).otherwise(value)


def _formula(columns: tuple[SheetColumn, ...], number: pl.Series) -> pl.Expr:
    pieces = total_of(columns, "\0").replace('"', "&quot;").split("\0")
    joined = [pl.lit(pieces[0])]
    for piece in pieces[1:]:
        joined += [pl.lit(number), pl.lit(piece)]
    return pl.concat_str(joined)


def _blank_rows(template: Template, columns: tuple[SheetColumn, ...], styles: Mapping[str, _Styles]) -> str:
    rows = []
    for row in range(FIRST_ROW + template.rows.height, template.last_row + 1):
        cells = [
            f'<c r="{column.letter}{row}" s="{styles[column.letter].entry}" t="str">'
            f"<f>{total_of(columns, row).replace(chr(34), '&quot;')}</f><v></v></c>"
            if column.computed
            else f'<c r="{column.letter}{row}" s="{styles[column.letter].entry}"/>'
            for column in columns
        ]
        rows.append(f'<row r="{row}">{"".join(cells)}</row>')
    return "".join(rows)
