"""A tiny workbook that the reader server reads itself, once, before it forks: what is bound and compiled at the first
use of the readers is then there for every child, and need not be done anew in each."""

import io
import zipfile
from typing import BinaryIO

import msgspec

from teledeclaration.intake.protocol import ReadArguments
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reading import read_job

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Feuil1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>NSS</t></is></c><c r="B1"><v>45000</v></c><c r="C1" t="e"><v>#N/A</v></c>'
    '<c r="D1"><f>B1</f></c></row></sheetData></worksheet>',
}


def trial_workbook() -> bytes:
    """A text, a number, an error and a formula without its value."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in _PARTS.items():
            archive.writestr(name, xml)
    return packed.getvalue()


def read_once(output: BinaryIO) -> None:
    """Read it as a child does; no thread is started, which a fork would not carry."""
    arguments = msgspec.msgpack.encode(ReadArguments(filename="essai.xlsx", limits=ReadingLimits()))
    read_job(trial_workbook(), arguments, output)
