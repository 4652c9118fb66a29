"""One example of what the API takes and gives at each main step, as the OpenAPI document shows it. Invented people."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from schemas.annual import Totals
from schemas.findings import Finding, Severity
from schemas.legislation import Payer
from schemas.movements import Employment, Movement, SentMovement, SentMovements
from schemas.payments import Due, Nature
from schemas.payroll import (
    Declaration,
    Draft,
    DraftSummary,
    Filing,
    FindingCount,
    LineChange,
    LineChanges,
    Matched,
    NewDraft,
    Obstacle,
    Progress,
    SentLine,
    SentLines,
    Upload,
)
from schemas.periodic import CodeLine, HeaderChange, PeriodHeader, PeriodicDeclaration
from schemas.revisions import Return
from teledeclaration.languages import period_in_words, say
from teledeclaration.legislation import Legislation
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.contributions import assess, side_by_side, year_buckets
from teledeclaration.payroll.routes.declarations import Assessment
from teledeclaration.periods import Month, Year

_YEAR = Year(2025)
_DRAFT = UUID("0b0c6f3e-7d1c-4a55-9f0e-1c3f5f1a2025")
_DECLARATION = UUID("5f8c1f0a-2c1e-4b43-8f5b-9c4f5d1a2025")
_SENT = datetime(2026, 1, 15, 9, 12, 40, tzinfo=UTC)
_FILED = datetime(2026, 1, 15, 9, 31, 2, tzinfo=UTC)
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_QUARTER = 13_500_000
_TOTALS = Totals(quarters=(_QUARTER, _QUARTER, _QUARTER, _QUARTER), annual=4 * _QUARTER)
_CHECKED = Progress(status="checked", phase="done", rows_done=42, rows_total=42)

_SUMMARY = DraftSummary(
    draft_id=_DRAFT,
    form="annual",
    centre="16001",
    year=2025,
    period="2025",
    type="N",
    status="open",
    revision=3,
    replaces=None,
    completes=None,
    created_by="Alice",
    created_at=_SENT,
    updated_at=_SENT,
)

_MOVEMENT = Movement(
    movement_id=UUID("6b1f0e5a-4b43-4c8e-9f0e-2a7d1f642026"),
    kind="entry",
    date=date(2026, 1, 5),
    centre="16001",
    nss="850612345678",
    last_name="BENALI",
    first_name="Amine",
    birth_date=date(1985, 6, 12),
    reason="Recrutement",
    rate_category=None,
    hours_a_week=20.0,
    state="in_force",
    replaces=None,
    replaced_by=None,
    tell_by=date(2026, 1, 15),
    told_on=date(2026, 1, 15),
    told_late=False,
    told_by="Alice",
    told_at=_SENT,
    draft_id=None,
    line_number=None,
)

_EXAMPLES: tuple[msgspec.Struct, ...] = (
    Upload(
        upload_id=UUID("2a7d1f64-90b1-4c8e-8a3c-6b1f0e5a2025"),
        draft_id=_DRAFT,
        form="annual",
        centre="16001",
        year=2025,
        period="2025",
        filename="DAS 2025.xlsx",
        content_hash=_HASH,
        size_bytes=18_412,
        source="file",
        created_by="Alice",
        created_at=_SENT,
        progress=_CHECKED,
    ),
    NewDraft(centre="16001", year=2025),
    _SUMMARY,
    Draft(
        summary=_SUMMARY,
        progress=_CHECKED,
        line_count=42,
        left_out_count=0,
        lines_with_errors=1,
        totals=_TOTALS,
        findings=[FindingCount(code="nss_key", severity=Severity.ERROR, count=1, title="Wrong key of the number")],
        obstacles=[Obstacle(code="errors", message="1 line has an error: mend it, or leave it out.")],
        matched=[Matched(column="B", header="N° SS", field="nss", score=100, samples=["850612345678"])],
        facts={"format": "xlsx", "sheet": "Feuil1"},
    ),
    SentLines(
        lines=[
            SentLine(
                nss="850612345678",
                last_name="BENALI",
                first_name="Amine",
                birth_date="1985-06-12",
                q1_duration=66,
                q1_unit="J",
                q1_amount=_QUARTER,
                annual_amount=_QUARTER,
            )
        ]
    ),
    Finding(
        code="nss_length",
        severity=Severity.ERROR,
        message="The number 85061234567 does not have 12 digits.",
        field="nss",
        sheet="Feuil1",
        row=7,
        column="B",
        seen="85061234567",
        expected="12",
        line_number=3,
    ),
    Return(revision=9, to=3),
    SentMovements(
        movements=[
            SentMovement(
                kind="entry",
                date="2026-01-05",
                nss="850612345678",
                last_name="BENALI",
                first_name="Amine",
                birth_date="1985-06-12",
                reason="Recrutement",
                hours_a_week=20.0,
            )
        ],
        confirm=["nss_key"],
    ),
    _MOVEMENT,
    Employment(
        employee="p4711",
        nss="850612345678",
        last_name="BENALI",
        first_name="Amine",
        birth_date=date(1985, 6, 12),
        entry_date=date(2026, 1, 5),
        exit_date=None,
        centre="16001",
        rate_category=None,
        hours_a_week=20.0,
        source="told",
        exit_source=None,
        entry_movement=_MOVEMENT.movement_id,
        exit_movement=None,
        tell_by=date(2026, 1, 15),
        told_late=False,
    ),
    LineChanges(lines=[LineChange(line_number=3, nss="850612345678")], revision=3),
    HeaderChange(header=PeriodHeader(headcount=3, entries=1, exits=0), revision=3),
    Filing(revision=3, leave_out_errors=True),
    Declaration(
        declaration_id=_DECLARATION,
        number="A2025-1600012345-01",
        form="annual",
        centre="16001",
        year=2025,
        period="2025",
        type="N",
        mode="live",
        replaces=None,
        completes=None,
        line_count=41,
        left_out_count=1,
        totals=_TOTALS,
        content_hash=_HASH,
        filed_by="Alice",
        filed_at=_FILED,
        legal_day=date(2026, 1, 15),
        in_force=True,
        receipt_code="7K3M-9QXT-4HPD",
        receipt_ready=True,
    ),
)


def examples(legislation: Legislation) -> dict[str, object]:
    """By the name of a class, its example as JSON has it; amounts by the law of this fund."""
    owed = _assessment(legislation)
    found = (*_EXAMPLES, owed, _due(owed.difference or 0), _periodic(legislation))
    return {type(example).__name__: msgspec.to_builtins(example) for example in found}


def _assessment(legislation: Legislation) -> Assessment:
    category = legislation.on(_YEAR.first_day).enabled_categories()[0]
    quarters = {quarter: {category: _QUARTER} for quarter in _YEAR.quarters}
    amounts = side_by_side(year_buckets({}, quarters, legislation).values())
    return Assessment(
        declaration_id=_DECLARATION,
        status="assessed",
        assessed_at=_FILED,
        difference=amounts.total,
        amounts=amounts,
    )


def _periodic(legislation: Legislation) -> PeriodicDeclaration:
    """A month's declaration of one category, as the fund's form shows it."""
    month = Month(2026, 1)
    values = legislation.on(month.first_day)
    amounts = assess({values.enabled_categories()[0]: _QUARTER}, values)
    return PeriodicDeclaration(
        declaration_id=UUID("5f8c1f0a-2c1e-4b43-8f5b-9c4f5d202601"),
        number=f"P{month.code}-1600012345-01",
        centre="16001",
        period=month.code,
        period_in_words=period_in_words(month.code, "en"),
        type="N",
        in_force=True,
        replaces=None,
        completes=None,
        header=PeriodHeader(headcount=3, entries=1, exits=0),
        lines=tuple(
            CodeLine(
                code=line.code,
                nature=say(f"legal.line.{line.code}", "en"),
                base=line.base,
                rate=line.rate,
                amount=line.amount,
                law=line.law,
            )
            for line in amounts.lines
        ),
        total_base=_QUARTER,
        total_amount=amounts.total,
        assessed=True,
        rebates=(),
        movements=(),
    )


def _due(amount: Centimes) -> Due:
    return Due(
        due_id=UUID("b3a1f7de-11c2-4c8e-9a4d-0e6a7f4a2025"),
        centre="16001",
        period=_YEAR.code,
        nature=Nature.CONTRIBUTIONS,
        payer=Payer.EMPLOYER,
        amount=amount,
        remaining=amount,
        due_on=_FILED.date(),
        origin="assessment",
        origin_ref=str(_DECLARATION),
        created_at=_FILED,
    )
