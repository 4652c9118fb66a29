"""Causes, repairs and previews as a reader is shown them: words in their language, cells as they name them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from schemas.findings import Severity
from schemas.repairs import Cause, CellChange, CellValue, FindingChange, RepairChoice, RepairOffer, RepairPreview, Shape
from teledeclaration.intake.repairs.cells import opened
from teledeclaration.intake.repairs.repair import Choice
from teledeclaration.intake.report import field_name
from teledeclaration.languages import Language, say
from teledeclaration.payroll.actions.causes import CELLS_MAX, SAMPLES_MAX, Offers, Overview
from teledeclaration.payroll.actions.previews import Preview, totals_after
from teledeclaration.payroll.queries.causes import CauseCount, SampleRow, ShapeCount
from teledeclaration.payroll.shown import show_finding, show_totals

CHANGES_SHOWN_MAX = 20
_LETTERS = re.compile(r"[A-Z]{1,3}")


def show_causes(found: Overview, language: Language, facts: Mapping[str, Any]) -> list[Cause]:
    """The causes in their order. `facts` are those of the reading."""
    return [_cause(found, count, language, facts) for count in found.counts]


def _cause(found: Overview, count: CauseCount, language: Language, facts: Mapping[str, Any]) -> Cause:
    key = count.code, count.field
    samples, shapes = found.samples.get(key, []), found.shapes.get(key, [])
    cells = [] if facts.get("format") == "lines" else list(cell_ranges(samples))
    return Cause(
        code=count.code,
        severity=count.severity,
        field=count.field,
        field_name=field_name(count.field, language) if count.field else None,
        title=say(f"finding-title.{count.code}", language),
        explanation=_explanation(count, shapes, language),
        count=count.count,
        lines=count.lines,
        samples=[show_finding(sample, language, facts) for sample in samples[:SAMPLES_MAX]],
        cells=cells,
        more_cells=bool(cells) and count.count > CELLS_MAX,
        shapes=[Shape(shape=shape.shape, example=shape.example, count=shape.count) for shape in shapes],
        repairs=show_offers(found.offers.get(key, {}), language),
    )


def _explanation(count: CauseCount, shapes: Sequence[ShapeCount], language: Language) -> str:
    if count.field is None or not count.lines:
        return say("cause.file", language, count=count.count)
    name = field_name(count.field, language)
    said = say("cause.cells", language, field=name, count=count.count, lines=count.lines)
    if not shapes:
        return said
    return f"{said} {say('cause.shape', language, example=shapes[0].example, count=shapes[0].count)}"


def show_offers(offers: Offers, language: Language) -> list[RepairOffer]:
    return [
        RepairOffer(
            repair=name,
            title=say(f"repair.{name}", language),
            explanation=say(f"repair-explanation.{name}", language),
            choices=[_choice(name, way, language) for way in ways],
        )
        for name, ways in offers.items()
    ]


def _choice(repair: str, way: Choice, language: Language) -> RepairChoice:
    title = say(f"repair.{repair}" if way.name is None else f"repair-choice.{repair}.{way.name}", language)
    return RepairChoice(choice=way.name, title=title, lines=way.lines, against=way.against, possible=way.possible)


def cell_ranges(samples: Sequence[SampleRow]) -> Iterator[str]:
    """Cells as a spreadsheet names them, those below one another together: `C7`, `D12:D31`; a whole row by its
    number, a place in a text file as `12 (21-32)`."""
    places = sorted({(sample.column_name or "", sample.row) for sample in samples if sample.row is not None})
    start = 0
    for place, (column, row) in enumerate(places):
        following = places[place + 1] if place + 1 < len(places) else None
        if following != (column, row + 1):
            yield _range(column, places[start][1], row)
            start = place + 1


def _range(column: str, first: int, last: int) -> str:
    if column and not _LETTERS.fullmatch(column):
        return f"{first} ({column})" if first == last else f"{first}:{last} ({column})"
    return f"{column}{first}" if first == last else f"{column}{first}:{column}{last}"


def show_preview(shown: Preview, language: Language) -> RepairPreview:
    """What a repair would do, with the first cells it changes."""
    return RepairPreview(
        repair=shown.repair.name,
        revision=shown.draft.revision,
        lines_changed=shown.after.height,
        fields=shown.fields,
        samples=_changed_cells(shown, language),
        totals_before=show_totals(shown.draft, shown.totals),
        totals_after=show_totals(shown.draft, totals_after(shown)),
        findings_gone=_finding_changes(shown.gone, language),
        findings_appearing=_finding_changes(shown.appearing, language),
    )


def _changed_cells(shown: Preview, language: Language) -> list[CellChange]:
    """Lines of which nothing but the doubt goes are shown too: what was typed there is what changes."""
    before, after = (frame.head(CHANGES_SHOWN_MAX) for frame in (shown.before, shown.after))
    typed, left = opened(before["typed"]).to_dicts(), opened(after["typed"]).to_dicts()
    changes = []
    for place, (was, becomes) in enumerate(zip(before.to_dicts(), after.to_dicts(), strict=True)):
        for name in shown.fields:
            forgotten = typed[place].get(name) if left[place].get(name) is None else None
            if was[name] != becomes[name] or forgotten is not None:
                changes.append(
                    CellChange(
                        line_number=was["line_number"],
                        row=was["row"],
                        field=name,
                        field_name=field_name(name, language),
                        typed=forgotten,
                        before=_value(was[name]),
                        after=_value(becomes[name]),
                    )
                )
    return changes[:CHANGES_SHOWN_MAX]


def _value(stored: CellValue | date) -> CellValue:
    return stored.isoformat() if isinstance(stored, date) else stored


def _finding_changes(counts: pl.DataFrame, language: Language) -> list[FindingChange]:
    return [
        FindingChange(
            code=row["code"],
            severity=Severity(row["severity"]),
            title=say(f"finding-title.{row['code']}", language),
            count=row["count"],
        )
        for row in counts.iter_rows(named=True)
    ]
