"""Workbooks of the kind HR offices keep, made up for the tests: any layout, any way of writing, planted mistakes."""

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import openpyxl

MONTHS_FR = [
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
]
LAST = ["BENALI", "KADDOUR", "AIT AHMED", "MEZIANE", "BOUDIAF", "CHERIF", "HADDAD", "ZERROUKI", "SAIDI", "TOUMI"]
FIRST = ["KARIM", "NADIA", "MOHAMED AMINE", "SOFIA", "YACINE", "LEILA", "OMAR", "AMEL", "RACHID", "SAMIRA"]
ARABIC_LAST = ["بن علي", "قدور", "مزيان", "بوضياف", "شريف", "حداد"]
ARABIC_FIRST = ["كريم", "نادية", "محمد أمين", "صوفيا", "ياسين", "ليلى"]
QUARTERS = (1, 2, 3, 4)

Line = dict[str, Any]

ONE_ROW: dict[str, dict[str, str]] = {
    "export": {
        "nss": "NSS", "last_name": "NOM", "first_name": "PRENOM", "birth_date": "DATE_NAISSANCE",
        "duration": "DUREE_T{q}", "unit": "UNITE_T{q}", "amount": "MONTANT_T{q}", "annual_amount": "MONTANT_ANNUEL",
        "entry_date": "DATE_ENTREE", "exit_date": "DATE_SORTIE",
    },
    "french": {
        "nss": "N° Sécurité Sociale", "last_name": "Nom de famille", "first_name": "Prénom(s)",
        "birth_date": "Né(e) le",
        "duration": "Durée {q}e trim.", "unit": "Unité {q}e trim.", "amount": "Salaire {q}e trim.",
        "annual_amount": "Total année", "entry_date": "Date d'embauche", "exit_date": "Date de départ",
    },
    "payroll": {
        "nss": "NumSS", "last_name": "Nom", "first_name": "Prenom", "birth_date": "DateNaiss",
        "duration": "NbJoursT{q}", "unit": "UnitT{q}", "amount": "AssietteT{q}", "annual_amount": "Cumul annuel",
        "entry_date": "DateEntree", "exit_date": "DateSortie",
    },
    "english": {
        "nss": "Social security number", "last_name": "Surname", "first_name": "Given name",
        "birth_date": "Date of birth",
        "duration": "Q{q} duration", "unit": "Q{q} unit", "amount": "Q{q} gross pay", "annual_amount": "Annual total",
        "entry_date": "Hire date", "exit_date": "Leaving date",
    },
    "arabic": {
        "nss": "رقم الضمان الاجتماعي", "last_name": "اللقب", "first_name": "الاسم", "birth_date": "تاريخ الميلاد",
        "duration": "المدة الثلاثي {q}", "unit": "الوحدة الثلاثي {q}",
        "amount": "المبلغ للثلاثي {q}",
        "annual_amount": "المجموع السنوي", "entry_date": "تاريخ الدخول", "exit_date": "تاريخ الخروج",
    },
}  # fmt: skip
TWO_ROWS: dict[str, tuple[str, tuple[str, str, str]]] = {
    "french": ("{o} trimestre", ("Durée", "U", "Montant")),
    "short": ("T{q}", ("Nbr", "Unité", "Brut cotisable")),
    "english": ("Quarter {q}", ("Days", "Unit", "Salary")),
    "arabic": ("الثلاثي {a}", ("المدة", "الوحدة", "الأجر")),
}
ORDINALS = {1: "1er", 2: "2ème", 3: "3ème", 4: "4ème"}
ARABIC_ORDINALS = {1: "الأول", 2: "الثاني", 3: "الثالث", 4: "الرابع"}


def nss_of(birth: date, serial: int) -> str:
    """A number of the year of birth with a right key; the next serial where the sum has no known key."""
    while True:
        ten = f"{birth.year % 100:02d}{serial % 100_000_000:08d}"
        digits = [int(digit) for digit in ten]
        total = 2 * sum(digits[0::2]) + sum(digits[1::2])
        if total <= 99:
            return f"{ten}{99 - total:02d}"
        serial += 1


def people(count: int, *, year: int, minimum: int, seed: int, arabic: bool = False) -> list[Line]:
    """Right lines: all kinds of pay from the minimum wage up, entries and exits within the year."""
    chance = random.Random(seed)
    lines = []
    for number in range(count):
        birth = date(year - 25, 1, 1) - timedelta(days=chance.randrange(30 * 365))
        entry = date(year - 1, 12, 31) - timedelta(days=chance.randrange(365 * 5))
        exit_: date | None = None
        monthly = Decimal(minimum) * chance.choice([1, 2, 3]) + Decimal(chance.choice(["0", "125.50", "88.33"]))
        started = chance.random() < 0.2
        if started:
            entry = date(year, chance.randrange(1, 13), 1)
        elif chance.random() < 0.15:
            exit_ = date(year, chance.randrange(2, 12), 28)
        line: Line = {
            "nss": nss_of(birth, 10_000_000 + 7919 * (number + 1)),
            "last_name": chance.choice(ARABIC_LAST if arabic else LAST),
            "first_name": chance.choice(ARABIC_FIRST if arabic else FIRST),
            "birth_date": birth,
            "entry_date": entry,
            "exit_date": exit_,
        }
        for quarter in QUARTERS:
            days = worked_days(year, quarter, entry, exit_)
            line[f"q{quarter}_duration"] = days
            line[f"q{quarter}_unit"] = "J"
            line[f"q{quarter}_amount"] = (monthly * 3 * days / 90).quantize(Decimal("0.01")) if days else Decimal(0)
        line["annual_amount"] = sum(line[f"q{quarter}_amount"] for quarter in QUARTERS)
        lines.append(line)
    return lines


def worked_days(year: int, quarter: int, entry: date, exit_: date | None) -> int:
    first = date(year, 3 * quarter - 2, 1)
    last = date(year, 3 * quarter + 1, 1) - timedelta(days=1) if quarter < 4 else date(year, 12, 31)
    from_, to = max(first, entry), min(last, exit_ or last)
    return max(0, min(90, (to - from_).days + 1))


@dataclass
class Layout:
    """How a workbook is laid out and written; the same lines come out of all of them."""

    titles: list[str] = field(default_factory=list)
    one_row: str = "export"
    two_rows: str | None = None
    merged: bool = True
    amounts: str = "number"
    dates: str = "cell"
    nss_numbers: bool = False
    totals: bool = False
    notes: bool = False
    extras: bool = False
    numbering: bool = False
    repeated_header: bool = False
    blank_every: int = 0
    shuffled: int | None = None
    format: str = "xlsx"
    sheet: str = "Feuil1"
    other_sheet: bool = False


def amount_text(value: Any, style: str) -> Any:
    if not isinstance(value, Decimal):
        return value
    if style == "number":
        return float(value)
    text = f"{value:,.2f}"
    arabic = str.maketrans("0123456789,.", "٠١٢٣٤٥٦٧٨٩٬٫")
    return {
        "french": text.replace(",", " ").replace(".", ","),
        "narrow": text.replace(",", "\u202f").replace(".", ",") + " DA",
        "german": text.translate(str.maketrans(",.", ".,")),
        "arabic": text.translate(arabic) + " دج",
        "english": text,
    }[style]


def date_text(value: Any, style: str) -> Any:
    if not isinstance(value, date) or style == "cell":
        return value
    if style == "long":
        return f"{value.day} {MONTHS_FR[value.month - 1]} {value.year}"
    patterns = {
        "slash": "%d/%m/%Y",
        "short": "%d-%m-%y",
        "dots": "%d.%m.%Y",
        "iso": "%Y-%m-%d",
        "month-first": "%m/%d/%Y",
    }
    return value.strftime(patterns[style])


@dataclass
class Written:
    """A workbook's bytes, its file name, and the spreadsheet row of each line."""

    content: bytes
    name: str
    rows: list[int]


def write(lines: list[Line], layout: Layout) -> Written:
    """The lines as a file; `rows` says where each went."""
    columns = _columns(layout)
    grid: list[list[Any]] = [[title] for title in layout.titles]
    if grid:
        grid.append([])
    merges: list[tuple[int, int, int]] = []
    header = _header(columns, layout, len(grid) + 1, merges)
    grid += header
    if layout.numbering:
        grid.append([place + 1 for place in range(len(columns))])
    rows = []
    for number, line in enumerate(lines):
        if layout.blank_every and number and number % layout.blank_every == 0:
            grid.append([])
        if layout.repeated_header and number == len(lines) // 2:
            grid += header
        grid.append([_cell(line, name, layout, number) for name in columns])
        rows.append(len(grid))
    if layout.totals:
        grid += [[], _totals(lines, columns, layout)]
    if layout.notes:
        grid += [[], ["Arrêté le présent état"], ["", "", "Le gérant"], ["Fait à Alger, le 12 janvier"]]
    if layout.format == "csv":
        return Written(_csv(grid), "salaires.csv", rows)
    return Written(_xlsx(grid, merges, layout), "salaires.xlsx", rows)


def _columns(layout: Layout) -> list[str]:
    groups: list[list[str]] = [["nss"], ["last_name"], ["first_name"], ["birth_date"]]
    groups += [[f"q{quarter}_{measure}" for measure in ("duration", "unit", "amount")] for quarter in QUARTERS]
    groups += [["annual_amount"], ["entry_date"], ["exit_date"]]
    if layout.extras:
        groups = [["line"], *groups, ["job"], ["observation"]]
    if layout.shuffled is not None:
        random.Random(layout.shuffled).shuffle(groups)
    return [name for group in groups for name in group]


def _header(columns: list[str], layout: Layout, first: int, merges: list[tuple[int, int, int]]) -> list[list[Any]]:
    words = ONE_ROW[layout.one_row]
    extra = {"line": "N°", "job": "Fonction", "observation": "Obs."}
    upper: list[Any] = []
    lower: list[Any] = []
    for place, name in enumerate(columns, start=1):
        quarter = int(name[1]) if name.startswith("q") else 0
        measure = name[3:] if quarter else name
        if quarter and layout.two_rows:
            parent, children = TWO_ROWS[layout.two_rows]
            said = parent.format(q=quarter, o=ORDINALS[quarter], a=ARABIC_ORDINALS[quarter])
            upper.append(said if measure == "duration" else None)
            lower.append(children[("duration", "unit", "amount").index(measure)])
            if measure == "duration" and layout.merged:
                merges.append((first, place, place + 2))
        else:
            upper.append(extra.get(name) or words[measure].format(q=quarter))
            lower.append(None)
    return [upper, lower] if layout.two_rows else [upper]


def _cell(line: Line, name: str, layout: Layout, number: int) -> Any:
    if name == "line":
        return number + 1
    if name == "job":
        return "Ouvrier"
    value = line.get(name)
    if name.endswith("_amount"):
        return amount_text(value, layout.amounts)
    if name.endswith("_date"):
        return date_text(value, layout.dates)
    if name == "nss" and layout.nss_numbers and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _totals(lines: list[Line], columns: list[str], layout: Layout) -> list[Any]:
    row: list[Any] = []
    for name in columns:
        if name.endswith("_amount"):
            figures = [line[name] for line in lines if isinstance(line[name], Decimal)]
            row.append(amount_text(sum(figures, Decimal(0)), layout.amounts))
        else:
            row.append("TOTAL GÉNÉRAL" if name == "last_name" else None)
    return row


def _csv(grid: list[list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    width = max(len(row) for row in grid)
    for row in grid:
        writer.writerow([_csv_cell(value) for value in row] + [""] * (width - len(row)))
    return text.getvalue().encode()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return f"{value:.2f}" if isinstance(value, float) else value


def _xlsx(grid: list[list[Any]], merges: list[tuple[int, int, int]], layout: Layout) -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = layout.sheet
    for row in grid:
        sheet.append(row)
    for row_number, left, right in merges:
        sheet.merge_cells(start_row=row_number, end_row=row_number, start_column=left, end_column=right)
    if layout.other_sheet:
        workbook.create_sheet("Notes", 0).append(["Ne pas diffuser"])
        hidden = workbook.create_sheet("Archive")
        hidden.append(["NSS", "Nom", "Prénom", "Montant T1"])
        hidden.append(["123", "X", "Y", 5])
        hidden.sheet_state = "hidden"
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


@dataclass
class Planted:
    """A mistake: where it will be told, by which code, how much it stands in the way."""

    place: int
    field: str
    code: str
    severity: str


Mistake = Callable[[list[Line], int, random.Random], Planted]


def _set(name: str, value: Any, code: str, severity: str = "error", at: str | None = None) -> Mistake:
    def plant(lines: list[Line], place: int, _: random.Random) -> Planted:
        lines[place][name] = value
        return Planted(place, at or name, code, severity)

    return plant


def _full_year(line: Line, year: int) -> None:
    """Make a line one of a whole year, so that a mistake stands alone on it."""
    line["entry_date"], line["exit_date"] = date(year - 3, 5, 4), None
    for quarter in QUARTERS:
        line[f"q{quarter}_duration"], line[f"q{quarter}_amount"] = 90, Decimal("186000.00")
    line["annual_amount"] = Decimal("744000.00")


def _annual_not_sum(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["annual_amount"] += 1000
    return Planted(place, "annual_amount", "annual_not_sum", "error")


def _too_short(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["nss"] = lines[place]["nss"][:-1]
    return Planted(place, "nss", "nss_length", "error")


def _wrong_key(lines: list[Line], place: int, _: random.Random) -> Planted:
    nss = lines[place]["nss"]
    lines[place]["nss"] = f"{nss[:10]}{(int(nss[10:]) + 7) % 100:02d}"
    return Planted(place, "nss", "nss_key", "confirm")


def _other_year_of_birth(lines: list[Line], place: int, _: random.Random) -> Planted:
    birth = lines[place]["birth_date"]
    lines[place]["birth_date"] = date(birth.year + 2, birth.month, min(birth.day, 28))
    return Planted(place, "nss", "year_of_birth_differs", "confirm")


def _duplicate(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["nss"] = lines[place - 1]["nss"]
    return Planted(place, "nss", "nss_duplicate", "error")


def _below_minimum(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["q2_amount"] = Decimal("30000.00")
    lines[place]["annual_amount"] = sum((lines[place][f"q{quarter}_amount"] for quarter in QUARTERS), Decimal(0))
    return Planted(place, "q2_amount", "below_minimum_wage", "confirm")


def _negative(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["q4_amount"] = Decimal("-5000.00")
    lines[place]["annual_amount"] = sum((lines[place][f"q{quarter}_amount"] for quarter in QUARTERS), Decimal(0))
    return Planted(place, "q4_amount", "amount_negative", "error")


def _exit_first(lines: list[Line], place: int, _: random.Random) -> Planted:
    lines[place]["exit_date"] = lines[place]["entry_date"] - timedelta(days=40)
    return Planted(place, "exit_date", "exit_before_entry", "error")


MISTAKES: dict[str, Mistake] = {
    "annual": _annual_not_sum,
    "amount": _set("q1_amount", "à vérifier", "amount_text"),
    "unit": _set("q1_unit", "X", "unit_unknown"),
    "unit-blank": _set("q3_unit", None, "unit_missing"),
    "duration": _set("q2_duration", 190, "duration_too_long"),
    "duration-text": _set("q2_duration", "plein", "duration_text"),
    "no-duration": _set("q3_duration", 0, "amount_without_duration"),
    "blank-duration": _set("q4_duration", None, "amount_without_duration"),
    "short": _too_short,
    "letters": _set("nss", "en cours", "nss_not_a_number"),
    "no-nss": _set("nss", None, "nss_missing"),
    "key": _wrong_key,
    "birth-year": _other_year_of_birth,
    "twice": _duplicate,
    "name": _set("last_name", None, "name_missing"),
    "first-name": _set("first_name", None, "name_missing"),
    "birth": _set("birth_date", "31/02/1985", "birth_impossible"),
    "birth-late": _set("birth_date", "01/01/2090", "birth_impossible"),
    "no-birth": _set("birth_date", None, "birth_missing"),
    "birth-text": _set("birth_date", "inconnue", "date_text"),
    "entry": _set("entry_date", None, "entry_missing", "confirm"),
    "exit": _exit_first,
    "exit-impossible": _set("exit_date", "31/06/2025", "date_impossible"),
    "minimum": _below_minimum,
    "negative": _negative,
    "error": _set("annual_amount", "#DIV/0!", "error_cell"),
}


def plant(lines: list[Line], *, year: int, seed: int) -> list[Planted]:
    """One of every mistake, each on a line of its own."""
    chance = random.Random(seed)
    places = chance.sample(range(1, len(lines), 2), len(MISTAKES))
    told = []
    for place, mistake in zip(places, MISTAKES.values(), strict=True):
        _full_year(lines[place], year)
        told.append(mistake(lines, place, chance))
    return told
