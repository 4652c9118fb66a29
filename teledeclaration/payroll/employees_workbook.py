"""The employment register as a workbook."""

from typing import IO, BinaryIO, cast

import polars as pl

from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.report import field_name
from teledeclaration.intake.xlsx_copy import write_copy
from teledeclaration.languages import Language, say

_OF_THE_PERSON = ("nss", "last_name", "first_name", "birth_date")
_OF_THE_EMPLOYMENT = (
    "entry_date", "exit_date", "centre", "rate_category", "hours_a_week", "source", "tell_by", "told_late",
)  # fmt: skip


def write_employees(spells: pl.DataFrame, out: IO[bytes], language: Language) -> None:
    """A header row and a row a spell, every cell a text; days as 31/12/2025."""
    header = [field_name(name, language) for name in _OF_THE_PERSON]
    header += [say(f"employees.{name}", language) for name in _OF_THE_EMPLOYMENT]
    rows = _texts(spells, language)
    cells = pl.concat([pl.DataFrame([header], schema=rows.schema, orient="row"), rows])
    sheet = RawSheet(name=say("employees.sheet", language), visible=True, cells=cells)
    write_copy(RawFile(kind="workbook", format="xlsx", sheets=(sheet,)), cast(BinaryIO, out))


def _texts(spells: pl.DataFrame, language: Language) -> pl.DataFrame:
    sources = {name: say(f"employees.{name}", language) for name in ("fund", "told")}
    late = say("employees.told_late", language)
    said = {
        "source": pl.col("source").replace(sources),
        "told_late": pl.when("told_late").then(pl.lit(late)),
        **{name: pl.col(name).dt.strftime("%d/%m/%Y") for name in ("birth_date", "entry_date", "exit_date", "tell_by")},
    }
    return spells.select(
        said.get(name, pl.col(name)).cast(pl.String).alias(f"column_{place}")
        for place, name in enumerate((*_OF_THE_PERSON, *_OF_THE_EMPLOYMENT))
    )
