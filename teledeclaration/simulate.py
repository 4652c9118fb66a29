"""`teledeclaration simulate 60000 --month 2026-02`: what a pay costs, without a server; nothing is kept."""

import argparse
import sys
from decimal import Decimal, InvalidOperation
from typing import get_args

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.annual import Unit
from schemas.law import NewSimulation, PayElement, Simulation, TimeWorked
from schemas.legislation import GENERAL
from teledeclaration.errors import BusinessError
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, Language, say
from teledeclaration.legislation import load
from teledeclaration.money import Centimes
from teledeclaration.payroll.simulations import simulation_of

_MOST = Decimal(10) ** 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base", nargs="?", type=_dinars, help="the base of contributions in dinars, like 60000 or 60000,50"
    )
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--month", metavar="2026-02", dest="period", help="the month it is paid for")
    when.add_argument("--quarter", metavar="2026-Q1", dest="period", help="the quarter it is paid for")
    parser.add_argument(
        "--element",
        metavar="KIND=DINARS",
        type=_element,
        action="append",
        default=[],
        help="an element of pay; repeat it",
    )
    parser.add_argument("--category", default=GENERAL, help="the rate category, like rebate_north_first_job")
    parser.add_argument("--building", action="store_true", help="the building sector")
    parser.add_argument(
        "--time", metavar="15J", type=_time, help="time worked: days J, hours H, months M; all of it without"
    )
    parser.add_argument("--hours-a-week", metavar="N", type=_hours, help="of a part-time contract")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help="language of the words")
    parser.add_argument("--json", action="store_true", help="one JSON object, amounts in centimes")


def run(arguments: argparse.Namespace) -> int:
    """Print the simulation; 1 and a sentence on standard error where it cannot be made."""
    asked = NewSimulation(
        period=arguments.period,
        base=arguments.base,
        elements=arguments.element,
        category=arguments.category,
        building=arguments.building,
        time=arguments.time,
        hours_a_week=arguments.hours_a_week,
    )
    try:
        told = simulation_of(asked, load("cnas"))
    except BusinessError as refused:
        sys.stderr.write(say(f"problem.{refused.type}", arguments.lang, **refused.values) + "\n")
        return 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _print(told, arguments.lang)
    return 0


def _dinars(typed: str) -> Centimes:
    try:
        amount = Decimal(typed.replace(" ", "").replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _MOST or amount * 100 % 1:
        raise argparse.ArgumentTypeError(f"{typed!r} is no amount in dinars and centimes")
    return int(amount * 100)


def _element(typed: str) -> PayElement:
    kind, _, amount = typed.partition("=")
    return PayElement(kind=kind, amount=_dinars(amount))


def _time(typed: str) -> TimeWorked:
    number, unit = typed[:-1], typed[-1:].upper()
    if not (number.isascii() and number.isdigit() and len(number) < 5) or unit not in get_args(Unit):
        raise argparse.ArgumentTypeError(f"{typed!r} is no time worked, like 15J, 80H or 2M")
    return msgspec.convert({"duration": int(number), "unit": unit}, TimeWorked)


def _hours(typed: str) -> Decimal:
    try:
        return Decimal(typed.replace(",", "."))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{typed!r} is no number of hours") from None


def _print(told: Simulation, language: Language) -> None:
    console = Console()
    if told.elements:
        console.print(_elements(told, language))
    console.print(_lines(told, language))
    console.print(_effect(told, language))
    if told.minimum is not None:
        state = "short" if told.minimum.short_by else "enough"
        minimum, short = _shown(told.minimum.base), _shown(told.minimum.short_by)
        console.print(Text(say(f"simulation.minimum.{state}", language, minimum=minimum, short=short)))
    for condition in told.conditions:
        console.print(Text(say("simulation.condition", language, label=condition.label, value=condition.value)))
    if told.to_be_confirmed:
        console.print(Text(say("legal.to_be_confirmed", language), style="yellow"))


def _elements(told: Simulation, language: Language) -> Table:
    table = Table(*(say(f"simulation.column.{name}", language) for name in ("element", "amount", "counts", "text")))
    for one in told.elements:
        counts = say(f"simulation.{'in_base' if one.in_base else 'outside'}", language)
        table.add_row(_element_words(one.kind, language), _shown(one.amount), counts, one.law.reference)
    return table


def _element_words(kind: str, language: Language) -> str:
    return say(f"legal.element.{kind}", language)


def _lines(told: Simulation, language: Language) -> Table:
    table = Table(
        *(say(f"simulation.column.{name}", language) for name in ("line", "branch", "payer", "rate", "amount"))
    )
    for line in told.amounts.lines:
        table.add_row(line.code, say(f"legal.line.{line.code}", language), "", _percent(line.rate), _shown(line.amount))
        for part in line.parts:
            branch, payer = say(f"legal.branch.{part.branch}", language), say(f"legal.payer.{part.payer}", language)
            table.add_row("", branch, payer, _percent(part.rate), _shown(part.amount), style="dim")
    return table


def _effect(told: Simulation, language: Language) -> Table:
    table = Table(show_header=False)
    table.add_row(say("simulation.base", language), _shown(told.base))
    for name, amount in msgspec.structs.asdict(told.effect).items():
        table.add_row(say(f"simulation.effect.{name}", language), _shown(amount))
    return table


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"


def _shown(amount: Centimes) -> str:
    return f"{amount // 100:,}.{amount % 100:02d}".replace(",", "\u202f").replace(".", ",")
