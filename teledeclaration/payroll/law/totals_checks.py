"""What the bases of a period by rate line must satisfy, as column expressions over the lines."""

from functools import partial

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Check, Rules, blank
from teledeclaration.intake.problems import dinars
from teledeclaration.payroll.law.totals import Codes, Total, shared_differs

_REQUIRED = dict.fromkeys(("code", "amount", "workers"), Severity.ERROR)


class TotalsRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a period's declaration by rate line is checked by.

    `rebates` are the categories under a rebate. `supplements_open`: whether the employer may use the lines of its
    sector (R38); None where nothing is known of the employer.
    """

    codes: Codes
    rebates: frozenset[str]
    supplements_open: bool | None


def totals_rules_checks(rules: TotalsRules) -> Rules:
    """All checks of a period's bases by rate line."""
    codes = rules.codes
    known = sorted({*codes.own, *codes.supplements, *codes.shared, *codes.categories})
    offered = ", ".join(sorted({*codes.own, *codes.supplements, *codes.shared}))
    code, base, workers = pl.col("code"), pl.col("amount"), pl.col("workers")
    return Rules(
        checks=(
            Check("code_missing", Severity.ERROR, field="code", when=blank("code"), expected=pl.lit(offered)),
            Check("code_unknown", Severity.ERROR, field="code", when=~code.is_in(known), expected=pl.lit(offered)),
            Check("amount_missing", Severity.ERROR, field="amount", when=blank("amount")),
            Check("amount_negative", Severity.ERROR, field="amount", when=base < 0),
            Check("workers_missing", Severity.ERROR, field="workers", when=blank("workers") & (base > 0)),
            Check("workers_negative", Severity.ERROR, field="workers", when=workers < 0),
            Check("workers_none", Severity.CONFIRM, field="workers", when=(workers == 0) & (base > 0)),
            Check("code_of_another_sector", Severity.ERROR, field="code",
                  when=code.is_in(_of_the_sector(codes)) & pl.lit(rules.supplements_open is False)),
            Check("rebate_annex_missing", Severity.CONFIRM, field="code", when=code.is_in(_under_rebate(rules))),
        ),
        between_rows=(codes_twice, partial(shared_lines, codes=codes), partial(supplements, codes=codes)),
        required=_REQUIRED,
    )  # fmt: skip


def _of_the_sector(codes: Codes) -> list[str]:
    return sorted({*codes.supplements, *codes.supplements.values()})


def _under_rebate(rules: TotalsRules) -> list[str]:
    by_code = [code for code, category in rules.codes.own.items() if category in rules.rebates]
    return sorted({*by_code, *rules.rebates})


def codes_twice(lines: pl.DataFrame) -> pl.DataFrame:
    """`code_twice` for the lines of a code used twice; `expected` names the rows."""
    twice = lines.filter(pl.col("code").is_not_null() & pl.col("code").is_duplicated())
    place = pl.coalesce("row", "line_number")
    return twice.select(
        "line_number",
        "row",
        field=pl.lit("code"),
        seen=pl.col("code"),
        code=pl.lit("code_twice"),
        severity=pl.lit(Severity.ERROR.value),
        expected=place.sort().cast(pl.String).str.join(", ").over("code"),
    )


def shared_lines(lines: pl.DataFrame, *, codes: Codes) -> pl.DataFrame:
    """`shared_base_differs`: a line that every base has (R98) is not the sum of the others."""
    differing = {code: expected for code, _, expected in shared_differs(_totals(lines, codes), codes)}
    told = lines.filter(pl.col("code").is_in(sorted(differing)) & pl.col("amount").is_not_null())
    if not told.height:
        return pl.DataFrame()
    right = dinars(pl.col("code").replace_strict(differing, return_dtype=pl.Int64))
    return told.select(
        "line_number",
        "row",
        field=pl.lit("amount"),
        code=pl.lit("shared_base_differs"),
        severity=pl.lit(Severity.ERROR.value),
        expected=right,
        proposed=right,
    )


def supplements(lines: pl.DataFrame, *, codes: Codes) -> pl.DataFrame:
    """`supplement_too_large`: a line that is a part of the general one (R38) has a larger base or more workers."""
    said = lines.group_by("code").agg(pl.col("amount").sum(), pl.col("workers").sum())
    general = said.filter(pl.col("code") == codes.general)
    base, workers = (int(general[name].sum()) for name in ("amount", "workers"))
    part = lines.filter(pl.col("code").is_in(sorted(codes.supplements)))
    larger, more = pl.col("amount") > base, pl.col("workers") > workers
    told = part.filter((larger | more).fill_null(value=False))
    larger = larger.fill_null(value=False)
    most = dinars(pl.lit(base, pl.Int64))
    return told.select(
        "line_number",
        "row",
        field=pl.when(larger).then(pl.lit("amount")).otherwise(pl.lit("workers")),
        code=pl.lit("supplement_too_large"),
        severity=pl.lit(Severity.ERROR.value),
        expected=pl.when(larger).then(most).otherwise(pl.lit(str(workers))),
    )


def _totals(lines: pl.DataFrame, codes: Codes) -> list[tuple[str, Total]]:
    rows = lines.select("code", pl.col("amount").fill_null(0)).drop_nulls("code").rows()
    return [(code, Total(base)) for code, base in rows if codes.known(code)]
