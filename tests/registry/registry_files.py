"""Files made for the tests of the registers."""

import io
from typing import Any

import openpyxl


def workbook(rows: list[list[Any]]) -> bytes:
    """An .xlsx with these rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
