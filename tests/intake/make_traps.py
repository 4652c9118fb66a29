"""Writes `tests/files/traps/`: the smallest file for each way in which a declaration's workbook can mislead its reader.

    cd tests && python -m intake.make_traps

The files are kept with the tests, and `answers.toml` there says what must come out of each. All are written here,
from XML and text; those of the old `.xls` format are saved from such a workbook by LibreOffice, which must be there.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from intake.trap_writing import (
    ARABIC_HEADER,
    CLOCK,
    DATE,
    FILTER_NAMED,
    HEAD,
    HEADER,
    MAIN,
    PAY,
    PERCENT,
    STRICT_MAIN,
    TITLE,
    Xml,
    changed,
    filtered,
    filtered_table,
    line,
    lines,
    merged_header,
    ods,
    ods_hidden,
    ods_merged,
    ods_odd_cells,
    ods_row,
    ods_table,
    packed,
    prefixed,
    rows_xml,
    serial,
    shared_strings,
    sheet,
    table,
    with_other_relations,
    without_references,
    xlsx,
)

TRAPS = Path(__file__).parents[1] / "files" / "traps"


def csv(rows: Sequence[Sequence[Any]] | None = None, *, separator: str = ";", end: str = "\r\n") -> str:
    def text(value: Any) -> str:
        if isinstance(value, date):
            return value.strftime("%d/%m/%Y")
        if isinstance(value, float):
            return f"{value:.2f}".replace(".", ",")
        return "" if value is None else str(value)

    return "".join(separator.join(map(text, row)) + end for row in (rows or [[TITLE], [], HEADER, *lines()]))


ARABIC = [["السنة 2025"], ARABIC_HEADER, ["791500003360", "بن علي", "هيلين", date(1979, 7, 10), *line(0)[4:]]]

TEXTS: dict[str, Callable[[], bytes]] = {
    "utf-8.csv": lambda: csv().encode(),
    "utf-8-mark.csv": lambda: csv().encode("utf-8-sig"),
    "utf-16-little-mark.csv": lambda: b"\xff\xfe" + csv().encode("utf-16-le"),
    "utf-16-big-mark.csv": lambda: b"\xfe\xff" + csv().encode("utf-16-be"),
    "utf-16-little.csv": lambda: csv().encode("utf-16-le"),
    "utf-16-big.csv": lambda: csv().encode("utf-16-be"),
    "utf-32.csv": lambda: csv().encode("utf-32"),
    "windows-1252.csv": lambda: csv().encode("windows-1252"),
    "windows-1256.csv": lambda: csv(ARABIC).encode("windows-1256"),
    "comma.csv": lambda: csv(separator=",", end="\n").encode(),
    "tab.txt": lambda: csv(separator="\t").encode("utf-16"),
    "pipe.csv": lambda: csv(separator="|").encode(),
    "separator-said.csv": lambda: b"sep=|\r\n" + csv(separator="|").encode(),
    "commas-in-amounts.csv": lambda: csv([[TITLE], HEADER, line(0, 75_000.5), line(1, 75_000.25)]).encode(),
    "quotes-and-line-breaks.csv": lambda: csv(
        [[TITLE], [*HEADER[:-1], '"Date de\nsortie"'], changed(0, B='"BEN;ALI"'), changed(1, B='EL"HADJ')]
    ).encode(),
    "ragged.csv": lambda: csv([[TITLE], HEADER, [*line(0), "a", "b", "c"], line(1)[:18]]).encode(),
    "separator-with-title.csv": lambda: b"SEP=;\n" + csv().encode(),
    "exponent-numbers.csv": lambda: csv([[TITLE], HEADER, changed(0, A="7,915E+11"), line(1)]).encode(),
    "lost-zeros.csv": lambda: csv(
        [[TITLE], HEADER, ["10150000384", *line(0)[1:3], date(2001, 7, 10), *line(0)[4:]]]
    ).encode(),
    "error-texts.csv": lambda: csv([[TITLE], HEADER, changed(0, G="#N/A"), changed(1, Q="#DIV/0!")]).encode(),
    "stray-signs.csv": lambda: csv([[TITLE], HEADER, line(0), line(1)]).encode() + b"\x1a",
    "null-padding.csv": lambda: csv().replace("BENALI", "BENALI\0\0").encode(),
    "only-header.csv": lambda: csv([[TITLE], HEADER]).encode(),
    "no-columns.csv": lambda: csv([["recette", "sel"], ["pain", "10"]]).encode(),
    "empty.csv": lambda: b"\xef\xbb\xbf;;;\r\n;;;\r\n",
    "web-page.xls": lambda: b"<html><table><tr><td>NSS</td></tr></table></html>",
    "excel-2003.xls": lambda: (
        b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
    ),
}

WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "plain.xlsx": lambda: xlsx(table()),
    "shared-strings.xlsx": shared_strings,
    "prefixed.xlsx": prefixed,
    "no-references.xlsx": without_references,
    "begins-in-row-7.xlsx": lambda: xlsx(sheet(rows_xml([HEADER, *lines()], first=7))),
    "lying-dimension.xlsx": lambda: xlsx(table().replace("<sheetData>", '<dimension ref="A1:B2"/><sheetData>')),
    "broken-dimension.xlsx": lambda: xlsx(table().replace("<sheetData>", '<dimension ref="1:4"/><sheetData>')),
    "absolute-names.xlsx": lambda: xlsx(table(), target="/xl/worksheets/"),
    "backslashes.xlsx": lambda: xlsx(table(), slash="\\"),
    "at-the-root.xlsx": lambda: xlsx(table(), folder=""),
    "utf-16.xlsx": lambda: xlsx(table(), encoding="utf-16"),
    "strict.xlsx": lambda: xlsx(
        table().replace(MAIN, STRICT_MAIN).replace(f's="{DATE}"><v>43525<', 't="d"><v>2019-03-01T00:00:00<'),
        strict=True,
    ),
    "macros.xlsm": lambda: xlsx(table(), extra={"xl/vbaProject.bin": "not looked at"}),
    "since-1904.xlsx": lambda: xlsx(table(since_1904=True), since_1904=True),
    "protected.xlsx": lambda: xlsx(
        table().replace("</sheetData>", '</sheetData><sheetProtection password="CC1A" sheet="1" objects="1"/>')
    ),
    "hidden-sheet.xlsx": lambda: xlsx(table(), table(), states=("visible", "veryHidden")),
    "only-hidden-sheets.xlsx": lambda: xlsx(table(), states=("hidden",)),
    "hidden-rows-and-column.xlsx": lambda: xlsx(
        sheet(
            rows_xml([HEADER, *lines(3)], hidden=[3]),
            before='<cols><col min="19" max="19" width="0" hidden="1"/></cols>',
        )
    ),
    "filtered-rows.xlsx": lambda: xlsx(filtered()),
    "filtered-table.xlsx": filtered_table,
    "filter-at-rest.xlsx": lambda: xlsx(
        sheet(rows_xml([[TITLE], [], HEADER, *lines(3)], hidden=[5]), after='<autoFilter ref="A3:S6"/>')
    ),
    "merged-header.xlsx": lambda: xlsx(merged_header(lines())),
    "several-sheets.xlsx": lambda: xlsx(
        sheet(rows_xml([["Mode d'emploi"]])), table(lines(3)), table(), names=("Notes", "DAS 2025", "Brouillon")
    ),
    "very-wide.xlsx": lambda: xlsx(
        sheet(rows_xml([[*HEADER, *([None] * 700), "obs"], *([*row, *([None] * 700), "x"] for row in lines())]))
    ),
    "very-sparse.xlsx": lambda: xlsx(
        sheet(rows_xml([HEADER, *lines()]) + '<row r="9000"><c r="IV9000"><v>1</v></c></row>')
    ),
    "too-sparse.xlsx": lambda: xlsx(
        sheet(rows_xml([HEADER, *lines()]) + '<row r="200000"><c r="XFD200000"><v>1</v></c></row>')
    ),
    "past-the-last-column.xlsx": lambda: xlsx(
        sheet(rows_xml([HEADER, *lines()]) + '<row r="5"><c r="ZZZZ5"><v>1</v></c></row>')
    ),
    "other-relation-names.xlsx": lambda: with_other_relations(
        xlsx(sheet(rows_xml([HEADER, *lines()]) + '<row r="5"><c r="ZZZZ5"><v>1</v></c></row>'))
    ),
    "titles-totals-notes.xlsx": lambda: xlsx(
        table([*lines(), ["TOTAL GENERAL", *([None] * 5), 2 * PAY], [], ["Fait à Alger, le gérant"]])
    ),
    "header-repeated.xlsx": lambda: xlsx(table([line(0), HEADER, line(1)])),
    "error-cells.xlsx": lambda: xlsx(
        table(
            [changed(0, G=Xml('<c t="e"><v>#DIV/0!</v></c>')), changed(1, Q=Xml('<c t="e"><f>X1</f><v>#REF!</v></c>'))]
        )
    ),
    "later-errors.xlsx": lambda: xlsx(table([changed(0, G=Xml('<c t="e"><f>X1</f><v>#SPILL!</v></c>')), line(1)])),
    "formula-without-value.xlsx": lambda: xlsx(table([changed(0, G=Xml("<c><f>F4*3</f></c>")), line(1)])),
    "formula-empty-text.xlsx": lambda: xlsx(
        table([changed(0, S=Xml('<c t="str"><f>IF(1=1,"","")</f><v></v></c>')), line(1)])
    ),
    "lost-zeros.xlsx": lambda: xlsx(table([[10150000384, *line(0)[1:3], date(2001, 7, 10), *line(0)[4:]], line(1)])),
    "number-in-exponent.xlsx": lambda: xlsx(table([changed(0, A=Xml("<c><v>7.91500003360E11</v></c>")), line(1)])),
    "very-long-number.xlsx": lambda: xlsx(
        table(
            [
                changed(0, A=Xml("<c><v>123456789012345678901234567890</v></c>")),
                changed(1, G=Xml("<c><v>1E400</v></c>")),
            ]
        )
    ),
    "month-first.xlsx": lambda: xlsx(
        table([changed(0, D="07/10/1979", R="03/15/2019"), changed(1, D="12/25/1985", R="03/31/2019")])
    ),
    "dates-as-text.xlsx": lambda: xlsx(
        table([changed(0, D="10 juillet 1979", R="2019-03-01"), changed(1, D="25.12.1985", R="01032019")])
    ),
    "dates-as-numbers.xlsx": lambda: xlsx(table([changed(0, D=serial(date(1979, 7, 10)), R=serial(date(2019, 3, 1)))])),
    "centimes.xlsx": lambda: xlsx(table([line(0, 100 * PAY), line(1, 100 * PAY), line(2, 100 * PAY)])),
    "currency-and-percent.xlsx": lambda: xlsx(
        table(
            [
                changed(0, G="75 000,00 DA", J="75.000,00", M="75,000.00", P="\u0667\u0665\u0660\u0660\u0660"),
                changed(1, G=Xml(f'<c s="{PERCENT}"><v>75000</v></c>')),
            ]
        )
    ),
    "booleans.xlsx": lambda: xlsx(table([changed(0, G=True), changed(1, B=False)])),
    "times-as-durations.xlsx": lambda: xlsx(
        table(
            [
                changed(0, E=Xml(f'<c s="{CLOCK}"><v>21.6666666666667</v></c>'), F="H"),
                changed(1, E=Xml(f'<c s="{CLOCK}"><v>20</v></c>'), F="H"),
            ]
        )
    ),
    "null-sign.xlsx": lambda: xlsx(table([changed(0, B="BEN_x0000_ALI"), line(1)])),
    "huge-text.xlsx": lambda: xlsx(sheet(rows_xml([["x" * 32_767], HEADER, [*line(0), "y" * 32_767], line(1)]))),
    "arabic.xlsx": lambda: xlsx(sheet(rows_xml(ARABIC))),
    "arabic-digits.xlsx": lambda: xlsx(
        sheet(
            rows_xml(
                [
                    ARABIC_HEADER,
                    [*"٧٩١٥٠٠٠٠٣٣٦٠ بن_علي هيلين ١٠/٠٧/١٩٧٩".replace("_", "\u00a0").split(" "), *line(0)[4:]],
                ]
            )
        )
    ),
    "only-header.xlsx": lambda: xlsx(table([])),
    "empty.xlsx": lambda: xlsx(sheet("")),
    "cut-in-the-middle.xlsx": lambda: xlsx(table())[:1500],
    "cut-xml.xlsx": lambda: xlsx(table()[:-300]),
    "document-type.xlsx": lambda: xlsx(table().replace(HEAD, '<!DOCTYPE x [<!ENTITY a "b">]>')),
    "word.xlsx": lambda: packed({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}),
    "plain.ods": lambda: ods_table(*(ods_row(row) for row in lines())),
    "indented.ods": lambda: ods_table(*(ods_row(row) for row in lines()), between="\n  "),
    "no-mimetype.ods": lambda: ods_table(*(ods_row(row) for row in lines()), mimetype=False),
    "hidden-and-filtered.ods": ods_hidden,
    "merged-header.ods": ods_merged,
    "odd-cells.ods": ods_odd_cells,
    "repeated-rows.ods": lambda: ods(
        [ods_row([]).replace(">", ' table:number-rows-repeated="4">', 1), ods_row(HEADER), *map(ods_row, lines())]
    ),
    "repeated-without-end.ods": lambda: ods(
        [
            ods_row(["x"], ' table:number-rows-repeated="900000"').replace(
                "-cell ", '-cell table:number-columns-repeated="9000" '
            )
        ]
    ),
}

SAVED_AS_XLS: dict[str, Callable[[], bytes]] = {
    "plain.xls": lambda: xlsx(table()),
    "since-1904.xls": lambda: xlsx(table(since_1904=True), since_1904=True),
    "hidden.xls": lambda: xlsx(
        sheet(
            rows_xml([HEADER, *lines(3)], hidden=[3]),
            before='<cols><col min="19" max="19" width="0" hidden="1"/></cols>',
        ),
        table(),
        states=("visible", "hidden"),
    ),
    "filtered-rows.xls": lambda: xlsx(filtered(), names_defined=FILTER_NAMED),
    "merged-header.xls": lambda: xlsx(merged_header(lines())),
    "error-cells.xls": lambda: xlsx(table([changed(0, G=Xml("<c><f>1/0</f></c>")), line(1)])),
    "times-as-durations.xls": WORKBOOKS["times-as-durations.xlsx"],
}


def saved_as_xls(made: dict[str, bytes]) -> None:
    """LibreOffice opens each and saves it in the old format."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in made.items():
            Path(folder, name).with_suffix(".xlsx").write_bytes(content)
        sources = [str(Path(folder, name).with_suffix(".xlsx")) for name in made]
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", "xls:MS Excel 97", "--outdir", folder, *sources]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        for name in made:
            (TRAPS / name).write_bytes(Path(folder, name).read_bytes())


def main() -> None:
    TRAPS.mkdir(exist_ok=True)
    for name, make in (TEXTS | WORKBOOKS).items():
        (TRAPS / name).write_bytes(make())
    if "--without-xls" not in sys.argv:
        saved_as_xls({name: make() for name, make in SAVED_AS_XLS.items()})


if __name__ == "__main__":
    main()
