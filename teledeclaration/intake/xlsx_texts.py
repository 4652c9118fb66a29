"""Texts of an `.xlsx` that read back as they were, and that no program computes."""

import re

import polars as pl

LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that someone could take for a formula: its style says it is a text (`quotePrefix`)."""

BEGINS_LIKE_A_FORMULA = r"^[=+\-@\t\r]"
"""The same as an expression."""

_TEXT_MAX = 32_000  # a cell holds 32,767 units
_NOT_IN_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_NO_LETTER = re.compile(_NOT_IN_XML.replace("]", "\ud800-\udfff]"))
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED_ONCE, _ESCAPE = r"_(x[0-9A-Fa-f]{4}[_\x00])", "\0"
_PLAIN = re.compile("[\t\n !-%'-;=?-^`-~\u00a0-\ud7ff]*")  # nothing to be written otherwise


def text_xml(text: str) -> str:
    """A text as it stands in a cell's element; a program reads back exactly this text.

    What XML cannot hold is left out, and `_x000D_` is told from the format's own way of writing control signs.
    """
    if _PLAIN.fullmatch(text) and len(text) <= _TEXT_MAX:
        return text
    plain = _ESCAPED.sub("_x005F_", _NO_LETTER.sub("", text)[:_TEXT_MAX])
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def attribute_xml(text: str) -> str:
    """A text as it stands in an attribute, without the quotes."""
    plain = text_xml(text).replace('"', "&quot;")
    return plain.replace("\n", "&#10;").replace("\t", "&#9;")


def text_cells(place: pl.Expr, style: pl.Expr, text: pl.Expr) -> pl.Expr:
    """A column of text cells; `place` is each cell up to the value of its style: `<c r="B7" s="`."""
    return pl.concat_str(
        place, style, pl.lit('" t="inlineStr"><is><t xml:space="preserve">'), _texts_xml(text), pl.lit("</t></is></c>")
    )


def _texts_xml(text: pl.Expr) -> pl.Expr:
    """As `text_xml`. These expressions cannot look ahead: signs in a row take two turns, and a mark no text holds."""
    return (
        text.str.replace_all(_NOT_IN_XML, "")
        .str.head(_TEXT_MAX)
        .str.replace_all(_ESCAPED_ONCE, _ESCAPE + "${1}")
        .str.replace_all(_ESCAPED_ONCE, _ESCAPE + "${1}")
        .str.replace_many(["&", "<", ">", "\r", _ESCAPE], ["&amp;", "&lt;", "&gt;", "&#13;", "_x005F_"])
    )
