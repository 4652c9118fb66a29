"""Values that the findings themselves propose, and one unit where it is missing."""

import polars as pl

from teledeclaration.intake.forms import FORMS, Kind
from teledeclaration.intake.repairs.cells import Edit, edited, told_at, told_lines
from teledeclaration.intake.repairs.repair import GROUPS, Wish

SAFE_TO_ACCEPT = {
    "annual_missing": "nothing stands there, and the law makes it the sum of the quarters",
    "annual_not_sum": "the quarters are what contributions are counted by; the year's amount is their sum by law",
    "amount_text": "what the line's other four amounts leave: its own arithmetic",
    "error_cell": "what the line's other four amounts leave: its own arithmetic",
    "formula_without_value": "what the line's other four amounts leave: its own arithmetic",
    "duration_rounded": "the law knows whole durations only, and the line counts so already",
    "birth_presumed": "1 January is how the register writes a birth known by its year, and the line counts so already",
    "name_differs": "the register's own name of the employer's own employee",
    "birth_differs": "the register's own date of the employer's own employee",
    "entry_differs": "the register's own date of the employer's own employee",
    "nss_differs": "the register's own number of the employer's own employee, whose names and birth are the line's",
    "rate_category_closed": "the employer's usual category is open, and no other could be assessed",
    "shared_base_differs": "the line has every base by law, and the others are what contributions are counted by",
}
"""Codes whose proposal may be put in place for all of them at once, and why.

Not among them: `nss_key` (its rule is inferred, and a number that is right would be made wrong), `nss_padded` (done
already), and whatever proposes nothing. Rounded amounts are a repair of their own: quarters and year move together.
"""

ACCEPTED_FIELDS = (
    "nss", "last_name", "first_name", "birth_date", "entry_date",
    *GROUPS["quarter_duration"], *GROUPS["quarter_amount"], "annual_amount", "rate_category", "duration", "amount",
    "date",
)  # fmt: skip
"""The fields those proposals are about."""

UNIT_FIELDS = (*GROUPS["quarter_unit"], "unit")


def accept_proposed(lines: pl.DataFrame, told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """Each finding's proposal put in its cell."""
    proposals = told.filter(pl.col("proposed").is_not_null() & pl.col("line_number").is_not_null())
    fields = [name for name in ACCEPTED_FIELDS if name in proposals["field"]]
    asked = told_lines(lines, proposals)
    for name in fields:
        of_field = proposals.filter(pl.col("field") == name).unique("line_number", keep="first")
        values = of_field.select("line_number", as_stored(name, of_field["proposed"]).alias(f"proposed:{name}"))
        asked = asked.join(values, on="line_number", how="left", maintain_order="left")
    proposed = {name: pl.col(f"proposed:{name}") for name in fields}
    return edited(asked, {name: Edit(value.is_not_null(), value) for name, value in proposed.items()})


def as_stored(field: str, proposed: pl.Series) -> pl.Series:
    """A finding's canonical text as the value a line keeps; null where it is none."""
    match _kind(field):
        case "amount":
            plain = proposed.str.contains(r"^-?\d+\.\d{2}$").fill_null(value=False)
            return proposed.set(~plain, None).str.replace(".", "", literal=True).cast(pl.Int64)
        case "date":
            return proposed.str.to_date("%Y-%m-%d", strict=False)
        case "duration" | "count":
            return proposed.cast(pl.Int32, strict=False)
        case _:
            return proposed


def _kind(field: str) -> Kind:
    """What a field holds, whatever form has it: a name stands for one thing in all of them."""
    return next((form.kind(field) for form in FORMS.values() if field in form.fields), "text")


def one_unit(lines: pl.DataFrame, told: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """One unit for every cell told."""
    units = UNIT_FIELDS
    return edited(
        told_lines(lines, told), {name: Edit(told_at(told, name), pl.lit(wish.choice, pl.String)) for name in units}
    )
