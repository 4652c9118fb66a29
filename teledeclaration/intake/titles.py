"""What a file says of itself outside its table: employer, year, type, payment centre."""

import re

import msgspec

from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.period_words import period_in_words
from teledeclaration.intake.raw import RawFile, TextHeader
from teledeclaration.intake.tables import Table

_EMPLOYER = re.compile(r"employeur|employer|adherent|cotisant|المستخدم|رب العمل|affiliation|n o? ?cnas|صاحب العمل")
_CENTRE = re.compile(r"centre (?:payeur|paiement|de paiement)|payment centre|مركز الدفع")
_YEAR_LABEL = re.compile(
    r"(?:exercice|annee|annuelle?|salaires|das|year|annual|mouvements?|السنه|سنه|لسنه|السنوي|السنويه|declaration)\D{0,40}?\b((?:19|20)\d\d)\b"
)
_A_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_ANY_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_GROUPED_NUMBER = re.compile(r"\d[\d\s./\-]{7,16}\d")


class HeaderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`year_sure`: the file itself says the year, in words or in its records; else it was taken from elsewhere.

    `period` is the code of a month or quarter; `period_sure` likewise.
    """

    employer_number: str | None = None
    year: int | None = None
    year_sure: bool = False
    period: str | None = None
    period_sure: bool = False
    type: str | None = None
    payment_centre: str | None = None


def header_facts(raw: RawFile, table: Table, file_name: str | None) -> HeaderFacts:
    """What stands in the header record of a text pair, or in the rows above the header, the sheet's and file's name."""
    if raw.header is not None:
        return _of_record(raw.header)
    titles = _titles(table)
    year, sure = _year(titles, table.sheet.name, file_name)
    period = period_in_words([*titles, table.sheet.name]) if table.form.of_a_period else None
    return HeaderFacts(
        employer_number=_number(titles, _EMPLOYER, 10),
        year=int(period[:4]) if period else year,
        year_sure=sure,
        period=period,
        period_sure=period is not None,
        payment_centre=_number(titles, _CENTRE, 5),
    )


def _of_record(header: TextHeader) -> HeaderFacts:
    year = int(header.year) if _A_YEAR.fullmatch(header.year) else None
    return HeaderFacts(
        employer_number=header.employer_number,
        year=year,
        year_sure=year is not None,
        type=header.type,
        payment_centre=header.payment_centre,
    )


def _titles(table: Table) -> list[str]:
    above = table.sheet.cells.head(max(0, table.header_row - 1))
    rows = ["  ".join(cell.strip() for cell in row if cell and cell.strip()) for row in above.iter_rows()]
    return [row for row in rows if row]


def _number(titles: list[str], label: re.Pattern[str], length: int) -> str | None:
    for title in titles:
        said = normalised(title)
        if not label.search(said):
            continue
        for grouped in _GROUPED_NUMBER.findall(said) if length > 5 else re.findall(r"\d+", said):
            digits = re.sub(r"\D", "", grouped)
            if len(digits) == length:
                return digits
            if length > 5 and len(digits) == length - 1:
                return digits.zfill(length)
    return None


def _year(titles: list[str], sheet: str, file_name: str | None) -> tuple[int | None, bool]:
    said = [normalised(text) for text in (*titles, sheet)]
    for text in said:
        if found := _YEAR_LABEL.search(text):
            return int(found[1]), True
    years = {int(year) for text in said for year in _ANY_YEAR.findall(text)}
    if len(years) == 1:
        return years.pop(), False
    if file_name and (found := _ANY_YEAR.search(file_name)):
        return int(found[1]), False
    return None, False
