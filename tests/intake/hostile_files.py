"""Makers of hostile files: small here, large or wrong for whoever opens them without care."""

import io
import struct
import zipfile
import zlib

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"

CONTENT_TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/></Types>'
)
RELATIONS = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
)
WORKBOOK_RELATIONS = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


def sheet_xml(rows: str, *, before: str = "", after: str = "", doctype: str = "") -> str:
    """A worksheet part around its rows."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<worksheet xmlns="{MAIN}">{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def workbook(sheet: str | bytes, shared: str | bytes | None = None, extra: dict[str, bytes] | None = None) -> bytes:
    """The least `.xlsx` around one sheet's XML."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELATIONS)
        archive.writestr("xl/workbook.xml", WORKBOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        archive.writestr("xl/sharedStrings.xml", shared or f'<sst xmlns="{MAIN}"/>')
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return packed.getvalue()


def sparse_cell() -> bytes:
    """Two cells, seventeen milliards apart."""
    far = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    return workbook(sheet_xml(f'<row r="1"><c r="A1"><v>1</v></c></row>{far}'))


def hidden_sparse_cell(rows: int) -> bytes:
    """The same behind enough rows that the sheet is searched while it is read, not before."""
    near = "".join(f'<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>' for row in range(1, rows + 1))
    far = f'<row r="{rows + 1}"><c r="XFD{rows + 1}"><v>2</v></c></row>'
    return workbook(sheet_xml(near + far))


def _deflated_run(head: bytes, unit: bytes, unpacked_bytes: int) -> tuple[bytes, int]:
    """(deflated, size) of a head and a long run of one unit: one block is packed, and stands there many times."""
    block = unit * ((1 << 20) // len(unit))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    times = unpacked_bytes // len(block)
    stored = b"\x00" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + head
    return stored + repeated * times + b"\x03\x00", len(head) + times * len(block)


def zip_with_raw_member(base: bytes, name: str, deflated: bytes, claimed: int) -> bytes:
    """`base` with one member replaced by a deflated run, of which the directory claims what it is told to."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(base)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in old.infolist():
            archive.writestr(member.filename, b"" if member.filename == name else old.read(member))
        end_of_members = archive.start_dir
        directory = {member.filename: member for member in archive.infolist()}
    whole = packed.getvalue()
    listed = bytearray(whole[end_of_members:])
    entry = listed.index(name.encode()) - 46
    header = whole[directory[name].header_offset :][:30]
    sizes = struct.pack("<LLL", 0, len(deflated), min(claimed, 0xFFFFFFFE))
    listed[entry + 10 : entry + 12] = struct.pack("<H", zipfile.ZIP_DEFLATED)
    listed[entry + 16 : entry + 28] = sizes
    listed[entry + 42 : entry + 46] = struct.pack("<L", end_of_members)
    local = header[:8] + struct.pack("<H", zipfile.ZIP_DEFLATED) + header[10:14] + sizes + header[26:]
    replaced = local + name.encode() + deflated
    ending = listed.rindex(b"PK\x05\x06")
    listed[ending + 16 : ending + 20] = struct.pack("<L", end_of_members + len(replaced))
    return whole[:end_of_members] + replaced + bytes(listed)


def zip_bomb(unpacked_bytes: int, *, claimed: int | None = None) -> bytes:
    """A sheet that unpacks to `unpacked_bytes` of rows; its size may be claimed to be another."""
    head = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
    unit = b'<row><c t="inlineStr"><is><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></is></c></row>'
    deflated, size = _deflated_run(head, unit, unpacked_bytes)
    return zip_with_raw_member(workbook(sheet_xml("")), "xl/worksheets/sheet1.xml", deflated, claimed or size)


def shared_strings_bomb(unpacked_bytes: int) -> bytes:
    """A table of shared strings without end, of which the sheet uses none."""
    head = f'<sst xmlns="{MAIN}">'.encode()
    deflated, size = _deflated_run(head, b"<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>", unpacked_bytes)
    base = workbook(sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>'))
    return zip_with_raw_member(base, "xl/sharedStrings.xml", deflated, size)


def billion_laughs() -> bytes:
    """Entities that name each other ten times over, ten deep."""
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    doctype = f"<!DOCTYPE worksheet [{entities}]>"
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&a10;</t></is></c></row>'
    return workbook(sheet_xml(cell, doctype=doctype))


def external_entity(in_shared_strings: bool = False) -> bytes:
    """An entity that names a file of the machine."""
    doctype = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
    if in_shared_strings:
        shared = f'<?xml version="1.0"?>{doctype}<sst xmlns="{MAIN}"><si><t>&secret;</t></si></sst>'
        return workbook(sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), shared)
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&secret;</t></is></c></row>'
    return workbook(sheet_xml(cell, doctype=doctype))


def nested_zips(depth: int) -> bytes:
    """A zip in a zip in a zip …"""
    inner = b"in the middle"
    for level in range(depth):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"{level}.zip" if level else "middle.bin", inner)
        inner = packed.getvalue()
    return inner


def ole_container(stream: str, content: bytes) -> bytes:
    """The old container with one stream in it, as an encrypted `.xlsx` or an `.xls` is kept."""
    sector = 512
    content = content.ljust(4096, b"\0")
    sectors = -(-len(content) // sector)
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (sector // 4 - len(fat))
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
        + struct.pack("<LLLLLLLLL", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
        + struct.pack("<L", 0) + b"\xff" * (108 * 4)
    )  # fmt: skip
    directory = _ole_entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1) + _ole_entry(stream, 2, 2, len(content))
    directory = directory.ljust(sector, b"\0")
    return header + struct.pack(f"<{len(fat)}L", *fat) + directory + content.ljust(sectors * sector, b"\0")


def _ole_entry(name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    siblings = struct.pack("<LLL", 0xFFFFFFFF, 0xFFFFFFFF, child)
    return (
        encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1) + siblings + b"\0" * 36
        + struct.pack("<LQ", start, size)
    )  # fmt: skip


def encrypted_workbook() -> bytes:
    """An `.xlsx` saved with a password: an old container around the encrypted package."""
    return ole_container("EncryptedPackage", b"\x10" * 5000)


def password_protected_xls() -> bytes:
    """A BIFF8 stream that says right after its beginning that the rest is encrypted."""
    beginning = struct.pack("<HHHHHHLL", 0x0809, 16, 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    locked = struct.pack("<HH", 0x002F, 6) + struct.pack("<HHH", 0, 0x1234, 0x5678)
    end = struct.pack("<HH", 0x000A, 0)
    return ole_container("Workbook", beginning + locked + end)


def claims_ten_million_rows() -> bytes:
    """One row that says it is the ten-millionth, under a dimension that says the same."""
    row = '<row r="10000000"><c r="A10000000"><v>1</v></c></row>'
    return workbook(sheet_xml(row, before='<dimension ref="A1:T10000000"/>'))
