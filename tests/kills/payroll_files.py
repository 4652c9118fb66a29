"""A clean workbook of any length."""

import tempfile
from pathlib import Path

import rustpy_xlsxwriter


def workbook(lines: int, *, number: str) -> bytes:
    """A payroll program's export for an employer."""
    rows = [_row(place) for place in range(lines)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        rustpy_xlsxwriter.write_worksheet(rows, str(path), f"DAS 2025 {number}")
        return path.read_bytes()


def _row(place: int) -> dict[str, object]:
    worked: dict[str, object] = {}
    for quarter in (1, 2, 3, 4):
        worked |= {f"Durée T{quarter}": 90, f"Unité T{quarter}": "J", f"Montant T{quarter}": 150_000}
    return {
        "N° SS": f"80{place:08d}{place % 100:02d}",
        "Nom": "BENALI",
        "Prénom": "SAMIRA",
        "Date de naissance": "12/05/1980",
        **worked,
        "Total annuel": 600_000,
        "Date d'entrée": "01/03/2020",
    }
