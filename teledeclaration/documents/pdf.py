"""How a document's facts become a PDF: typst, the fonts inside it and Amiri, no font of the machine.

Facts reach the template as JSON, never as markup: nothing that somebody typed is ever executed. The
same facts give the same bytes. Pages are PDF/A-2a: archivable, tagged, every character with its meaning.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import segno
import typst

from teledeclaration.languages import catalogue
from teledeclaration.money import Centimes

Data = str | int | bool | None | Mapping[str, "Data"] | Sequence["Data"]
"""What a template can be given: JSON without fractions."""

NARROW_SPACE = "\u202f"  # a plain space would let right-to-left text turn the groups of digits round
UNPRINTABLE = "□"
_QR_MASK = 3
_PDF_STANDARD: Final = "a-2a"

# Scripts the fonts cover whole (a test prints every character): PDF/A refuses a page with a missing one.
PRINTABLE = (
    range(0x20, 0x7F),  # ASCII
    range(0xA0, 0x250),  # Latin
    range(0x2B0, 0x2C0),  # raised letters, as in 1ᵉʳ
    range(0x1D43, 0x1D4E),
    range(0x370, 0x400),  # Greek
    range(0x400, 0x500),  # Cyrillic
    range(0x600, 0x700),  # Arabic
    range(0x750, 0x780),
    range(0x1E00, 0x1F00),
    range(0x2010, 0x2030),  # dashes, quotes, spaces
    range(0x2030, 0x2041),
    range(0x20A0, 0x20C0),  # currencies
    range(0x2212, 0x2213),  # minus
    range(0x25A1, 0x25A2),
    range(0xFE70, 0xFEFD),  # Arabic as old software stores it
)
_ARABIC = frozenset(map(chr, range(0x610, 0x700)))


class _Page:
    """One template with its compiler, which answers one caller at a time."""

    def __init__(self, template: str) -> None:
        folder = Path(str(resources.files("teledeclaration.documents") / "templates"))
        amiri = Path(str(resources.files("fontpkg_amiri") / "files"))
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[amiri])
        self._compiler = typst.Compiler(folder / template, root=folder, font_paths=fonts, ignore_system_fonts=True)
        self._lock = Lock()

    def compile(self, data: str, made_at: datetime) -> bytes:
        with self._lock:
            pdf = self._compiler.compile(
                sys_inputs={"data": data},
                format="pdf",
                pdf_standards=_PDF_STANDARD,
                timestamp=made_at.replace(microsecond=0),
            )
        if not isinstance(pdf, bytes):
            raise TypeError("typst answered something other than one PDF")
        return pdf


@cache
def _page(template: str) -> _Page:
    return _Page(template)


def compile_pdf(template: str, data: Data, *, made_at: datetime) -> bytes:
    """The PDF of a template of this package with its data; `made_at` becomes the document's date.

    A character no font has is printed as □, and marks that turn the direction of text are left out.
    """
    return _page(template).compile(msgspec.json.encode(_printable_data(data)).decode(), made_at)


def printable(text: str) -> str:
    """The text as the fonts can print it, composed, without control or direction marks.

    Accents that compose with no letter are dropped, save on Arabic: no font has every such pair.
    """
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.category(character) not in {"Mn", "Me"}:
            kept.append(_printable_character(character))
        elif kept and kept[-1] in _ARABIC and character in _ARABIC:
            kept.append(character)
    return "".join(kept)


def amount(centimes: Centimes) -> str:
    """Dinars with two decimals and narrow groups of three: 1 250 300,00, the same in both scripts."""
    sign = "\u2212" if centimes < 0 else ""
    whole, cents = divmod(abs(centimes), 100)
    return f"{sign}{count(whole)},{cents:02d}"


def count(number: int) -> str:
    """A whole number, not negative, in narrow groups of three."""
    return f"{number:,}".replace(",", NARROW_SPACE)


def both(key: str) -> dict[str, Data]:
    """The words of a key in the two languages that a document speaks."""
    words = catalogue()[key]
    return {"fr": words.fr, "ar": words.ar}


def qr_svg(content: str) -> str:
    """A QR code (15 % may be lost) as SVG, with the quiet zone that readers need."""
    drawn = BytesIO()
    # One mask instead of the best of eight: five times faster, and a signed token looks random under any.
    code = segno.make_qr(content, error="m", mask=_QR_MASK, boost_error=False)
    code.save(drawn, kind="svg", xmldecl=False, border=4, nl=False)
    return drawn.getvalue().decode()


def _printable_data(data: Data) -> Data:
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, Mapping):
        return {name: _printable_data(value) for name, value in data.items()}
    if isinstance(data, Sequence):
        return [_printable_data(value) for value in data]
    return data


def _printable_character(character: str) -> str:
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cn" | "Cs":
            return UNPRINTABLE
    return character if any(ord(character) in block for block in PRINTABLE) else UNPRINTABLE
