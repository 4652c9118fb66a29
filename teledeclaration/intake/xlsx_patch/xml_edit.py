"""Changing XML without rewriting it: where its elements stand in the bytes, and what is put, cut or replaced there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

Edit = tuple[int, int, bytes]  # from, to, and what stands there instead

_TAG = re.compile(rb"""<[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")
_ENCODING = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)["']""")


class NotPatchableError(Exception):
    """The package is not laid out as spreadsheet programs do: its values can still be given back as a copy."""


@dataclass(frozen=True)
class Element:
    """An element by the places of its bytes: `start`, behind its start tag, before its end tag, `end`.

    `name` is without, `tag` with the prefix. In one that closes itself `inside`, `close` and `end` are the same.
    """

    name: str
    tag: str
    depth: int
    attributes: dict[str, str]
    start: int
    inside: int
    close: int
    end: int

    @property
    def prefix(self) -> str:
        """The prefix with its colon, or nothing."""
        return self.tag[: -len(self.name)]


def elements(content: bytes, *, depth: int) -> list[Element]:
    """The elements down to `depth` (the root has 0) in the order of their start; NotPatchableError."""
    refuse_other_encodings(content)
    parser = expat.ParserCreate()
    found: list[Element | None] = []
    opened: list[tuple[int, str, dict[str, str], int] | None] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(opened) > depth:
            opened.append(None)
            return
        opened.append((len(found), tag, attributes, parser.CurrentByteIndex))
        found.append(None)

    def end(_tag: str) -> None:
        this = opened.pop()
        if this is not None:
            place, tag, attributes, begins = this
            found[place] = _element(content, tag, len(opened), attributes, begins, parser.CurrentByteIndex)

    def refuse(*_: Any) -> None:
        raise NotPatchableError

    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    try:
        parser.Parse(content, True)  # expat takes no keyword
    except expat.ExpatError as error:
        raise NotPatchableError from error
    return [element for element in found if element is not None]


def refuse_other_encodings(head: bytes) -> None:
    """NotPatchableError where a part says it is written in anything but UTF-8."""
    known = _ENCODING.match(head.removeprefix(b"\xef\xbb\xbf"))
    if known and known[1].lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise NotPatchableError


def _element(content: bytes, tag: str, depth: int, attributes: dict[str, str], start: int, close: int) -> Element:
    opening = _TAG.match(content, start)
    if opening is None:
        raise NotPatchableError
    inside = opening.end()
    if opening[0].endswith(b"/>"):
        return Element(tag.rpartition(":")[2], tag, depth, attributes, start, inside, inside, inside)
    closing = _TAG.match(content, close)
    if closing is None:
        raise NotPatchableError
    return Element(tag.rpartition(":")[2], tag, depth, attributes, start, inside, close, closing.end())


def edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """The content with every edit made; edits do not overlap, those at one place stand in the order given."""
    pieces, done = [], 0
    for start, end, instead in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [content[done:start], instead]
        done = end
    return b"".join([*pieces, content[done:]])


def appended(content: bytes, element: Element, more: bytes) -> Edit:
    """The edit that puts `more` at the end of what is inside `element`."""
    if element.inside < element.end:
        return element.close, element.close, more
    opened = re.sub(rb"\s*/>$", b">", content[element.start : element.end])
    return element.start, element.end, opened + more + b"</" + element.tag.encode() + b">"


def with_attribute(tag: bytes, name: bytes, value: bytes | None) -> bytes:
    """A start tag with an attribute set to `value`, or without it where that is None."""
    bare = re.sub(rb"""\s%b\s*=\s*("[^"]*"|'[^']*')""" % name, b"", tag)
    if value is None:
        return bare
    return re.sub(rb"(\s*/?>)$", lambda end: b' %b="%b"' % (name, value) + end[1], bare)
