"""Texts written into a workbook are read back as they were, by whichever of our two ways they are written."""

import re
from xml.sax.saxutils import unescape

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.intake.xlsx_texts import attribute_xml, text_cells, text_xml

TEXTS = st.text() | st.lists(
    st.sampled_from(["_x0041_", "x0042_", "_", "_x005F_", "\r", "&amp;", "<", ">", "\x01", "\ufffe", "=", "é", "بن"])
).map("".join)


def read_back(written: str) -> str:
    """As a program does: the entities of XML, then the format's own escapes, from left to right."""
    plain = unescape(written, {"&#13;": "\r"})
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), plain)


@given(TEXTS)
def test_a_text_is_read_back_without_what_xml_cannot_hold(text: str) -> None:
    kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
    assert read_back(text_xml(text)) == kept
    assert '"' not in attribute_xml(text)


@given(st.lists(TEXTS.filter(lambda text: text.isprintable() or "\r" in text), min_size=1))
def test_columns_and_single_cells_are_written_alike(texts: list[str]) -> None:
    cells = text_cells(pl.lit('<c r="A1" s="'), pl.lit("0"), pl.col("text"))
    written = pl.DataFrame({"text": texts}).select(cells).to_series().to_list()
    assert written == [
        f'<c r="A1" s="0" t="inlineStr"><is><t xml:space="preserve">{text_xml(text)}</t></is></c>' for text in texts
    ]
