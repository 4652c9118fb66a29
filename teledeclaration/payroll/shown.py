"""From rows to what a reader is shown: words in their language, places as they know them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from schemas.annual import Totals
from schemas.assessments import RateLine, RatePart
from schemas.findings import Finding
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
from teledeclaration.intake.report import in_centimes, message
from teledeclaration.languages import Language, say
from teledeclaration.payroll.queries.declarations import DeclarationRow
from teledeclaration.payroll.queries.drafts import Confirmation, DraftRow
from teledeclaration.payroll.queries.lines import CodeCount, FindingRow, LineTotals
from teledeclaration.payroll.queries.uploads import Reading, UploadRow

_PARTS_NAMED_MAX = 20


def show_upload(row: UploadRow, language: Language) -> Upload:
    """An upload with its progress; a part that waits for the others has none."""
    progress = None
    if row.status is not None:
        progress = _progress(
            row.status, row.phase, row.rows_done, row.rows_total, row.reason, row.reason_values, language
        )
    return Upload(
        upload_id=row.upload_id,
        draft_id=row.draft_id,
        filename=row.filename,
        content_hash=row.content_hash,
        size_bytes=row.size_bytes,
        source="lines" if row.source == "lines" else "file",
        part=row.part,
        parts=row.parts,
        created_by=row.created_by,
        created_at=row.created_at,
        progress=progress,
    )


def show_progress(reading: Reading, language: Language) -> Progress:
    return _progress(
        reading.status,
        reading.phase,
        reading.rows_done,
        reading.rows_total,
        reading.reason,
        reading.reason_values,
        language,
    )


def _progress(
    status: str,
    phase: str | None,
    rows_done: int | None,
    rows_total: int | None,
    reason: str | None,
    reason_values: Mapping[str, Any] | None,
    language: Language,
) -> Progress:
    unreadable = None
    if reason is not None:
        unreadable = Unread(code=reason, message=say(f"unreadable.{reason}", language, **(reason_values or {})))
    return msgspec.convert(
        {
            "status": status,
            "phase": phase,
            "rows_done": rows_done or 0,
            "rows_total": rows_total,
            "unreadable": unreadable,
        },
        Progress,
        from_attributes=True,
    )


def show_finding(row: FindingRow, language: Language, source: str | None) -> Finding:
    """A finding with its message. `source` is the format read: lines sent by REST have a JSON pointer where a
    file has a cell, and amounts are told in centimes where the source writes them so."""
    by_rest = source == "lines"
    pointer = None
    if by_rest and row.row is not None:
        pointer = f"/lines/{row.row - 1}" + (f"/{row.field}" if row.field else "")
    money = source in ("lines", "text-pair") and (row.field or "").endswith("_amount")
    expected, proposed = (in_centimes(value) if money else value for value in (row.expected, row.proposed))
    return Finding(
        code=row.code,
        severity=row.severity,
        message=message(row.code, language, field=row.field, seen=row.seen, expected=expected, proposed=proposed),
        field=row.field,
        sheet=row.sheet,
        row=None if by_rest else row.row,
        column=None if by_rest else row.column_name,
        pointer=pointer,
        seen=row.seen,
        expected=expected,
        proposed=proposed,
        line_number=row.line_number,
    )


def show_draft(
    draft: DraftRow,
    reading: Reading | None,
    *,
    counts: list[CodeCount],
    file_errors: list[CodeCount],
    confirmed: Mapping[str, Confirmation],
    totals: LineTotals,
    lines_with_errors: int,
    parts_missing: list[int],
    language: Language,
) -> Draft:
    """A draft whole."""
    findings = [_finding_count(count, confirmed, language) for count in counts]
    facts = reading.facts if reading else {}
    return Draft(
        summary=show_summary(draft),
        progress=show_progress(reading, language) if reading else None,
        line_count=totals.line_count,
        left_out_count=totals.left_out_count,
        lines_with_errors=lines_with_errors,
        totals=Totals(
            quarters=(totals.q1, totals.q2, totals.q3, totals.q4), annual=totals.q1 + totals.q2 + totals.q3 + totals.q4
        ),
        findings=findings,
        obstacles=_obstacles(reading, findings, file_errors, totals, lines_with_errors, parts_missing, language),
        matched=msgspec.convert(facts.get("matched", []), list[Matched]),
        facts={name: value for name, value in facts.items() if name != "matched"},
    )


def show_summary(draft: DraftRow) -> DraftSummary:
    return msgspec.convert(draft, DraftSummary, from_attributes=True)


def _finding_count(count: CodeCount, confirmed: Mapping[str, Confirmation], language: Language) -> FindingCount:
    answer = confirmed.get(count.code)
    return FindingCount(
        code=count.code,
        severity=count.severity,
        count=count.count,
        title=say(f"finding-title.{count.code}", language),
        confirmed_by=answer.confirmed_by if answer and count.severity == "confirm" else None,
    )


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
    if reading is None or reading.status == "waiting":
        return [Obstacle(code="not-checked", message=say("obstacle.not-checked", language))]
    if reading.status != "checked":
        return [Obstacle(code="unreadable", message=say("obstacle.unreadable", language))]
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


def show_declaration(row: DeclarationRow) -> Declaration:
    """A declaration with its totals gathered."""
    fields = msgspec.structs.asdict(row)
    quarters = (row.q1_amount, row.q2_amount, row.q3_amount, row.q4_amount)
    return msgspec.convert(fields | {"totals": Totals(quarters=quarters, annual=row.annual_amount)}, Declaration)


def explain(line: RateLine, part: RatePart, language: Language) -> str:
    """One amount's way from its base, in a sentence."""
    return say(
        "explanation.part",
        language,
        line=line.code,
        base=amount(line.base),
        line_rate=_percent(line.rate),
        line_amount=amount(line.amount),
        rate=_percent(part.rate),
        amount=amount(part.amount),
    )


def _percent(rate: Decimal) -> str:
    return f"{(100 * rate).normalize():f}".replace(".", ",")
