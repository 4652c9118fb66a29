"""How the traps' workbooks are written: from XML, cell by cell, with the oddities that programs allow themselves."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Any

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

DATE, CLOCK, PERCENT = 1, 2, 3  # styles of `STYLES`, by their place
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="164"/><xf numFmtId="10"/></cellXfs></styleSheet>'
)

HEADER = [
    *("NSS", "Nom", "Prénom", "Date de naissance"),
    *("Durée T1", "Unité T1", "Montant T1", "Durée T2", "Unité T2", "Montant T2"),
    *("Durée T3", "Unité T3", "Montant T3", "Durée T4", "Unité T4", "Montant T4"),
    *("Montant annuel", "Date d'entrée", "Date de sortie"),
]
ARABIC_HEADER = [
    *("رقم الضمان الاجتماعي", "اللقب", "الاسم", "تاريخ الميلاد"),
    *("المدة الثلاثي 1", "الوحدة الثلاثي 1", "المبلغ للثلاثي 1", "المدة الثلاثي 2", "الوحدة الثلاثي 2"),
    *("المبلغ للثلاثي 2", "المدة الثلاثي 3", "الوحدة الثلاثي 3", "المبلغ للثلاثي 3", "المدة الثلاثي 4"),
    *("الوحدة الثلاثي 4", "المبلغ للثلاثي 4", "المجموع السنوي", "تاريخ الدخول", "تاريخ الخروج"),
]
TITLE = "Déclaration annuelle des salaires 2025"
PEOPLE = [
    ("791500003360", "BENALI", "Hélène", date(1979, 7, 10)),
    ("851500003362", "KADDOUR", "Yacine", date(1985, 12, 25)),
    ("901500003365", "MEZIANE", "Amel", date(1990, 3, 4)),
]
PAY = 75_000


def line(person: int, pay: Any = PAY, annual: Any = None) -> list[Any]:
    """One employee's line, right in all."""
    nss, last, first, birth = PEOPLE[person]
    quarters = [part for _ in range(4) for part in (90, "J", pay)]
    return [nss, last, first, birth, *quarters, 4 * pay if annual is None else annual, date(2019, 3, 1), None]


def lines(count: int = 2) -> list[list[Any]]:
    return [line(person) for person in range(count)]


def letter(number: int) -> str:
    return letter((number - 1) // 26) + chr(65 + (number - 1) % 26) if number > 26 else chr(64 + number)


def serial(day: date, *, since_1904: bool = False) -> int:
    return (day - (date(1904, 1, 1) if since_1904 else date(1899, 12, 30))).days


# The cells of an .xlsx


class Xml(str):
    """A cell's inside, as it is."""


def cell(row: int, column: int, value: Any, *, since_1904: bool = False) -> str:
    place = f"{letter(column)}{row}"
    if value is None:
        return ""
    if isinstance(value, Xml):
        return value.replace("<c", f'<c r="{place}"', 1)
    if isinstance(value, date):
        return f'<c r="{place}" s="{DATE}"><v>{serial(value, since_1904=since_1904)}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def rows_xml(
    rows: Sequence[Sequence[Any]], *, hidden: Iterable[int] = (), since_1904: bool = False, first: int = 1
) -> str:
    unseen = set(hidden)
    return "".join(
        f'<row r="{number}"{" hidden=" + chr(34) + "1" + chr(34) if number in unseen else ""}>'
        + "".join(cell(number, column, value, since_1904=since_1904) for column, value in enumerate(values, start=1))
        + "</row>"
        for number, values in enumerate(rows, start=first)
        if values
    )


def sheet(data: str, *, before: str = "", after: str = "", main: str = MAIN) -> str:
    return f'{HEAD}<worksheet xmlns="{main}">{before}<sheetData>{data}</sheetData>{after}</worksheet>'


def table(rows: Sequence[Sequence[Any]] | None = None, **options: Any) -> str:
    """A sheet with a title, a blank row, the header and two right lines."""
    return sheet(rows_xml([[TITLE], [], HEADER, *(lines() if rows is None else rows)], **options))


def xlsx(
    *sheets: str,
    names: Sequence[str] = ("DAS 2025", "Feuille 2", "Feuille 3"),
    states: Sequence[str] = ("visible", "visible", "visible"),
    shared: str | None = None,
    since_1904: bool = False,
    folder: str = "xl/",
    target: str = "worksheets/",
    slash: str = "/",
    encoding: str = "utf-8",
    strict: bool = False,
    names_defined: str = "",
    extra: dict[str, str] | None = None,
) -> bytes:
    """A workbook of these sheets; the options are the oddities that programs allow themselves."""
    main, office = (STRICT_MAIN, STRICT_OFFICE) if strict else (MAIN, OFFICE)
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{names[number - 1]}" sheetId="{number}" state="{states[number - 1]}" r:id="r{number}"/>'
        for number in numbers
    )
    related = "".join(
        f'<Relationship Id="r{number}" Type="{office}/worksheet" Target="{target}sheet{number}.xml"/>'
        for number in numbers
    )
    calendar = '<workbookPr date1904="1"/>' if since_1904 else ""
    strings = f'<Relationship Id="rs" Type="{office}/sharedStrings" Target="{target[:-11]}sharedStrings.xml"/>'
    styled = f'<Relationship Id="rt" Type="{office}/styles" Target="{target[:-11]}styles.xml"/>'
    parts = {
        "[Content_Types].xml": content_types(folder, numbers, shared=bool(shared)),
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="{folder}workbook.xml"/></Relationships>',
        f"{folder}workbook.xml": f'{HEAD}<workbook xmlns="{main}" xmlns:r="{office}">{calendar}'
        f"<sheets>{listed}</sheets>{names_defined}</workbook>",
        f"{folder}_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{related}{styled}'
        f"{strings if shared else ''}</Relationships>",
        f"{folder}styles.xml": HEAD + STYLES.replace(MAIN, main),
        **({f"{folder}sharedStrings.xml": HEAD + shared} if shared else {}),
        **{f"{folder}worksheets/sheet{number}.xml": text for number, text in zip(numbers, sheets, strict=True)},
        **(extra or {}),
    }
    return packed(
        {
            name.replace("/", slash): text.replace('encoding="UTF-8"', f'encoding="{encoding.upper()}"').encode(
                encoding
            )
            for name, text in parts.items()
        }
    )


def content_types(folder: str, numbers: Iterable[int], *, shared: bool) -> str:
    """The part that says what each other part is."""
    overrides = "".join(
        f'<Override PartName="/{folder}worksheets/sheet{number}.xml" ContentType="{TYPES}.worksheet+xml"/>'
        for number in numbers
    )
    strings = f'<Override PartName="/{folder}sharedStrings.xml" ContentType="{TYPES}.sharedStrings+xml"/>'
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml"'
        ' ContentType="application/xml"/><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{folder}workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/{folder}styles.xml" ContentType="{TYPES}.styles+xml"/>'
        f"{strings if shared else ''}{overrides}</Types>"
    )


def packed(members: dict[str, bytes]) -> bytes:
    """A zip that is the same whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            plain = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, plain)
    return out.getvalue()


def shared_strings() -> bytes:
    texts: list[str] = []

    def indexed(values: Sequence[Any]) -> list[Any]:
        made: list[Any] = []
        for value in values:
            if isinstance(value, str):
                texts.append(value)
                made.append(Xml(f'<c t="s"><v>{len(texts) - 1}</v></c>'))
            else:
                made.append(value)
        return made

    data = rows_xml([indexed(row) for row in (HEADER, *lines())])
    items = "".join(
        f"<si><t>{escape(text)}</t></si>"
        if number
        else f'<si><r><t>{text[:1]}</t></r><r><t xml:space="preserve">{text[1:]}</t></r></si>'
        for number, text in enumerate(texts)
    )
    return xlsx(sheet(data), shared=f'<sst xmlns="{MAIN}">{items}</sst>')


def prefixed() -> bytes:
    xml = table().replace(HEAD, "").replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    return xlsx(HEAD + xml.replace("xmlns=", "xmlns:x="))


def without_references() -> bytes:
    """Rows and cells that do not say where they are: they follow on each other, blank cells written out."""
    data = ""
    for number, row in enumerate([HEADER, *lines(3)], start=1):
        cells = "".join(cell(1, 1, value) or '<c r="A1"/>' for value in row).replace(' r="A1"', "")
        data += f"<row hidden='1'>{cells}</row>".replace("'", '"') if number == 3 else f"<row>{cells}</row>"
    return xlsx(sheet(data))


def merged_header(rows: Sequence[Sequence[Any]]) -> str:
    upper = [*HEADER[:4], *(part for quarter in (1, 2, 3, 4) for part in (f"Trimestre {quarter}", None, None))]
    upper += [*HEADER[16:]]
    lower = [None] * 4 + ["Durée", "Unité", "Montant"] * 4
    across = [f"{letter(5 + 3 * quarter)}1:{letter(7 + 3 * quarter)}1" for quarter in range(4)]
    down = [f"{name}1:{name}2" for name in "ABCDQRS"]
    merged = "".join(f'<mergeCell ref="{area}"/>' for area in (*across, *down))
    return sheet(
        rows_xml([upper, lower, *rows]), after=f'<mergeCells count="{len(across + down)}">{merged}</mergeCells>'
    )


FILTER = (
    '<autoFilter ref="A3:S6"><filterColumn colId="1"><filters><filter val="BENALI"/></filters></filterColumn>'
    "</autoFilter>"
)


def filtered() -> str:
    """Rows 5 hidden by the filter; row 8, below it, by hand."""
    rows = rows_xml([[TITLE], [], HEADER, *lines(3)], hidden=[5])
    return sheet(rows, after=FILTER, before='<sheetPr filterMode="1"/>')


FILTER_NAMED = (
    '<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">'
    "'DAS 2025'!$A$3:$S$6</definedName></definedNames>"
)


def filtered_table() -> bytes:
    data = sheet(
        rows_xml([[TITLE], [], HEADER, *lines(3)], hidden=[5]),
        after=f'<tableParts xmlns:r="{OFFICE}" count="1"><tablePart r:id="t1"/></tableParts>',
    )
    columns = "".join(f'<tableColumn id="{at}" name="{escape(name)}"/>' for at, name in enumerate(HEADER, start=1))
    part = (
        f'{HEAD}<table xmlns="{MAIN}" id="1" name="T" displayName="T" ref="A3:S6">{FILTER}'
        f'<tableColumns count="{len(HEADER)}">{columns}</tableColumns></table>'
    )
    relations = (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="t1" Type="{OFFICE}/table"'
        ' Target="../tables/table1.xml"/></Relationships>'
    )
    return xlsx(data, extra={"xl/worksheets/_rels/sheet1.xml.rels": relations, "xl/tables/table1.xml": part})


def changed(number: int, **values: Any) -> list[Any]:
    """A right line with some fields changed, named as the columns' letters."""
    made = line(number)
    for name, value in values.items():
        made[ord(name) - 65] = value
    return made


# OpenDocument

ODS_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)


def ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, Xml):
        return value
    kind = f'value-type="string"><text:p>{escape(str(value))}'
    if isinstance(value, date):
        kind = f'value-type="date" office:date-value="{value}"><text:p>{value}'
    elif isinstance(value, int | float):
        kind = f'value-type="float" office:value="{value}"><text:p>{value}'
    return f"<table:table-cell office:{kind}</text:p></table:table-cell>"


def ods_row(values: Sequence[Any], attributes: str = "") -> str:
    return f"<table:table-row{attributes}>{''.join(map(ods_cell, values))}</table:table-row>"


def ods(rows: Sequence[str], *, columns: str = "", between: str = "", mimetype: bool = True, more: str = "") -> bytes:
    spreadsheet = (
        f'<office:spreadsheet>{between}<table:table table:name="DAS 2025">{between}{columns}'
        f"{between.join(rows)}{between}</table:table>{more}{between}</office:spreadsheet>"
    )
    if between:
        spreadsheet = spreadsheet.replace("</table:table-cell>", f"</table:table-cell>{between}")
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {ODS_NAMES} office:version="1.2"'
        ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        '<office:automatic-styles><style:style style:name="unseen" style:family="table"><style:table-properties'
        ' table:display="false"/></style:style></office:automatic-styles>'
        f"<office:body>{spreadsheet}</office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    kind = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"} if mimetype else {}
    return packed({**kind, "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()})


def ods_table(*rows: str, **options: Any) -> bytes:
    return ods([ods_row(HEADER), *rows], **options)


def ods_hidden() -> bytes:
    shown, filtered_row, hidden_row = (ods_row(line(at)) for at in range(3))
    collapse = ' table:visibility="collapse"'
    return ods_table(
        shown,
        filtered_row.replace("<table:table-row", '<table:table-row table:visibility="filter"'),
        hidden_row.replace("<table:table-row", f"<table:table-row{collapse}"),
        columns=f"<table:table-column/><table:table-column{collapse}/>"
        '<table:table-column table:number-columns-repeated="17"/>',
        more=f'<table:table table:name="Cachée" table:style-name="unseen">{shown}</table:table>',
    )


def ods_merged() -> bytes:
    quarter = (
        '<table:table-cell table:number-columns-spanned="3" office:value-type="string"><text:p>Trimestre {}</text:p>'
        '</table:table-cell><table:covered-table-cell table:number-columns-repeated="2"/>'
    )
    upper = "".join(map(ods_cell, HEADER[:4])) + "".join(quarter.format(at) for at in (1, 2, 3, 4))
    upper += "".join(map(ods_cell, HEADER[16:]))
    down = '<table:table-cell table:number-rows-spanned="2" office'
    upper = upper.replace("<table:table-cell office", down)
    lower = '<table:covered-table-cell table:number-columns-repeated="4"/>' + "".join(
        map(ods_cell, ["Durée", "Unité", "Montant"] * 4)
    )
    rows = [f"<table:table-row>{row}</table:table-row>" for row in (upper, lower)]
    return ods([*rows, *(ods_row(row) for row in lines())])


def ods_odd_cells() -> bytes:
    error = Xml(
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    valueless = Xml('<table:table-cell table:formula="of:=[.M3]"/>')
    hours = Xml(
        '<table:table-cell office:value-type="time" office:time-value="PT520H00M00S"><text:p>520:00</text:p>'
        "</table:table-cell>"
    )
    return ods_table(
        ods_row(changed(0, G=error)), ods_row(changed(1, M=valueless)), ods_row(changed(2, E=hours, F="H"))
    )


def unpacked(archive: bytes) -> dict[str, bytes]:
    """A zip's members by name, as far as it can be opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}
    except zipfile.BadZipFile:
        return {}


def with_other_relations(workbook: bytes) -> bytes:
    """The same workbook with relations in a namespace of nobody's."""
    members = unpacked(workbook)
    members["xl/workbook.xml"] = members["xl/workbook.xml"].replace(OFFICE.encode(), b"urn:nobody")
    return packed(members)
