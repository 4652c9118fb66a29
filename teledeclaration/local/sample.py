"""The sample fund of `make run`: put in by the doors a real fund uses, once; nobody in it exists.

Its registers go through the registers' own action, its members and officers through the employers', its declaration
through HTTP. Every step may be repeated, so that a first start that was cut short is made whole by the next one.
"""

import asyncio
import csv
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from schemas.actors import FUND_EMPLOYER_ID, Actor, job, stranger
from schemas.employers import Role
from schemas.registry import Register
from teledeclaration.clock import legal_day, system_clock
from teledeclaration.database import Pool, open_pool, transaction
from teledeclaration.employers import account_queries
from teledeclaration.employers.actions import create_account, create_twin
from teledeclaration.employers.errors import TwinExists
from teledeclaration.employers.holders import select_membership
from teledeclaration.employers.passwords import hash_password
from teledeclaration.local.sample_filing import Filer, file_sample
from teledeclaration.local.sample_people import SamplePerson, employment_rows, people_of, people_rows
from teledeclaration.registry.actions import Cell, receive_rows
from teledeclaration.settings import Settings

PASSWORD = "nobody-here-exists"  # noqa: S105 — of accounts that nobody has, printed at every start
_ACTOR = job("sample fund", FUND_EMPLOYER_ID)

Row = dict[str, Cell]


class SampleAccount(msgspec.Struct, frozen=True):
    """Someone who signs in: for members `employers` are their numbers, for officers `wilayas` their scope."""

    email: str
    name: str
    role: Role
    employers: tuple[str, ...] = ()
    wilayas: tuple[int, ...] | None = None


ATLAS, EL_AMEL, MITIDJA, RHUMEL, ORANIE, BUILDERS = (
    "1600104412", "1647091706", "0924584219", "2516461552", "3137704614", "1600250038",
)  # fmt: skip
UPLOADER = SampleAccount("sofia@el-amel.example", "Sofia Amrani", "owner", (EL_AMEL,))
FILER = SampleAccount("nadia@atlas.example", "Nadia Cherif", "hr", (ATLAS,))
ACCOUNTS = (
    UPLOADER,
    SampleAccount("karim@atlas.example", "Karim Benali", "owner", (ATLAS,)),
    FILER,
    SampleAccount("yacine@atlas.example", "Yacine Toumi", "accountant", (ATLAS,)),
    SampleAccount("rym@atlas.example", "Rym Haddad", "reader", (ATLAS,)),
    SampleAccount("omar@batisseurs.example", "Omar Djebbar", "owner", (BUILDERS,)),
    SampleAccount("lamia@cabinet.example", "Lamia Ziane", "accountant", (MITIDJA, RHUMEL, ORANIE, EL_AMEL)),
    SampleAccount("agent@fund.example", "Farid Mokhtari", "agent", wilayas=(9, 16)),
    SampleAccount("supervisor@fund.example", "Selma Brahimi", "supervisor"),
    SampleAccount("admin@fund.example", "Hicham Rabhi", "administrator"),
)
TWINNED = (UPLOADER, ACCOUNTS[1], ACCOUNTS[5])
"""The owners whose employer has a test twin."""

_WITHOUT_PEOPLE = frozenset({EL_AMEL, MITIDJA, RHUMEL, ORANIE})
"""Their workbooks bring people of their own; the registers know those of `sample_register.csv`."""


def sign_ins() -> list[str]:
    """A line each: who, role, employer, login; then the password of all."""
    rows = [("Role", "Sign in as", "For")]
    rows += [(one.role, one.email, _for(one)) for one in ACCOUNTS]
    lines = [f"{role:<14}{email:<28}{employers}" for role, email, employers in rows]
    return [*lines, "", f"Password of all: {PASSWORD}"]


def _for(account: SampleAccount) -> str:
    match account.employers:
        case ():
            return f"the fund, wilayas {', '.join(map(str, account.wilayas))}" if account.wilayas else "the whole fund"
        case (number,):
            return f"{number} {_names()[number]}"
    return ", ".join(account.employers)


def example(address: str) -> str:
    """A command that uploads a workbook with mistakes in it; empty where this is not the project's own folder."""
    workbook = Path(__file__).parents[2] / "tests/files/workbooks/annual-2025-kept-by-hand.xlsx"
    if not workbook.exists():
        return ""
    file = workbook.relative_to(Path.cwd()) if workbook.is_relative_to(Path.cwd()) else workbook
    credentials = msgspec.json.encode({"email": UPLOADER.email, "password": PASSWORD}).decode()
    return " \\\n".join(
        [
            f"curl -s -o /dev/null -b '' -H 'Content-Type: application/json' -d '{credentials}' {address}/v1/session",
            f"  --next -s -b '' -H 'Origin: {address}' -H 'Accept-Language: en' -F year=2025 -F 'file=@{file}'",
            f"  {address}/v1/uploads",
        ]
    )


async def seed(settings: Settings) -> bool:
    """Whether the sample fund is in the database: put in where it was empty. False for another fund's, left alone."""
    pool = await open_pool(settings.database_url, size=4)
    try:
        if await _holds_another_fund(pool):
            return False
        if not await _is_whole(pool):
            await _put_in(pool, settings)
        return True
    finally:
        await pool.close()


async def file_declaration(settings: Settings, address: str) -> str:
    """File the sample declaration through the HTTP door, where it is not filed yet; a line that says what became."""
    year = _declared_year(settings, system_clock())
    filer = Filer(email=FILER.email, password=PASSWORD, number=ATLAS, name=_names()[ATLAS])
    return await file_sample(address, filer, people=_people(0, ATLAS, year), year=year)


@cache
def employer_rows() -> list[Row]:
    """Rows of the register of employers."""
    content = resources.files("teledeclaration.local").joinpath("sample_employers.toml").read_bytes()
    rows: list[Row] = msgspec.toml.decode(content)["employers"]
    return rows


def _names() -> dict[str, str]:
    """The employers' names by number, in the order of the register's rows."""
    return {str(row["number"]): str(row["name"]) for row in employer_rows()}


async def _holds_another_fund(pool: Pool) -> bool:
    ours = list(_names())
    async with transaction(pool, _ACTOR) as connection:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT FROM employers WHERE employer_id <> $1 AND number <> ALL ($2::text[]))",
                FUND_EMPLOYER_ID,
                ours,
            )
        )


async def _is_whole(pool: Pool) -> bool:
    """The last account is made last."""
    email = ACCOUNTS[-1].email
    async with transaction(pool, stranger(email)) as connection:
        return await account_queries.select_account_by_email(connection, email=email) is not None


async def _put_in(pool: Pool, settings: Settings) -> None:
    now = system_clock()
    await _load(pool, settings, "employers", employer_rows())
    _, password_hash = await asyncio.gather(
        _put_people_in(pool, settings, _declared_year(settings, now)), hash_password(PASSWORD)
    )
    for account in ACCOUNTS[:-1]:
        await _put_member_in(pool, account, password_hash, now)
    for owner in TWINNED:
        await _make_twin(pool, owner, now)
    await _put_member_in(pool, ACCOUNTS[-1], password_hash, now)


def _declared_year(settings: Settings, now: datetime) -> int:
    """The year that ended last."""
    return legal_day(now, settings.fund_time_zone).year - 1


async def _put_people_in(pool: Pool, settings: Settings, year: int) -> None:
    people = {number: _people(place, number, year) for place, number in enumerate(_names())}
    employers = employer_rows()
    known = _known_people()
    everyone = people_rows([one for group in people.values() for one in group])
    await _load(pool, settings, "people", everyone + [row for rows in known.values() for row in _persons(rows)])
    employments = [row for one in employers for row in _employments(one, people)]
    employments += [row for one in employers for row in _spells(one, known.get(str(one["number"]), []))]
    await _load(pool, settings, "employments", employments)
    await _load(pool, settings, "contacts", [row for one in employers for row in _contacts(one)])
    await _load(pool, settings, "balances", _balances(employers, year))


def _known_people() -> dict[str, list[dict[str, str]]]:
    """The people of the sample workbooks kept by hand, by employer: a fund knows its insured."""
    text = resources.files("teledeclaration.local").joinpath("sample_register.csv").read_text("utf-8")
    known: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        known.setdefault(row["employer"], []).append(row)
    return known


def _persons(rows: list[dict[str, str]]) -> list[Row]:
    return [{name: row[name] for name in ("nss", "last_name", "first_name", "birth_date")} for row in rows]


def _spells(employer: Row, rows: list[dict[str, str]]) -> list[Row]:
    number, centre = str(employer["number"]), str(employer["centres"]).split()[0].partition("@")[0]
    return [
        {"nss": row["nss"], "number": number, "entry_date": row["entry_date"], "centre": centre}
        for row in rows
        if row["entry_date"]
    ]


async def _load(pool: Pool, settings: Settings, register: Register, rows: list[Row]) -> None:
    outcome = await receive_rows(
        pool, _ACTOR, register=register, rows=rows, settings=settings, clock=system_clock, language="fr"
    )
    if outcome.findings:
        first = outcome.findings[0]
        raise SampleRefusedError(f"{register}{first.pointer}: {first.code}")


class SampleRefusedError(Exception):
    """The register refuses a row of the sample fund, which is then at fault: says where and by which check."""


def _people(place: int, number: str, year: int) -> list[SamplePerson]:
    """About 3,000 in all; none at an employer that has closed, or whose workbook brings its own."""
    closed = "closed_on" in employer_rows()[place]
    return [] if closed or number in _WITHOUT_PEOPLE else people_of(place, 20 + (20 + place * 37) % 77, year=year)


def _employments(employer: Row, people: dict[str, list[SamplePerson]]) -> list[Row]:
    number, centre = str(employer["number"]), str(employer["centres"]).split()[0].partition("@")[0]
    category = "building" if employer.get("building_sector") else "general"
    return employment_rows(number, people[number], centre=centre, rate_category=category)


def _contacts(employer: Row) -> list[Row]:
    number = str(employer["number"])
    return [
        {"number": number, "kind": "email", "contact": f"paie.{number}@employers.example", "name": "Service paie"},
        {"number": number, "kind": "phone", "contact": f"+213 21 00 {number[4:6]} {number[6:8]}", "name": "Standard"},
    ]


def _balances(employers: list[Row], year: int) -> list[Row]:
    """What every sixth employer owed, or had paid too much of, when the platform took over."""
    rows: list[Row] = []
    for place, employer in list(enumerate(employers))[5::6]:
        which = {
            "number": employer["number"],
            "centre": str(employer["centres"]).split()[0].partition("@")[0],
            "period": f"{year - 1}",
            "due_on": f"{year}-01-31",
        }
        too_much = place % 4 == 1
        amount = f"{'-' if too_much else ''}{place * 13_571}.50"
        rows.append({**which, "nature": "contributions", "payer": "employer", "amount": amount})
        if not too_much:
            rows.append({**which, "nature": "penalties", "payer": "employer", "amount": f"{place * 679}.00"})
    return rows


async def _put_member_in(pool: Pool, account: SampleAccount, password_hash: str, now: datetime) -> None:
    for number in account.employers or (None,):
        await create_account(
            pool,
            email=account.email,
            name=account.name,
            password=PASSWORD,
            role=account.role,
            now=now,
            employer=number,
            wilayas=None if account.wilayas is None else list(account.wilayas),
            password_hash=password_hash,
        )


async def _make_twin(pool: Pool, owner: SampleAccount, now: datetime) -> None:
    email = owner.email
    async with transaction(pool, stranger(email)) as connection:
        account = await account_queries.select_account_by_email(connection, email=email)
    if account is None:
        return
    held = await select_membership(pool, account_id=account.account_id, number=owner.employers[0], mode="live")
    if held is None:
        return
    _, acting_for = held
    actor = Actor(kind="member", label=owner.name, employer_id=acting_for.employer_id, account_id=account.account_id)
    with suppress(TwinExists):
        await create_twin(pool, actor, acting_for=acting_for, now=now)
