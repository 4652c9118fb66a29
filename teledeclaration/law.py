"""`teledeclaration law`: the law as this release holds it, without a server; with what administrators added, by one's
database."""

import argparse
import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.law import AwaitedValue, LawChange, LawChanges, LawOnDay, LegalValue
from teledeclaration.database import open_pool
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, Language, say
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import InvalidLegislation, Legislation, load
from teledeclaration.legislation.reading import law_changes, law_on
from teledeclaration.settings import MissingSetting, WrongSetting, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", metavar="DAY", type=date.fromisoformat, help="the day, like 2026-02-01; today without")
    parser.add_argument("--key", metavar="PREFIX", default="", help="only keys that begin so, like rates.retirement")
    parser.add_argument("--changes-since", metavar="DAY", type=date.fromisoformat, help="what changed from a day on")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help="language of the words")
    parser.add_argument("--database", action="store_true", help="with later values, of the database of DATABASE_URL")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print what is in force, or what changed; 1 where nothing is held that was asked for, 2 where it is not whole."""
    try:
        law, language = _law_of_database() if arguments.database else load("cnas"), arguments.lang
    except (MissingSetting, WrongSetting, InvalidLegislation) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.changes_since is None:
        day = arguments.on or datetime.now(UTC).date()
        return _tell_day(law_on(law, day, language, prefix=arguments.key), arguments)
    told = law_changes(law, arguments.changes_since, arguments.on or date.max, language)
    kept = tuple(change for change in told.changes if change.key.startswith(arguments.key))
    return _tell_changes(msgspec.structs.replace(told, changes=kept), arguments)


def _law_of_database() -> Legislation:
    """The law of the installation whose settings are in the environment."""
    settings = read_settings()

    async def ask() -> Legislation:
        pool = await open_pool(settings.database_url, size=1)
        try:
            return await law_in_force(pool, settings)
        finally:
            await pool.close()

    return asyncio.run(ask())


def _tell_day(told: LawOnDay, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _print_object(told)
    else:
        _print_rows(_VALUE_COLUMNS, (_value_row(value, arguments.lang) for value in told.values), arguments.lang)
        if told.awaited:
            _print_rows(_AWAITED_COLUMNS, map(_awaited_row, told.awaited), arguments.lang)
    return 0 if told.values or told.awaited else 1


def _tell_changes(told: LawChanges, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _print_object(told)
    else:
        rows = (_change_row(change, arguments.lang) for change in told.changes)
        _print_rows(_CHANGE_COLUMNS, rows, arguments.lang)
    return 0 if told.changes else 1


_VALUE_COLUMNS = ("key", "value", "unit", "since", "reference", "sure")
_AWAITED_COLUMNS = ("awaited", "why")
_CHANGE_COLUMNS = ("since", "kind", "key", "before", "value", "reference")


def _value_row(value: LegalValue, language: Language) -> tuple[str, ...]:
    sure = value.confidence.value
    if value.to_be_confirmed:
        sure += f", {say('legal.to_be_confirmed', language)}"
    return (value.key, value.value, value.unit_words, value.valid_from.isoformat(), value.reference, sure)


def _awaited_row(awaited: AwaitedValue) -> tuple[str, ...]:
    return (awaited.key, awaited.why)


def _change_row(change: LawChange, language: Language) -> tuple[str, ...]:
    value, reference = (change.after.value, change.after.reference) if change.after else ("", "")
    kind = say(f"law.change.{change.kind}", language)
    return (change.day.isoformat(), kind, change.key, change.before or "", value, reference)


def _print_rows(columns: Iterable[str], rows: Iterable[tuple[str, ...]], language: Language) -> None:
    table = Table()
    for name in columns:
        table.add_column(say(f"law.column.{name}", language), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _print_object(value: msgspec.Struct) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
