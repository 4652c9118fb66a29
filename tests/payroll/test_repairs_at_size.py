"""A sheet of 300,000 lines with 30,000 findings stays usable: causes, a preview, a repair checked again."""

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from payroll.payroll_desk import Desk
from payroll.test_repairs import HEADER, ask, cause_of, offer_of

LINES = 300_000
WRONG = 30_000


def sheet(folder: Path) -> Path:
    """Births day first, a tenth of them month first with a day above 12; every other cell right."""
    place = pl.int_range(0, LINES, eager=True)
    first = (850_000_0000 + place * 7).cast(pl.String)
    digits = [first.str.slice(at, 1).cast(pl.Int32) for at in range(10)]
    odd, even = digits[0], digits[1]
    for at in range(2, 10, 2):
        odd, even = odd + digits[at], even + digits[at + 1]
    key = (99 - (2 * odd + even)).clip(0, 99).cast(pl.String).str.zfill(2)
    births = pl.select(pl.lit(date(1985, 1, 13)) + pl.duration(days=0)).to_series().item()
    wrong = (place % (LINES // WRONG)) == 0
    birth = pl.select(
        pl.when(wrong).then(pl.lit("05/13/1985")).otherwise(pl.lit(births.strftime("%d/%m/%Y")))
    ).to_series()
    names = pl.select(
        "BEN" + (place % 26).replace_strict({at: chr(65 + at) for at in range(26)}, return_dtype=pl.String)
    )
    frame = pl.DataFrame(
        {"nss": first + key, "last_name": names.to_series(), "first_name": ["SAMIRA"] * LINES, "birth": birth}
    ).with_columns(
        *(pl.lit(value).alias(f"{quarter}{value}") for quarter in (1, 2, 3, 4) for value in ("90", "J", "135000,00")),
        annual=pl.lit("540000,00"),
        entry=pl.lit("01/03/2015"),
    )
    file = folder / "large.csv"
    file.write_text(HEADER + "\n" + frame.write_csv(include_header=False, separator=";"), "utf-8")
    return file


@pytest.mark.slow
async def test_thirty_thousand_findings_are_repaired_at_once(
    desk_of: Callable[[str], Awaitable[Desk]], tmp_path: Path
) -> None:
    desk = await desk_of("1600099882")
    draft = await desk.upload(sheet(tmp_path), year=2025)
    assert draft["line_count"] == LINES
    path = f"/v1/drafts/{draft['summary']['draft_id']}"
    found = await desk.get(f"{path}/causes")
    cause = cause_of(found, "birth_impossible")
    assert (cause["count"], offer_of(cause, "month_first")["told"]["lines"]) == (WRONG, WRONG)
    wish = {"repair": "month_first", "code": "birth_impossible", "field": "birth_date", "choice": "told"}
    body = {"revision": draft["summary"]["revision"], **wish}
    preview = await desk.client.post(f"{path}/repairs/preview", json=body)
    assert preview.status_code == 200, preview.text
    repaired = await desk.client.post(f"{path}/repairs", json=body)
    assert repaired.status_code == 200, repaired.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert not [count for count in draft["findings"] if count["code"] == "birth_impossible"]
    _, draft = await ask(desk, draft, repair="swapped_names", choice="all")
    assert draft["line_count"] == LINES
