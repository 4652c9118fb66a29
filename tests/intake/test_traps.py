"""Every trap of `tests/files/traps/`, through the real sandbox and the checks: what is read, told or refused."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from intake import make_traps
from intake.trap_writing import unpacked
from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.raw import ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.languages import LANGUAGES, say

ANSWERS: dict[str, dict[str, Any]] = tomllib.loads((make_traps.TRAPS / "answers.toml").read_text("utf-8"))
LIMITS = ReadingLimits()
CONTEXT = standard_context(date(2026, 11, 22))


async def checked(path: Path, reader: ReaderServer) -> CheckedFile:
    return check_raw(await read_raw(path, filename=path.name, limits=LIMITS, reader=reader), context=CONTEXT)


def told(file: CheckedFile) -> list[list[Any]]:
    """Code, row and field of each finding, the file's own without row; sorted."""
    rows = file.findings.select("code", "row", pl.coalesce("field", pl.lit(""))).iter_rows()
    return sorted([code, row or 0, field] for code, row, field in rows)


def read(file: CheckedFile) -> dict[str, Any]:
    """What `answers.toml` says of a file that is read."""
    values = {
        name: [None if value is None else str(value) for value in file.lines[name].to_list()]
        for name in ("nss", "last_name", "first_name", "birth_date", "q1_duration", "q1_amount", "entry_date")
        if name in file.lines.columns
    }
    return {
        "kind": file.form.name,
        "sheet": file.sheet,
        "header_row": file.table.header_row,
        "rows": file.lines["row"].to_list(),
        "values": {name: ["" if value is None else value for value in column] for name, column in values.items()},
        "findings": told(file),
    }


@pytest.mark.parametrize("name", sorted(ANSWERS))
async def test_a_trap_comes_out_as_it_should(name: str, reader: ReaderServer) -> None:
    answer = ANSWERS[name]
    path = make_traps.TRAPS / name
    if "unreadable" in answer:
        with pytest.raises(Unreadable) as refused:
            await checked(path, reader)
        assert refused.value.code == answer["unreadable"]
        for language in LANGUAGES:
            assert "{" not in say(refused.value.words, language, **refused.value.values)
        if "cell" in answer:
            assert refused.value.values["cell"] == answer["cell"]
    else:
        found = read(await checked(path, reader))
        assert {key: found[key] for key in answer if key != "why"} == {
            key: value for key, value in answer.items() if key != "why"
        }


def test_every_trap_has_its_answer() -> None:
    assert {path.name for path in make_traps.TRAPS.iterdir()} == {*ANSWERS, "answers.toml"}


@pytest.mark.parametrize("name", sorted(make_traps.TEXTS | make_traps.WORKBOOKS))
def test_the_files_are_what_their_maker_writes(name: str) -> None:
    made = (make_traps.TEXTS | make_traps.WORKBOOKS)[name]()
    kept = (make_traps.TRAPS / name).read_bytes()
    if kept.startswith(b"PK"):  # packed otherwise by another zlib
        assert unpacked(made) == unpacked(kept)
    else:
        assert made == kept
