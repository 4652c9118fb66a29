"""The text a reader copies from a PDF, in drawing order: codes of glyphs turned back by each font's ToUnicode map."""

import re
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader

# A font chosen, a string in hexadecimal, a string in parentheses (balanced ones may stand inside), an end of text.
_PIECES = re.compile(
    rb"(/\w+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|\(((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*)\)|(ET)", flags=re.DOTALL
)


def pages_of(pdf: bytes) -> list[Any]:
    return [kid.get_object() for kid in PdfFileReader(BytesIO(pdf)).root["/Pages"]["/Kids"]]


def text_of(pdf: bytes) -> str:
    return "\n".join(_page_text(page) for page in pages_of(pdf))


def _page_text(page: Any) -> str:
    fonts_of = page["/Resources"]["/Font"]
    fonts = {name: _to_unicode(fonts_of[name]["/ToUnicode"].data) for name in fonts_of}
    current: dict[str, str] = {}
    text = []
    for font, in_hex, literal, end in _PIECES.findall(page["/Contents"].data):
        if font:
            current = fonts[font.decode()]
        elif end:
            text.append("\n")
        else:
            codes = in_hex.decode() or _unescaped(literal).hex()
            text += [current.get(codes[start : start + 4].upper(), "") for start in range(0, len(codes), 4)]
    return "".join(text)


def _to_unicode(cmap: bytes) -> dict[str, str]:
    """The pairs of a CMap, of which typst writes only the single ones (bfchar)."""
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})> *<([0-9A-Fa-f]+)>\s*\n", cmap)
    return {code.decode().upper(): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _unescaped(literal: bytes) -> bytes:
    named = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

    def plain(match: re.Match[bytes]) -> bytes:
        found = match[1]
        return bytes([int(found, 8)]) if found.isdigit() else named.get(found, found)

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, literal, flags=re.DOTALL)
