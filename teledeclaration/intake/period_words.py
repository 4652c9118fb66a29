"""The months and quarters that a title speaks of: "janvier 2026", "01/2026", "1er trimestre 2026", "2026-Q1"."""

import re
from collections.abc import Iterator

from teledeclaration.intake.dates import months_by_name
from teledeclaration.intake.matching import quarter_in_words
from teledeclaration.intake.normalising import normalised
from teledeclaration.periods import Month, Quarter

_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_YEAR_FIRST = re.compile(r"(?<![\d/.-])((?:19|20)\d\d)[-/.](0?[1-9]|1[0-2])(?![\d/.-])")
_MONTH_FIRST = re.compile(r"(?<![\d/.-])(0?[1-9]|1[0-2])[-/.]((?:19|20)\d\d)(?![\d/.-])")


def period_in_words(texts: list[str]) -> str | None:
    """The code of the one month or quarter that these texts name; None where they name none, or several."""
    found = {code for text in texts for code in _periods(text)}
    return found.pop() if len(found) == 1 else None


def _periods(text: str) -> Iterator[str]:
    for year, month in _YEAR_FIRST.findall(text):
        yield Month(int(year), int(month)).code
    for month, year in _MONTH_FIRST.findall(text):
        yield Month(int(year), int(month)).code
    words = normalised(text)
    years = _YEAR.findall(words)
    if len(set(years)) != 1:
        return
    year = int(years[0])
    months = {months_by_name()[word] for word in words.split() if word in months_by_name()}
    if len(months) == 1:
        yield Month(year, int(months.pop())).code
    elif not months and (quarter := quarter_in_words(_YEAR.sub(" ", words))):
        yield Quarter(year, quarter).code
