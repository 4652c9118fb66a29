"""One sheet's part, patched as it streams by: cells behind a row's last, and what stands before and behind the rows.

Colours are conditional formats that are always true, so that no cell loses its own style; their formula names us,
by which those of an earlier round are known and taken away.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from teledeclaration.intake.raw import column_letter, column_number
from teledeclaration.intake.xlsx_patch.xml_edit import (
    Edit,
    Element,
    NotPatchableError,
    edited,
    elements,
    refuse_other_encodings,
    with_attribute,
)
from teledeclaration.intake.xlsx_texts import text_xml

_OUR_FORMULA = 'N("teledeclaration")=0'
_OUR_MARK = b"teledeclaration"
_RANGES_AT_ONCE = 400  # a longer list of ranges is more than some programs take
_HEAD_BYTES_MAX = 16 << 20
_ROW_BYTES_MAX = 32 << 20
_TAIL_BYTES_MAX = 64 << 20

# The order of a sheet's elements behind its rows; programs refuse any other.
_ORDER = {
    name: place
    for place, name in enumerate(
        re.findall(
            r"\w+",
            "sheetData sheetCalcPr sheetProtection protectedRanges scenarios autoFilter sortState dataConsolidate"
            " customSheetViews mergeCells phoneticPr conditionalFormatting dataValidations hyperlinks printOptions"
            " pageMargins pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors"
            " smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture oleObjects controls webPublishItems"
            " tableParts extLst",
        )
    )
}
_ROWS_START = re.compile(rb"<(\w[\w.-]*:)?sheetData(?=[\s/>])[^>]*>")
_VIEW = re.compile(rb"<(?:\w[\w.-]*:)?sheetView\s[^>]*>")
_COLUMNS = re.compile(rb"<(?:\w[\w.-]*:)?cols(?=[\s>])[^>]*>(.*?)</(?:\w[\w.-]*:)?cols\s*>", re.DOTALL)
_COLUMN = re.compile(rb"<(?:\w[\w.-]*:)?col\s[^>]*>")
_DIMENSION = re.compile(rb'(<(?:\w[\w.-]*:)?dimension\s[^>]*?\bref=")([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?"')
_RULE = rb"<(?:\w[\w.-]*:)?cfRule(?=[\s>])"
_PRIORITY = re.compile(_RULE + rb'[^>]*?\bpriority="(\d+)"')
_NUMBER = re.compile(rb'\sr\s*=\s*["\'](\d+)["\']')
_REFERENCE = re.compile(rb'\sr\s*=\s*["\']([A-Z]+)\d+["\']')
_SPANS = re.compile(rb'\sspans="[^"]*"')


class TextCell(NamedTuple):
    """A cell with a text, in a cell format of the workbook."""

    style: int
    text: str


@dataclass
class SheetPatch:
    """What changes in one sheet.

    `cells` are put at their row (from 1) and column (from 1), in rows that are there. `cleared` are columns whose
    cells go. `widths` are of columns. `marks` gives each conditional format's number the ranges it colours, the
    strongest first. `notes_relation` is the id of the sheet's new part of comment shapes.
    """

    cells: dict[int, dict[int, TextCell]] = field(default_factory=dict)
    cleared: frozenset[int] = frozenset()
    widths: dict[int, int] = field(default_factory=dict)
    marks: Mapping[int, list[str]] = field(default_factory=dict)
    notes_relation: str | None = None
    relation_types: str = ""


class _Words:
    """What is searched for, under the prefix that the sheet gives the spreadsheet namespace."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.row_starts = (b"<%brow " % prefix, b"<%brow>" % prefix, b"<%brow/" % prefix)
        self.row = re.compile(rb"<%brow(?=[\s/>])([^>]*)>" % prefix)
        self.cell_start = b"<%bc " % prefix
        self.row_end = re.compile(rb"</%brow\s*>" % prefix)
        self.cell = re.compile(rb"<%bc(?=[\s/>])([^>]*?)(?:/>|>.*?</%bc\s*>)" % (prefix, prefix), re.DOTALL)
        self.rows_end = re.compile(rb"</%bsheetData\s*>" % prefix)


@cache
def _words(prefix: bytes) -> _Words:
    return _Words(prefix)


def patched(chunks: Iterator[bytes], patch: SheetPatch) -> Iterator[bytes]:
    """The sheet's part with the patch made, piece by piece; NotPatchableError."""
    head, left = _until(chunks, _ROWS_START, _HEAD_BYTES_MAX)
    start = _ROWS_START.search(head)
    if start is None:
        raise NotPatchableError
    refuse_other_encodings(head[:200])
    words = _words(start[1] or b"")
    yield _patched_head(head[: start.start()], patch, words)
    if start[0].endswith(b"/>"):
        tail = head[start.start() :] + b"".join(_within(left, _TAIL_BYTES_MAX))
    else:
        yield start[0]
        rows = _Rows(words, patch)
        yield from rows.patched(head[start.end() :], left)
        tail = rows.tail
    yield _patched_tail(tail, patch, words)


def _until(chunks: Iterator[bytes], wanted: re.Pattern[bytes], most: int) -> tuple[bytes, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if wanted.search(head):
            break
        if len(head) > most:
            raise NotPatchableError
    return head, chunks


def _within(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise NotPatchableError
        yield chunk


def _patched_head(head: bytes, patch: SheetPatch, words: _Words) -> bytes:
    """The sheet is no longer among those selected; its reach and its columns' widths are told anew."""
    head = _VIEW.sub(lambda view: with_attribute(view[0], b"tabSelected", None), head)
    if not patch.widths:
        return head
    last = max(patch.widths)
    head = _DIMENSION.sub(lambda said: _reaching(said, last), head)
    new = b"".join(
        b'<%bcol min="%d" max="%d" width="%d" customWidth="1"/>' % (words.prefix, number, number, width)
        for number, width in sorted(patch.widths.items())
    )
    there = _COLUMNS.search(head)
    if there is None:
        return head + b"<%bcols>%b</%bcols>" % (words.prefix, new, words.prefix)
    columns = [*_COLUMN.findall(new), *(part for each in _COLUMN.findall(there[1]) for part in _apart(each, patch))]
    columns.sort(key=lambda each: _bounds(each)[0])
    return head[: there.start(1)] + b"".join(columns) + head[there.end(1) :]


def _reaching(said: re.Match[bytes], column: int) -> bytes:
    last = max(column, column_number((said[4] or said[2]).decode()))
    return b'%b%b%b:%b%b"' % (said[1], said[2], said[3], column_letter(last).encode(), said[5] or said[3])


def _bounds(column: bytes) -> tuple[int, int]:
    found = [re.search(rb'\s%b="(\d+)"' % name, column) for name in (b"min", b"max")]
    if found[0] is None or found[1] is None:
        raise NotPatchableError
    return int(found[0][1]), int(found[1][1])


def _apart(column: bytes, patch: SheetPatch) -> Iterator[bytes]:
    """A description of columns without those that get one of their own; closed in itself."""
    first, last = _bounds(column)
    if not column.endswith(b"/>"):
        raise NotPatchableError
    own = [number for number in sorted(patch.widths) if first <= number <= last]
    for start, end in zip(
        [first, *(number + 1 for number in own)], [*(number - 1 for number in own), last], strict=True
    ):
        if start <= end:
            yield with_attribute(with_attribute(column, b"min", b"%d" % start), b"max", b"%d" % end)


class _Rows:
    """The rows as they stream by; behind them `tail` holds the rest of the part."""

    def __init__(self, words: _Words, patch: SheetPatch) -> None:
        self.words = words
        self.patch = patch
        self.tail = b""
        self.row = 0
        letters = "|".join(column_letter(number) for number in sorted(patch.cleared)).encode()
        self.cleared = re.compile(
            rb'<%bc(?=\s)[^>]*?\sr="(?:%b)\d+"[^>]*?(?:/>|>.*?</%bc\s*>)' % (words.prefix, letters, words.prefix),
            re.DOTALL,
        )
        self.clearing = [b'r="%b' % letter for letter in letters.split(b"|") if letter]

    def patched(self, rest: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
        while not (end := self.words.rows_end.search(rest)):
            cut = max(rest.rfind(start) for start in self.words.row_starts)
            if cut > 0:
                yield self._run(rest[:cut])
                rest = rest[cut:]
            chunk = next(chunks, b"")
            if not chunk or len(rest) > _ROW_BYTES_MAX:
                raise NotPatchableError
            rest += chunk
        yield self._run(rest[: end.start()])
        self.tail = rest[end.start() :] + b"".join(_within(chunks, _TAIL_BYTES_MAX))

    def _run(self, rows: bytes) -> bytes:
        """A run of whole rows, patched. Comments and raw sections could hide what looks like a row."""
        if b"<!" in rows:
            raise NotPatchableError
        if any(sign in rows for sign in self.clearing):
            rows = self.cleared.sub(b"", rows)
        pieces: list[bytes] = []
        done = 0
        for row in self.words.row.finditer(rows):
            number = _NUMBER.search(row[1])
            self.row = int(number[1]) if number else self.row + 1
            if self.row in self.patch.cells:
                new, end = self._patched_row(rows, row)
                pieces += [rows[done : row.start()], new]
                done = end
        return b"".join([*pieces, rows[done:]])

    def _patched_row(self, rows: bytes, row: re.Match[bytes]) -> tuple[bytes, int]:
        tag = _SPANS.sub(b"", row[0])
        name = b"%brow" % self.words.prefix
        new = self.patch.cells[self.row]
        if tag.endswith(b"/>"):
            return tag[:-2].rstrip() + b">" + self._cells(new) + b"</%b>" % name, row.end()
        closing = self.words.row_end.search(rows, row.end())
        if closing is None:
            raise NotPatchableError
        inside = self._among(rows[row.end() : closing.start()], new)
        return tag + inside + closing[0], closing.end()

    def _among(self, inside: bytes, new: dict[int, TextCell]) -> bytes:
        """The new cells among the row's own, in the order of the columns; a new one takes a blank one's place."""
        if self._ends_before(inside, min(new)):
            return inside + self._cells(new)
        edits: list[Edit] = []
        place, column = 0, 0
        for cell in self.words.cell.finditer(inside):
            said = _REFERENCE.search(cell[1])
            column = column_number(said[1].decode()) if said else column + 1
            if column in new:
                edits.append((cell.start(), cell.end(), b""))
            elif column < min(new):
                place = cell.end()
            elif column < max(new):
                raise NotPatchableError
        return edited(inside, [(place, place, self._cells(new)), *edits])

    def _ends_before(self, inside: bytes, column: int) -> bool:
        """Whether the row's last cell stands before a column: mostly so, and quickly seen."""
        cell = self.words.cell.match(inside, max(0, inside.rfind(self.words.cell_start)))
        said = _REFERENCE.search(cell[1]) if cell is not None and cell.end() == len(inside) else None
        return said is not None and column_number(said[1].decode()) < column

    def _cells(self, new: dict[int, TextCell]) -> bytes:
        prefix = self.words.prefix.decode()
        return "".join(
            f'<{prefix}c r="{column_letter(column)}{self.row}" s="{cell.style}" t="inlineStr"><{prefix}is>'
            f'<{prefix}t xml:space="preserve">{text_xml(cell.text)}</{prefix}t></{prefix}is></{prefix}c>'
            for column, cell in sorted(new.items())
        ).encode()


def _patched_tail(tail: bytes, patch: SheetPatch, words: _Words) -> bytes:
    """What stands behind the rows: our earlier colours gone, the new ones and the shapes of comments put in."""
    ends = words.rows_end.match(tail)
    body = tail[ends.end() :] if ends else tail
    closing = re.search(rb"</[^<>]*>\s*$", body)
    if closing is None or b"<!DOCTYPE" in body:
        raise NotPatchableError
    opened, closed = b"<all>", b"</all>"
    inner = opened + _without_our_rules(body[: closing.start()], words) + closed
    inner = _lowered_priorities(inner, len(patch.marks))
    children = [each for each in elements(inner, depth=1) if each.depth == 1]
    edits = []
    if patch.marks:
        place = _place_for("conditionalFormatting", children, len(opened))
        edits.append((place, place, _conditional(patch.marks, words.prefix)))
    if patch.notes_relation is not None:
        place = _place_for("legacyDrawing", children, len(opened))
        named = (words.prefix, patch.relation_types.encode(), patch.notes_relation.encode())
        edits.append((place, place, b'<%blegacyDrawing xmlns:td="%b" td:id="%b"/>' % named))
    whole = edited(inner, edits)
    return (ends[0] if ends else b"") + whole[len(opened) : -len(closed)] + closing[0]


def _place_for(name: str, children: list[Element], first: int) -> int:
    """Behind the last element that comes before `name`, or is such a one; what is unknown stays with its neighbour."""
    place = first
    for each in children:
        if _ORDER.get(each.name, -1) > _ORDER[name]:
            break
        place = each.end if each.name in _ORDER else place
    return place


def _conditional(marks: Mapping[int, list[str]], prefix: bytes) -> bytes:
    formula = _OUR_FORMULA.replace('"', "&quot;").encode()
    found = []
    for priority, (number, ranges) in enumerate(marks.items(), start=1):
        rule = b'<%bcfRule type="expression" dxfId="%d" priority="%d"><%bformula>%b</%bformula></%bcfRule>' % (
            *(prefix, number, priority, prefix, formula, prefix, prefix),
        )
        for start in range(0, len(ranges), _RANGES_AT_ONCE):
            cells = " ".join(ranges[start : start + _RANGES_AT_ONCE]).encode()
            block = (prefix, cells, rule, prefix)
            found.append(b'<%bconditionalFormatting sqref="%b">%b</%bconditionalFormatting>' % block)
    return b"".join(found)


def _without_our_rules(body: bytes, words: _Words) -> bytes:
    """A block goes where no rule of the user's own is left in it."""
    if _OUR_MARK not in body:
        return body
    prefix = words.prefix
    block = re.compile(
        rb"<%bconditionalFormatting(?=[\s>])[^>]*>.*?</%bconditionalFormatting\s*>" % (prefix, prefix), re.DOTALL
    )
    rule = re.compile(rb"<%bcfRule(?=[\s>])(?:[^>]*/>|.*?</%bcfRule\s*>)" % (prefix, prefix), re.DOTALL)

    def left_of(found: re.Match[bytes]) -> bytes:
        rules = rule.findall(found[0])
        ours = [each for each in rules if _OUR_MARK in each]
        if len(ours) == len(rules):
            return b""
        kept: bytes = found[0]
        for each in ours:
            kept = kept.replace(each, b"")
        return kept

    return block.sub(left_of, body)


def _lowered_priorities(body: bytes, most: int) -> bytes:
    """The user's rules come behind ours, among themselves in the order they had."""
    said = [int(number) for number in _PRIORITY.findall(body)]
    more = most + 1 - min(said, default=most + 1)
    if more <= 0:
        return body
    return _PRIORITY.sub(lambda rule: rule[0][: rule.start(1) - rule.start()] + b'%d"' % (int(rule[1]) + more), body)
