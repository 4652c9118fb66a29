"""A template that comes back: whose it is, whether it was changed, and which of its rows were filled."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.problems import of_the_file, together
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.tables import Table, Unrecognised
from teledeclaration.intake.templates.stamp import STAMP_SHEET, TemplateStamp, read_stamp
from teledeclaration.intake.titles import HeaderFacts

Signed = Callable[[TemplateStamp], bool]
"""Whether the fund's own key signed a stamp."""

_ROWS_NAMED = 10


@dataclass(frozen=True)
class Origin:
    """Where a file comes from. `stamp` is believed where `trusted`; `changed`: it is not as we gave it out.

    Where nobody can judge a signature (no key here), no stamp is trusted and none is told as changed.
    """

    stamp: TemplateStamp | None = None
    trusted: bool = False
    changed: bool = False

    def believed(self, facts: HeaderFacts) -> HeaderFacts:
        """What the file says of itself: by its signed stamp, else by its titles."""
        if self.stamp is None or not self.trusted:
            return facts
        return HeaderFacts(
            employer_number=self.stamp.employer_number,
            year=self.stamp.year,
            year_sure=self.stamp.year is not None,
            period=self.stamp.period if isinstance(self.stamp.period, str) else None,
            period_sure=isinstance(self.stamp.period, str),
            type=facts.type,
            payment_centre=self.stamp.centre,
        )


def origin_of(raw: RawFile, signed: Signed | None) -> Origin:
    """What the stamp of a file says, if it has one. A blank template is for nobody, and needs no signature."""
    if not any(sheet.name == STAMP_SHEET for sheet in raw.sheets):
        return Origin()
    stamp = read_stamp(raw)
    if stamp is None:
        return Origin(changed=True)
    blank = stamp.employer_number is None and stamp.signature is None
    if signed is None or blank:
        return Origin(stamp)
    trusted = stamp.signature is not None and signed(stamp)
    return Origin(stamp, trusted=trusted, changed=not trusted)


def refuse_others(origin: Origin, employer_number: str | None) -> None:
    """Unrecognised, before anything of it is read, where a file is the template we made for another employer: it
    holds their people. Whom the titles of a file name is told as a finding."""
    named = origin.stamp.employer_number if origin.stamp is not None and origin.trusted else None
    if named and employer_number and named != employer_number:
        raise Unrecognised("template-of-another-employer", number=named)


def origin_findings(origin: Origin, facts: HeaderFacts, centre: str | None) -> pl.DataFrame:
    """A template of another payment centre, or one whose stamp was changed; another year is told of any file."""
    frames = []
    if origin.changed:
        frames.append(of_the_file("template_changed", Severity.INFO))
    if origin.trusted and centre and facts.payment_centre and facts.payment_centre != centre:
        frames.append(
            of_the_file(
                "other_centre", Severity.ERROR, field="payment_centre", seen=facts.payment_centre, expected=centre
            )
        )
    return together(frames)


def filled_rows(table: Table, lines: pl.Series) -> tuple[pl.Series, tuple[int, ...]]:
    """Of a template's lines those that someone filled, and the rows that only hold what was given beforehand.

    `template-not-filled` where all are so.
    """
    if not table.of_template or not lines.len():
        return lines, ()
    letters = [table.letters[column.name] for column in table.form.columns if _is_filled_by_hand(table, column.name)]
    cells = table.sheet.cells.select(letters)[lines - 1]
    filled = cells.select(pl.any_horizontal(pl.all().str.strip_chars().str.len_chars().fill_null(0) > 0)).to_series()
    unseen = {row for row, letter in (*table.sheet.error_cells, *table.sheet.uncomputed) if letter in letters}
    if unseen:
        filled = filled | lines.is_in(sorted(unseen))
    if not filled.any():
        raise Unrecognised("template-not-filled", sheet=table.sheet.name, rows=lines.len())
    return lines.filter(filled), tuple(lines.filter(~filled))


def _is_filled_by_hand(table: Table, field: str) -> bool:
    return field in table.letters and not table.form.column(field).given


def left_blank_findings(rows: tuple[int, ...]) -> pl.DataFrame:
    """One information for all rows that were left blank."""
    if not rows:
        return together([])
    named = ", ".join(str(row) for row in rows[:_ROWS_NAMED])
    listed = named if len(rows) <= _ROWS_NAMED else f"{named} …"
    return of_the_file("left_blank", Severity.INFO, seen=len(rows), expected=listed)
