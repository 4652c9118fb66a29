"""A payroll program's export, made up: the workbook that the benchmarks read."""

import tempfile
from pathlib import Path

import polars as pl
import rustpy_xlsxwriter


def export(lines: int, *, mistake_every: int = 100) -> pl.DataFrame:
    """As many employments; the annual amount of one in `mistake_every` is a dinar off."""
    number = pl.int_range(lines, eager=True)
    year = 1960 + number % 45
    pay = 45_000 + number % 977
    quarters: dict[str, pl.Series] = {}
    for quarter in (1, 2, 3, 4):
        quarters |= {f"Durée T{quarter}": 90 + 0 * number, f"Unité T{quarter}": pl.repeat("J", lines, eager=True),
                     f"Montant T{quarter}": 3 * pay}  # fmt: skip
    return pl.DataFrame(
        {
            "N° SS": with_key((year % 100).cast(pl.String).str.zfill(2) + number.cast(pl.String).str.zfill(8)),
            "Nom": "FAMILLE" + (number % 9_973).cast(pl.String).str.replace_all(r"\d", "A"),
            "Prénom": "PRENOM" + (number % 997).cast(pl.String).str.replace_all(r"\d", "B"),
            "Date de naissance": "15/0" + (1 + number % 9).cast(pl.String) + "/" + year.cast(pl.String),
            **quarters,
            "Total annuel": 12 * pay + (number % mistake_every == 7).cast(pl.Int64),
            "Date d'entrée": pl.repeat("01/03/2019", lines, eager=True),
            "Date de sortie": pl.repeat("", lines, eager=True),
        }
    )


def workbook(frame: pl.DataFrame) -> bytes:
    """The export as an `.xlsx`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        rustpy_xlsxwriter.write_worksheet(frame.to_dicts(), str(path), "DAS 2025")
        return path.read_bytes()


def write(path: Path, lines: int, mistake_every: int = 100) -> None:
    """The workbook as a file; run in a process of its own, whose memory is then no one else's."""
    path.write_bytes(workbook(export(lines, mistake_every=mistake_every)))


def with_key(ten_digits: pl.Series) -> pl.Series:
    """The numbers with their two-digit key."""
    weights = (2, 1, 2, 1, 2, 1, 2, 1, 2, 1)
    digits = pl.DataFrame(ten_digits.str.slice(place, 1).cast(pl.Int32).alias(str(place)) for place in range(10))
    total = digits.select(
        pl.sum_horizontal(weight * pl.col(str(place)) for place, weight in enumerate(weights))
    ).to_series()
    return ten_digits + ((99 - total) % 100).cast(pl.String).str.zfill(2)
