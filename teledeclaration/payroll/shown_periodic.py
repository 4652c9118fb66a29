"""A filed periodic declaration as the fund's form shows it: lines by code, annexes of rebates and of movements."""

from collections.abc import Mapping, Sequence

from schemas.assessments import AssessedAmounts, RateLine
from schemas.legislation import RateCategory
from schemas.periodic import AnnexMovement, CodeLine, PeriodicDeclaration, PeriodicLine, RebateWorker
from teledeclaration.languages import Language, period_in_words, say
from teledeclaration.legislation import Values
from teledeclaration.payroll.law.contributions import assess
from teledeclaration.payroll.law.rebates import rebate_of
from teledeclaration.payroll.law.totals import Total
from teledeclaration.payroll.queries.declarations import DeclarationRow


def show_periodic(
    row: DeclarationRow,
    values: Values,
    *,
    totals: Mapping[RateCategory, Total],
    assessed: AssessedAmounts | None,
    rebates: Sequence[PeriodicLine],
    movements: Sequence[AnnexMovement],
    language: Language,
) -> PeriodicDeclaration:
    """The declaration whole. `values` are those of its period's first day; `totals` are its own by rate category."""
    lines, stored = _lines(row.period, assess(_bases(totals), values), assessed)
    return PeriodicDeclaration(
        declaration_id=row.declaration_id,
        number=row.number,
        centre=row.centre,
        period=row.period,
        period_in_words=period_in_words(row.period, language),
        type=row.type,
        in_force=row.in_force,
        replaces=row.replaces,
        completes=row.completes,
        header=row.header,
        lines=tuple(_code_line(line, language) for line in lines),
        total_base=sum(total.base for total in totals.values()),
        total_amount=sum(line.amount for line in lines),
        assessed=stored,
        rebates=tuple(_rebate_worker(line, values) for line in rebates),
        movements=tuple(movements),
    )


def _bases(totals: Mapping[RateCategory, Total]) -> dict[RateCategory, int]:
    return {category: total.base for category, total in totals.items()}


def _lines(period: str, own: AssessedAmounts, assessed: AssessedAmounts | None) -> tuple[Sequence[RateLine], bool]:
    """The lines of the declaration alone, as they were assessed where the assessment is of exactly these bases."""
    if assessed is not None:
        stored = [line for line in assessed.lines if line.periods == (period,)]
        if [(line.code, line.base) for line in stored] == [(line.code, line.base) for line in own.lines]:
            return stored, True
    return own.lines, False


def _code_line(line: RateLine, language: Language) -> CodeLine:
    return CodeLine(
        code=line.code,
        nature=say(f"legal.line.{line.code}", language),
        base=line.base,
        rate=line.rate,
        amount=line.amount,
        law=line.law,
    )


def _rebate_worker(line: PeriodicLine, values: Values) -> RebateWorker:
    rebate = rebate_of(line.rate_category, values)
    if rebate is None:
        raise ValueError(f"{line.rate_category} is no category under a rebate")
    return RebateWorker(
        line_number=line.line_number,
        nss=line.nss,
        last_name=line.last_name,
        first_name=line.first_name,
        birth_date=line.birth_date,
        base=line.base,
        rate_category=line.rate_category,
        contract_start=line.contract_start,
        contract_months=line.contract_months,
        justification=line.justification,
        rebate=rebate,
    )
