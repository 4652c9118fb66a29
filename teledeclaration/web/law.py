"""The law as people read it: what is in force on a day, what changed, and one value from its oldest to its newest."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from schemas.law import AwaitedValue, LawChange, LegalValue
from schemas.legislation import Unit
from teledeclaration.clock import legal_day
from teledeclaration.employers.guard import guarded
from teledeclaration.employers.roles import PUBLIC
from teledeclaration.languages import Language, catalogue, say
from teledeclaration.legislation.reading import law_changes, law_history, law_on
from teledeclaration.problems import reader_language
from teledeclaration.web.frame import page

ADDRESS = "/law"

_WORDS = (
    "title", "introduction", "on", "show", "changes", "changes_introduction", "whole", "since", "until",
    "awaited", "was", "added", "note", "history", "checked", "nothing",
)  # fmt: skip
_RATIO = "ratio"
_DINARS = "dinars"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A legal value as a page has it; `unit` is empty where the value says it."""

    key: str
    label: str
    value: str
    unit: str
    since: date
    until: date | None
    reference: str
    link: str | None
    sure: str
    note: str | None
    added: str | None


@get(ADDRESS, **guarded(PUBLIC), include_in_schema=False)
async def law_page(
    request: Request[Any, Any, Any],
    state: State,
    on: Annotated[date | None, QueryParameter(description="The day; today where it is left out")] = None,
) -> Response[str]:
    language, today = reader_language(request), legal_day(state.clock(), state.settings.fund_time_zone)
    day = on or today
    told = law_on(state.legislation, day, language)
    return page(
        "law.html",
        state,
        language,
        address=ADDRESS if on is None else f"{ADDRESS}?on={day}",
        say=_words(language),
        day=day,
        groups=_by_group(told.values, language),
        awaited=_awaited_by_group(told.awaited, language),
    )


@get(f"{ADDRESS}/changes", **guarded(PUBLIC), include_in_schema=False)
async def law_changes_page(request: Request[Any, Any, Any], state: State) -> Response[str]:
    language = reader_language(request)
    changes = law_changes(state.legislation, date.min, date.max, language).changes
    newest_first = sorted(changes, key=lambda change: change.day, reverse=True)
    days = [
        (day, [_changed(change, language) for change in some])
        for day, some in groupby(newest_first, key=lambda change: change.day)
    ]
    return page("law_changes.html", state, language, address=f"{ADDRESS}/changes", say=_words(language), days=days)


@get(f"{ADDRESS}/{{key:str}}", **guarded(PUBLIC), include_in_schema=False)
async def law_key_page(request: Request[Any, Any, Any], state: State, key: FromPath[str]) -> Response[str]:
    language = reader_language(request)
    told = law_history(state.legislation, key, language)
    return page(
        "law_key.html",
        state,
        language,
        address=f"{ADDRESS}/{key}",
        say=_words(language),
        told=told,
        values=[_shown(value, language) for value in reversed(told.values)],
    )


def _words(language: Language) -> dict[str, str]:
    return {word: say(f"law-page.{word}", language) for word in _WORDS}


def _group(key: str) -> str:
    return key.partition(".")[0]


def _called(group: str, language: Language) -> str:
    """What a folder of the fund is called; a folder that has no words here, by its name."""
    word = f"law-page.group.{group}"
    return say(word, language) if word in catalogue() else group


def _by_group(values: Iterable[LegalValue], language: Language) -> list[tuple[str, str, list[Shown]]]:
    return [
        (group, _called(group, language), [_shown(value, language) for value in some])
        for group, some in groupby(values, key=lambda value: _group(value.key))
    ]


def _awaited_by_group(awaited: Iterable[AwaitedValue], language: Language) -> list[tuple[str, AwaitedValue]]:
    return [(_called(_group(one.key), language), one) for one in awaited]


def _changed(change: LawChange, language: Language) -> dict[str, Any]:
    unit = change.after.unit if change.after else None
    before = change.before and _in_words(change.before, unit, language)[0]
    return {
        "key": change.key,
        "label": change.label,
        "kind": say(f"law.change.{change.kind}", language),
        "before": before if change.kind in ("changed", "ended") else None,
        "after": change.after and _shown(change.after, language),
    }


def _shown(value: LegalValue, language: Language) -> Shown:
    text, tells_unit = _in_words(value.value, value.unit, language)
    unsure = f" · {say('legal.to_be_confirmed', language)}" if value.to_be_confirmed else ""
    return Shown(
        key=value.key,
        label=value.label,
        value=text,
        unit="" if tells_unit else value.unit_words,
        since=value.valid_from,
        until=value.last_day,
        reference=value.reference,
        link=value.link,
        sure=value.confidence_words + unsure,
        note=value.note,
        added=f"{value.added.proposed_by} → {value.added.accepted_by}" if value.added else None,
    )


def _in_words(text: str, unit: Unit | None, language: Language) -> tuple[str, bool]:
    """A value as its reader writes it, and whether that says what it counts. A rate line is told by its total."""
    if unit in (Unit.WORDS, Unit.RATE_CATEGORY, Unit.YES_OR_NO) and text in ("yes", "no", "disabled"):
        return say(f"law-page.{text}", language), True
    if unit in (Unit.WORDS, Unit.RATE_CATEGORY):
        return text, True
    number = _number(text.partition(" ")[0])
    if unit is None or number is None:
        return text, False
    if unit.value.startswith(_RATIO):
        return f"{_written(number * 100, language)}\N{NO-BREAK SPACE}%", unit is Unit.RATIO_OF_BASE
    return _written(number, language, cents=unit.value.startswith(_DINARS)), False


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _written(number: Decimal, language: Language, *, cents: bool = False) -> str:
    """With the reader's own signs: `1 234,5`, in English `1,234.5`."""
    text = f"{number:,.2f}" if cents else f"{number.normalize():,f}"
    return text if language == "en" else text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")


ROUTES: list[ControllerRouterHandler] = [law_page, law_changes_page, law_key_page]
