"""The way such files are often read: openpyxl's read-only mode, checks in Python row by row, `executemany`.

Only the obvious checks, so that nobody can say it was made slow: the number's shape and key, names, dates, times,
sums, the minimum wage, and numbers used twice. No registers, no law by date, no words, one script.
"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import asyncpg
import openpyxl

_FIRST_ROW = 2
_MINIMUM_WAGE_A_DAY = 80_000
_DAYS_MAX = 92
_QUARTERS = range(4)
_LAST_DAY = date(2025, 12, 31)

Found = tuple[int, str, str, str | None]
Line = tuple[Any, ...]


async def row_by_row(owner_url: str, path: Path) -> int:
    """Read, check and store the export; how many mistakes were found."""
    book = openpyxl.load_workbook(path, read_only=True)
    lines: list[Line] = []
    found: list[Found] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(book.worksheets[0].iter_rows(min_row=_FIRST_ROW, values_only=True), start=1):
        lines.append(_checked(number, cells, found, seen))
    await _store(owner_url, lines, found)
    return len(found)


def _checked(number: int, cells: Line, found: list[Found], seen: dict[str, int]) -> Line:
    nss, last_name, first_name = (str(cell or "").strip() for cell in cells[:3])
    _check_number(number, nss, found, seen)
    for name, value in (("last_name", last_name), ("first_name", first_name)):
        if not value or any(letter.isdigit() for letter in value):
            found.append((number, name, "name", value))
    birth = _day(number, "birth_date", cells[3], found)
    if birth is not None and nss[:2] != f"{birth.year % 100:02d}":
        found.append((number, "nss", "year_of_birth", nss))
    quarters = [_quarter(number, quarter, cells[4 + 3 * quarter : 7 + 3 * quarter], found) for quarter in _QUARTERS]
    total = _centimes(number, "annual_amount", cells[16], found)
    if total != sum(amount or 0 for _, _, amount in quarters):
        found.append((number, "annual_amount", "sum", str(cells[16])))
    entry, leaving = _day(number, "entry_date", cells[17], found), _day(number, "exit_date", cells[18], found)
    if entry and (entry > _LAST_DAY or (leaving and leaving < entry)):
        found.append((number, "entry_date", "order", entry.isoformat()))
    return (number, nss, last_name, first_name, birth, *(part for quarter in quarters for part in quarter), total,
            entry, leaving)  # fmt: skip


def _check_number(number: int, nss: str, found: list[Found], seen: dict[str, int]) -> None:
    if len(nss) != 12 or not nss.isdigit():
        found.append((number, "nss", "shape", nss))
        return
    digits = [int(digit) for digit in nss]
    if 99 - 2 * sum(digits[0:10:2]) - sum(digits[1:10:2]) != int(nss[10:]):
        found.append((number, "nss", "key", nss))
    if nss in seen:
        found.append((number, "nss", "twice", nss))
    seen[nss] = number


def _quarter(number: int, quarter: int, cells: Line, found: list[Found]) -> tuple[int, str, int | None]:
    days, unit = int(cells[0] or 0), str(cells[1] or "").strip().upper()
    amount = _centimes(number, f"q{quarter + 1}_amount", cells[2], found)
    if unit not in ("J", "H", "M") or not 0 <= days <= _DAYS_MAX:
        found.append((number, f"q{quarter + 1}_duration", "time", f"{days} {unit}"))
    if amount is not None and unit == "J" and amount < min(days, 90) * _MINIMUM_WAGE_A_DAY:
        found.append((number, f"q{quarter + 1}_amount", "minimum_wage", str(amount)))
    return days, unit, amount


def _centimes(number: int, field: str, cell: Any, found: list[Found]) -> int | None:
    try:
        return int(Decimal(str(cell or 0)) * 100)
    except InvalidOperation:
        found.append((number, field, "amount", str(cell)))
        return None


def _day(number: int, field: str, cell: Any, found: list[Found]) -> date | None:
    if not cell:
        return None
    try:
        return datetime.strptime(str(cell), "%d/%m/%Y").date()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        found.append((number, field, "date", str(cell)))
        return None


async def _store(owner_url: str, lines: list[Line], found: list[Found]) -> None:
    quarters = ", ".join(
        f"q{quarter}_duration int, q{quarter}_unit text, q{quarter}_amount bigint" for quarter in (1, 2, 3, 4)
    )
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(
            "CREATE TABLE naive_lines (line_number int PRIMARY KEY, nss text, last_name text, first_name text,"
            f" birth_date date, {quarters}, annual_amount bigint, entry_date date, exit_date date)"
        )
        await connection.execute("CREATE TABLE naive_findings (line_number int, field text, code text, seen text)")
        async with connection.transaction():
            values = ", ".join(f"${place}" for place in range(1, 21))
            await connection.executemany(f"INSERT INTO naive_lines VALUES ({values})", lines)
            await connection.executemany("INSERT INTO naive_findings VALUES ($1, $2, $3, $4)", found)
    finally:
        await connection.execute("DROP TABLE IF EXISTS naive_lines, naive_findings")
        await connection.close()
