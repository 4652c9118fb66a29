"""What a fuzzer does to a good file: bytes, zip members, XML, texts and records are bent, cut and made to lie."""

import io
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBERS = [b"0", b"-1", b"1", b"65536", b"1048576", b"1048577", b"16385", b"4294967295", b"99999999999999999999", b""]
_CELLS = [b"XFD1048576", b"A1048576", b"ZZZZ1", b"XFE1", b"A0", b"AA", b"1", b"A99999999999", b"$B$2", b"", b"A1:B2"]
_TEXTS = [
    *("\u202eNOM\u202c", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "ﷺ" * 50, "a" * 40_000),
    *("=1+1", "@SUM(A1)", "<script>", "{seen}", "{0}", "%s", "\\N", "\t", "NaN", "inf", "1E400", "-0", "９９９", "٣٤٥"),
    *("#REF!", "31/02/2025", "1899-12-31 00:00:00", "9" * 400, "é" * 300, "\u0000", "\ufeff", "\u2028", "١٠/٠٧/١٩٧٩"),
]
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_TAG = re.compile(rb"<[^>]{1,200}>")
_ELEMENT_TEXT = re.compile(rb">([^<]{1,200})<")
_REFERENCE = re.compile(rb'\br(?:ef)?="[^"]*"')


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to four mutations of a file, mostly of its own kind's."""
    for _ in range(chance.choice([1, 1, 1, 2, 3, 4])):
        kinds = BYTES if chance.random() < 0.25 else _kinds_for(content)
        content = chance.choice(kinds)(content, chance)
    return content


def _kinds_for(content: bytes) -> list[Mutation]:
    if content.startswith(b"PK"):
        return ZIPS
    return RECORDS if content.startswith(b"\xd0\xcf\x11\xe0") else TEXTS


# Bytes


def _span(content: bytes, chance: random.Random, most: int = 2_000) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.randrange(1, most))


def flip(content: bytes, chance: random.Random) -> bytes:
    bent = bytearray(content)
    for _ in range(chance.choice([1, 3, 30, 300]) if bent else 0):
        bent[chance.randrange(len(bent))] = chance.choice([0, 255, chance.randrange(256)])
    return bytes(bent)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def remove(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + content[end:]


def repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:end] + content[start:end] * chance.choice([1, 2, 50]) + content[end:]


def swap(content: bytes, chance: random.Random) -> bytes:
    (a, b), (c, d) = sorted([_span(content, chance, 300), _span(content, chance, 300)])
    return content if c < b else content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def insert_noise(content: bytes, chance: random.Random) -> bytes:
    start, _ = _span(content, chance)
    return content[:start] + chance.randbytes(chance.choice([1, 10, 1_000])) + content[start:]


BYTES: list[Mutation] = [flip, cut, remove, repeat, swap, insert_noise]


# Zips


def _members(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # an archive that earlier mutations broke: anything may come out of it
        return {}


def _packed(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members of one name are what is meant
        for name, content in members:
            archive.writestr(name or "_", content)
    return packed.getvalue()


def _on_members(change: Callable[[list[tuple[str, bytes]], random.Random], list[tuple[str, bytes]]]) -> Mutation:
    def mutation(content: bytes, chance: random.Random) -> bytes:
        members = list(_members(content).items())
        return _packed(change(members, chance)) if members else flip(content, chance)

    return mutation


def _drop(members: list[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
    gone = chance.randrange(len(members))
    return [member for place, member in enumerate(members) if place != gone]


def _twice(members: list[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
    return [*members, (chance.choice(members)[0], chance.choice(members)[1])]


def _exchange(members: list[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
    contents = [content for _, content in members]
    chance.shuffle(contents)
    return [(name, content) for (name, _), content in zip(members, contents, strict=True)]


def _rename(members: list[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
    place = chance.randrange(len(members))
    name, content = members[place]
    new = chance.choice(
        [name.upper(), name.replace("/", "\\"), "../" + name, "/" + name, name[:-1], "é" * 200, name * 9]
    )
    return [*members[:place], (new, content), *members[place + 1 :]]


def _in_xml(change: Callable[[bytes, random.Random], bytes]) -> Mutation:
    def on_one(members: list[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
        likely = [place for place, (name, _) in enumerate(members) if "sheet" in name or "content" in name]
        place = chance.choice(likely) if likely and chance.random() < 0.6 else chance.randrange(len(members))
        name, content = members[place]
        return [*members[:place], (name, change(content, chance)), *members[place + 1 :]]

    return _on_members(on_one)


def _replaced(
    pattern: re.Pattern[bytes], content: bytes, chance: random.Random, new: Callable[[bytes], bytes]
) -> bytes:
    found = list(pattern.finditer(content))
    for match in sorted(chance.sample(found, min(len(found), chance.choice([1, 1, 5]))), key=lambda m: -m.start()):
        content = content[: match.start()] + new(match[0]) + content[match.end() :]
    return content


def attribute(xml: bytes, chance: random.Random) -> bytes:
    def other(whole: bytes) -> bytes:
        name = whole.partition(b"=")[0]
        return name + b'="' + chance.choice([*_NUMBERS, *_CELLS, chance.choice(_TEXTS).encode()[:200]]) + b'"'

    return _replaced(_ATTRIBUTE, xml, chance, other)


def reference(xml: bytes, chance: random.Random) -> bytes:
    return _replaced(
        _REFERENCE, xml, chance, lambda whole: whole.partition(b"=")[0] + b'="' + chance.choice(_CELLS) + b'"'
    )


def text(xml: bytes, chance: random.Random) -> bytes:
    def other(_: bytes) -> bytes:
        return b">" + chance.choice(_TEXTS).encode().replace(b"<", b"&lt;") + b"<"

    return _replaced(_ELEMENT_TEXT, xml, chance, other)


def tag(xml: bytes, chance: random.Random) -> bytes:
    return _replaced(
        _TAG, xml, chance, lambda whole: chance.choice([b"", whole * 2, b"<", b"</", b"<![CDATA[", b"<!--"])
    )


def nest(xml: bytes, chance: random.Random) -> bytes:
    deep = chance.choice([100, 20_000])
    found = list(_TAG.finditer(xml))
    if not found:
        return xml
    place = chance.choice(found).end()
    return xml[:place] + b"<a>" * deep + b"</a>" * deep + xml[place:]


def other_encoding(xml: bytes, chance: random.Random) -> bytes:
    encoding = chance.choice(["utf-16", "utf-16-be", "utf-32", "utf-7", "windows-1256"])
    return xml.decode("utf-8", "replace").encode(encoding, "replace")


def entities(xml: bytes, chance: random.Random) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    return chance.choice([bomb + xml, xml.replace(b"?>", b"?>" + bomb, 1), xml.replace(b"</v>", b"&b;</v>", 2)])


def lying_sizes(content: bytes, chance: random.Random) -> bytes:
    bent = bytearray(content)
    for place in [match.start() for match in re.finditer(rb"PK\x01\x02|PK\x03\x04", content)]:
        if chance.random() < 0.3:
            offset = place + (20 if content[place : place + 4] == b"PK\x01\x02" else 18) + 4 * chance.randrange(2)
            if offset + 4 <= len(bent):
                struct.pack_into("<L", bent, offset, chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, len(content) * 1000]))
    return bytes(bent)


def stored(content: bytes, chance: random.Random) -> bytes:
    members = list(_members(content).items())
    chance.shuffle(members)
    return _packed(members, chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))


ZIPS: list[Mutation] = [
    *(_on_members(change) for change in (_drop, _twice, _exchange, _rename)),
    *(_in_xml(change) for change in (attribute, attribute, reference, reference, text, text, tag, tag, nest)),
    *(_in_xml(change) for change in (other_encoding, entities, cut, remove, repeat, swap)),
    lying_sizes,
    stored,
]


# Texts


def mixed_encodings(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    encoding = chance.choice(["utf-16", "utf-16-le", "windows-1256", "utf-32", "cp1252"])
    return content[:place] + content[place:].decode("utf-8", "replace").encode(encoding, "replace")


def odd_word(content: bytes, chance: random.Random) -> bytes:
    words = re.split(rb"([;,\t|\n])", content)
    words[chance.randrange(len(words))] = chance.choice(_TEXTS).encode()
    return b"".join(words)


def odd_signs(content: bytes, chance: random.Random) -> bytes:
    start, _ = _span(content, chance)
    signs = [
        b'"',
        b"\r",
        b"\n" * 50,
        b";" * 20_000,
        b"\0" * 40,
        b"\x1a",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b'"' * 999,
        b"sep=x\n",
    ]
    return content[:start] + chance.choice(signs) + content[start:]


TEXTS: list[Mutation] = [mixed_encodings, odd_word, odd_word, odd_word, odd_signs, odd_signs, remove, repeat, swap, cut]


# The records of the old format


def record_numbers(content: bytes, chance: random.Random) -> bytes:
    bent = bytearray(content)
    for _ in range(chance.choice([1, 4, 40]) if len(bent) > 8 else 0):
        size = chance.choice(["<H", "<L"])
        most = 0xFFFF if size == "<H" else 0xFFFFFFFF
        value = chance.choice([0, 1, most, most // 2, chance.randrange(most)])
        struct.pack_into(size, bent, chance.randrange(len(bent) - 4), value)
    return bytes(bent)


def allocation(content: bytes, chance: random.Random) -> bytes:
    """The container's own tables: chains in circles, into nowhere."""
    bent = bytearray(content)
    for _ in range(chance.choice([1, 3]) if len(bent) >= 1024 else 0):
        place = chance.choice([*range(44, 512, 4), *range(512, 1024, 4)])
        struct.pack_into("<L", bent, place, chance.choice([0, 1, 2, 0xFFFFFFFE, 0xFFFFFFFF, chance.randrange(1 << 12)]))
    return bytes(bent)


RECORDS: list[Mutation] = [record_numbers, record_numbers, record_numbers, allocation, flip, cut, remove, repeat, swap]
