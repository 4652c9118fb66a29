"""The receipt of a filed declaration, as a page: French and Arabic side by side."""

from datetime import UTC
from zoneinfo import ZoneInfo

from schemas.documents import FilingReceipt
from teledeclaration.documents.codes import grouped
from teledeclaration.documents.pdf import Data, amount, both, compile_pdf, count, qr_svg
from teledeclaration.languages import period_in_words, say

_HASH_GROUP = 8


def render_receipt(receipt: FilingReceipt, *, token: str, time_zone: str) -> bytes:
    """An A4 page, PDF/A-2a, not sealed yet; the same facts give the same bytes. About 20 ms of CPU.

    `token` is the signed token for the QR code (`tokens.receipt_token`); `time_zone` names the zone
    of the fund's legal time. Safe to call from several threads.
    """
    return compile_pdf("receipt.typ", receipt_data(receipt, token=token, time_zone=time_zone), made_at=receipt.filed_at)


def receipt_data(receipt: FilingReceipt, *, token: str, time_zone: str) -> dict[str, Data]:
    """What the template prints, every text ready in both languages."""
    return {
        "fund": {"fr": receipt.fund_name, "ar": receipt.fund_name_ar},
        "title": both("document.kind.filing_receipt"),
        "subtitle": both(f"document.form.{receipt.form}"),
        "number": receipt.number,
        "highlights": _highlights(receipt, time_zone),
        "sections": [_employer(receipt), _declaration(receipt)],
        "bases": _bases(receipt),
        "hash": {**both("document.receipt.content_hash"), "groups": _hash_groups(receipt.content_hash)},
        "note": both("document.receipt.note"),
        "authenticity": _authenticity(receipt, token),
        "page": both("document.page"),
        "test": both("document.test") if receipt.test else None,
    }


def _highlights(receipt: FilingReceipt, time_zone: str) -> list[Data]:
    legal = receipt.filed_at.astimezone(ZoneInfo(time_zone))
    universal = receipt.filed_at.astimezone(UTC)
    return [
        _row("number", receipt.number),
        _row("filed_at", f"{legal:%d/%m/%Y · %H:%M:%S}", small=f"{time_zone} · {universal:%Y-%m-%d %H:%M:%S} UTC"),
        _period(receipt),
    ]


def _period(receipt: FilingReceipt) -> dict[str, Data]:
    """The year, or the month or quarter by its code with its name."""
    if receipt.period is None:
        return _row("year", str(receipt.year))
    return _row("period", receipt.period, small=period_in_words(receipt.period, "fr"))


def _employer(receipt: FilingReceipt) -> dict[str, Data]:
    name: Data = receipt.employer_name
    if receipt.employer_name_ar:
        name = {"fr": receipt.employer_name, "ar": receipt.employer_name_ar}
    rows = [
        _row("employer_number", receipt.employer_number),
        _row("employer_name", name),
        _row("payment_centre", receipt.payment_centre),
    ]
    return {"title": both("document.receipt.employer"), "rows": rows}


def _declaration(receipt: FilingReceipt) -> dict[str, Data]:
    rows = [_row("type", both(f"document.type.{receipt.declaration_type}"))]
    if receipt.replaces:
        rows.append(_row("replaces", receipt.replaces))
    if receipt.completes:
        rows.append(_row("completes", receipt.completes))
    rows += _header(receipt)
    rows.append(_row("line_count", count(receipt.line_count)))
    rows.append(_row("left_out_count", count(receipt.left_out_count)))
    rows.append(_row("filed_by", receipt.filed_by))
    return {"title": both("document.receipt.declaration"), "rows": rows}


def _header(receipt: FilingReceipt) -> list[dict[str, Data]]:
    """Of a month or quarter: which, in words, and what it says beside its lines."""
    if receipt.period is None:
        return []
    words: Data = {"fr": period_in_words(receipt.period, "fr"), "ar": period_in_words(receipt.period, "ar")}
    rows = [_row("period", words)]
    if receipt.nothing_to_declare:
        rows.append(_row("nothing_to_declare", both("document.receipt.yes")))
    said = {name: getattr(receipt, name) for name in ("headcount", "entries", "exits")}
    return rows + [_row(name, count(number)) for name, number in said.items() if number is not None]


def _bases(receipt: FilingReceipt) -> dict[str, Data]:
    if receipt.period is not None:
        return _bases_by_code(receipt)
    heads = ["quarter_1", "quarter_2", "quarter_3", "quarter_4", "annual"]
    amounts = [*receipt.quarters, receipt.annual]
    cells = [_row(head, amount(centimes)) for head, centimes in zip(heads, amounts, strict=True)]
    return {"title": both("document.receipt.bases"), "cells": cells}


def _bases_by_code(receipt: FilingReceipt) -> dict[str, Data]:
    """One cell a code, and the total of the period, each base counted once."""
    cells: list[Data] = []
    for line in receipt.codes:
        fr, ar = (say("document.receipt.code", language, code=line.code) for language in ("fr", "ar"))
        cells.append({"fr": fr, "ar": ar, "value": amount(line.base), "small": ""})
    cells.append(_row("period_total", amount(receipt.annual)))
    return {"title": both("document.receipt.bases"), "cells": cells}


def _authenticity(receipt: FilingReceipt, token: str) -> dict[str, Data]:
    return {
        "title": both("document.authenticity"),
        "how": both("document.how_to_verify"),
        "code": {**both("document.code"), "value": grouped(receipt.code)},
        "address": receipt.verify_url,
        "qr": qr_svg(f"{receipt.verify_url}#{token}"),
        "qr_name": both("document.qr"),
    }


def _row(key: str, value: Data, *, small: str = "") -> dict[str, Data]:
    return {**both(f"document.receipt.{key}"), "value": value, "small": small}


def _hash_groups(content_hash: str) -> list[Data]:
    return [content_hash[start : start + _HASH_GROUP] for start in range(0, len(content_hash), _HASH_GROUP)]
