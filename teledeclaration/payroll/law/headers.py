"""What a periodic declaration says beside its lines, against what its lines and the movements told say."""

from typing import Literal

import msgspec

from schemas.periodic import PeriodCounts, PeriodHeader

HeaderDoubtCode = Literal["headcount_differs", "entries_differ", "exits_differ"]
HeaderErrorCode = Literal["lines-beside-nothing", "closing-needs-complement"]


class HeaderDoubt(msgspec.Struct, frozen=True):
    """A number of the header that is not what was counted."""

    code: HeaderDoubtCode
    said: int
    counted: int


def header_doubts(header: PeriodHeader, counts: PeriodCounts) -> list[HeaderDoubt]:
    """Where the header says another number than was counted; what it leaves out is no doubt."""
    compared: list[tuple[HeaderDoubtCode, int | None, int | None]] = [
        ("headcount_differs", header.headcount, counts.headcount),
        ("entries_differ", header.entries, counts.entries),
        ("exits_differ", header.exits, counts.exits),
    ]
    return [
        HeaderDoubt(code, said, counted)
        for code, said, counted in compared
        if said is not None and counted is not None and said != counted
    ]


def header_errors(header: PeriodHeader, *, lines: int, complement: bool) -> list[HeaderErrorCode]:
    """What of a header cannot be: lines where there is nothing to declare, an account closed by a first declaration."""
    errors: list[HeaderErrorCode] = []
    if header.nothing_to_declare and lines:
        errors.append("lines-beside-nothing")
    if header.closes_account and not complement:
        errors.append("closing-needs-complement")
    return errors


def completed(header: PeriodHeader, counts: PeriodCounts) -> PeriodHeader:
    """The header with what it leaves out as it was counted."""
    return msgspec.structs.replace(
        header,
        headcount=counts.headcount if header.headcount is None else header.headcount,
        entries=counts.entries if header.entries is None else header.entries,
        exits=counts.exits if header.exits is None else header.exits,
    )
