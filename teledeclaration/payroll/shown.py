"""From rows to what a reader is shown: words in their language, places as they know them."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from schemas.annual import Totals
from schemas.assessments import RateLine, RatePart
from schemas.findings import Finding, Severity
from schemas.payroll import (
    Declaration,
    Draft,
    DraftSummary,
    FindingCount,
    Matched,
    Obstacle,
    Progress,
    Unread,
    Upload,
)
from teledeclaration.documents.pdf import amount
from teledeclaration.intake.report import as_written, message
from teledeclaration.languages import Language, say
from teledeclaration.payroll.actions.declaring import PeriodDoubt, PeriodLook
from teledeclaration.payroll.law.periods import by_quarter, periodic
from teledeclaration.payroll.queries.declarations import DeclarationRow
from teledeclaration.payroll.queries.drafts import Confirmation, DraftRow
from teledeclaration.payroll.queries.lines import CodeCount, FindingRow, LineTotals
from teledeclaration.payroll.queries.reviews import ReviewRow
from teledeclaration.payroll.queries.uploads import Reading, UploadRow
from teledeclaration.payroll.shown_reviews import show_review

_PARTS_NAMED_MAX = 20
_MAPPING_MAY_HELP = ("no-columns", "header-only")
"""Reasons of files whose cells were read, and perhaps under headers that are known to nobody but their author."""


def show_upload(row: UploadRow, language: Language, now: datetime) -> Upload:
    """An upload with its progress; a part that waits for the others has none."""
    shown = msgspec.structs.asdict(row)
    return msgspec.convert(shown | {"progress": show_progress(row, language, now)}, Upload)


def show_progress(row: UploadRow | Reading, language: Language, now: datetime) -> Progress | None:
    """How far a reading is; `now` is the clock its worker goes by. None where nothing is read yet of a series."""
    if row.status is None:
        return None
    unreadable = None
    if row.reason is not None:
        unreadable = Unread(code=row.reason, message=_unread(row, language))
    left = None if row.expected_at is None else max(0, math.ceil((row.expected_at - now).total_seconds()))
    shown = {name: getattr(row, name) for name in ("status", "phase", "rows_done", "rows_total", "started_at")}
    return msgspec.convert(shown | {"time_left_s": left, "unreadable": unreadable}, Progress)


def show_finding(row: FindingRow, language: Language, facts: Mapping[str, Any]) -> Finding:
    """A finding with its message. `facts` are those of its reading: lines sent by REST have a JSON pointer where a
    file has a cell, and amounts are told in centimes where the source writes them so; the message of lines sent by
    REST tells them in dinars, as nobody typed centimes there."""
    by_rest = facts.get("format") == "lines"
    pointer = None
    if by_rest and row.row is not None:
        pointer = f"/lines/{row.row - 1}" + (f"/{row.field}" if row.field else "")
    centimes = facts.get("format") in ("lines", "text-pair") or facts.get("written", {}).get("centimes", False)
    expected, proposed = (as_written(value, row.field, centimes=centimes) for value in (row.expected, row.proposed))
    said = (row.expected, row.proposed) if by_rest else (expected, proposed)
    return Finding(
        code=row.code,
        severity=row.severity,
        message=message(row.code, language, field=row.field, seen=row.seen, expected=said[0], proposed=said[1]),
        field=row.field,
        sheet=row.sheet,
        row=None if by_rest else row.row,
        column=None if by_rest else row.column_name,
        pointer=pointer,
        seen=as_written(row.seen, row.field, centimes=by_rest),
        expected=expected,
        proposed=proposed,
        line_number=row.line_number,
        back=row.back,
    )


def show_doubt(doubt: PeriodDoubt, language: Language, *, by_rest: bool) -> Finding:
    """A doubt about a month's or quarter's declaration, told like a finding."""
    seen, expected = doubt.seen, doubt.expected
    pointer = None if doubt.line_number is None or not by_rest else f"/lines/{doubt.line_number - 1}"
    return Finding(
        code=doubt.code,
        severity=Severity.CONFIRM,
        message=message(doubt.code, language, field=None, seen=seen, expected=expected, proposed=None),
        line_number=doubt.line_number,
        pointer=pointer,
        seen=seen,
        expected=expected,
    )


def show_draft(
    draft: DraftRow,
    reading: Reading | None,
    *,
    samples: Mapping[str, list[str]],
    counts: list[CodeCount],
    file_errors: list[CodeCount],
    confirmed: Mapping[str, Confirmation],
    totals: LineTotals,
    lines_with_errors: int,
    parts_missing: list[int],
    review: ReviewRow | None,
    review_obstacle: str | None,
    period: PeriodLook | None,
    language: Language,
    now: datetime,
) -> Draft:
    """A draft whole; `period` is what a month's or quarter's comes to, `samples` some cells of each column of its file,
    by letter."""
    doubts = period.doubt_counts if period else []
    findings = [_finding_count(count, confirmed, language) for count in (*counts, *doubts)]
    missing = _obstacles(reading, findings, file_errors, totals, lines_with_errors, parts_missing, language)
    facts = reading.facts if reading else {}
    return Draft(
        summary=show_summary(draft),
        progress=show_progress(reading, language, now) if reading else None,
        line_count=totals.line_count,
        left_out_count=totals.left_out_count,
        lines_with_errors=lines_with_errors,
        totals=show_totals(draft, totals),
        findings=findings,
        obstacles=_review_obstacles(review_obstacle, language)
        + _period_obstacles(period, language)
        + _expected(draft, missing),
        counted=period.counts if period else None,
        matched=[
            msgspec.convert(one | {"samples": samples.get(one["column"], [])}, Matched)
            for one in facts.get("matched", [])
        ],
        facts={name: value for name, value in facts.items() if name not in ("matched", "checked")},
        review=None if review is None else show_review(review, draft),
    )


def show_summary(draft: DraftRow) -> DraftSummary:
    return msgspec.convert(draft, DraftSummary, from_attributes=True)


def show_totals(draft: DraftRow, totals: LineTotals) -> Totals:
    """The sums by quarter of the year; a period's base is in its own quarter."""
    if draft.form in ("periodic", "totals"):
        quarters = by_quarter(periodic(draft.period), totals.base)
    else:
        quarters = (totals.q1, totals.q2, totals.q3, totals.q4)
    return Totals(quarters=quarters, annual=sum(quarters))


def _finding_count(count: CodeCount, confirmed: Mapping[str, Confirmation], language: Language) -> FindingCount:
    answer = confirmed.get(count.code)
    return FindingCount(
        code=count.code,
        severity=count.severity,
        count=count.count,
        title=say(f"finding-title.{count.code}", language),
        confirmed_by=answer.confirmed_by if answer and count.severity == "confirm" else None,
        back=count.back,
    )


def _review_obstacles(code: str | None, language: Language) -> list[Obstacle]:
    """What a review stands in the way with, as `reviewing.obstacle` names it."""
    return [] if code is None else [Obstacle(code=code, message=say(f"obstacle.{code}", language))]


def _period_obstacles(period: PeriodLook | None, language: Language) -> list[Obstacle]:
    """What stands in the way of a month's or quarter's declaration as a whole, with the text it rests on."""
    return [
        Obstacle(
            code=found.code,
            message=say(f"obstacle.{found.code}", language, **_in_dinars(found.values)),
            count=max(1, len(found.lines)),
        )
        for found in (period.obstacles if period else ())
    ]


def _in_dinars(values: Mapping[str, object]) -> dict[str, object]:
    late = values.get("late")
    return {**values, "late": amount(late)} if isinstance(late, int) else dict(values)


def _expected(draft: DraftRow, obstacles: list[Obstacle]) -> list[Obstacle]:
    """Without lines there is nothing to file, but where that is what is declared."""
    return [found for found in obstacles if found.code != "nothing" or not draft.header.nothing_to_declare]


def _obstacles(
    reading: Reading | None,
    findings: list[FindingCount],
    file_errors: list[CodeCount],
    totals: LineTotals,
    lines_with_errors: int,
    parts_missing: list[int],
    language: Language,
) -> list[Obstacle]:
    if parts_missing:
        numbers = ", ".join(map(str, parts_missing[:_PARTS_NAMED_MAX]))
        named = numbers + (", …" if len(parts_missing) > _PARTS_NAMED_MAX else "")
        message = say("obstacle.parts-missing", language, count=len(parts_missing), parts=named)
        return [Obstacle(code="parts-missing", message=message, count=len(parts_missing))]
    if reading is None:
        return [Obstacle(code="nothing", message=say("obstacle.nothing", language))]
    if reading.status == "waiting":
        return [Obstacle(code="not-checked", message=say("obstacle.not-checked", language))]
    if reading.status != "checked":
        return [_unreadable_obstacle(reading, language)]
    obstacles = [
        Obstacle(
            code=error.code,
            message=say("obstacle.file-error", language, title=say(f"finding-title.{error.code}", language)),
            count=error.count,
        )
        for error in file_errors
    ]
    if lines_with_errors:
        message = say("obstacle.errors", language, count=lines_with_errors)
        obstacles.append(Obstacle(code="errors", message=message, count=lines_with_errors))
    for doubt in findings:
        if doubt.severity == "confirm" and doubt.confirmed_by is None:
            message = say("obstacle.doubt", language, title=doubt.title, count=doubt.count)
            obstacles.append(Obstacle(code=doubt.code, message=message, count=doubt.count))
    if not totals.line_count:
        obstacles.append(Obstacle(code="nothing", message=say("obstacle.nothing", language)))
    return obstacles


def _unreadable_obstacle(reading: Reading, language: Language) -> Obstacle:
    """Why the file could not be read; where its cells could, its columns may be pointed out by hand."""
    said = say("obstacle.unreadable", language, reason=_unread(reading, language))
    if reading.reason in _MAPPING_MAY_HELP:
        said = say("obstacle.unreadable-columns", language, said=said)
    return Obstacle(code="unreadable", message=said, reason=reading.reason)


def _unread(row: UploadRow | Reading, language: Language) -> str:
    """The sentence of a reading's reason; empty where it has none."""
    if row.reason is None:
        return ""
    values = row.reason_values or {}
    if row.reason == "other-form":  # an older reading names no form: movements were sent for a year
        forms = {"found": values.get("found", "movements"), "wanted": values.get("wanted", "annual")}
        values = {name: say(f"form.{form}", language) for name, form in forms.items()}
    return say(f"unreadable.{row.reason}", language, **values)


def show_declaration(row: DeclarationRow) -> Declaration:
    """A declaration with its totals gathered."""
    fields = msgspec.structs.asdict(row)
    quarters = (row.q1_amount, row.q2_amount, row.q3_amount, row.q4_amount)
    told = {
        "totals": Totals(quarters=quarters, annual=row.annual_amount),
        "header": row.header if row.form == "periodic" else None,
    }
    return msgspec.convert(fields | told, Declaration)


def explain(line: RateLine, part: RatePart, language: Language) -> str:
    """One amount's way from its base, in a sentence."""
    return say(
        "explanation.part",
        language,
        period=", ".join(line.periods),
        line=line.code,
        base=amount(line.base),
        line_rate=_percent(line.rate),
        line_amount=amount(line.amount),
        rate=_percent(part.rate),
        amount=amount(part.amount),
    )


def _percent(rate: Decimal) -> str:
    return f"{(100 * rate).normalize():f}".replace(".", ",")
