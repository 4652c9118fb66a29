"""What the fund's registers say of the people in a file, told only as far as the asking employer may know.

For their own employees a difference is told with the register's value, and a number is proposed where names and
birth are an employee's whose number is on no line. For anyone else it is told which field differs, without the
value, and only where all but one field agree, or the names as typed agree when exchanged; a number that is unknown
and a number known under other names are one and the same doubt, so that nothing can be fished for.
"""

from datetime import date

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.problems import together

_ARABIC_FORMS = {"ة": "ه", "ى": "ي", "ـ": ""}


def register_findings(
    lines: pl.DataFrame, known_people: pl.DataFrame | None, employments: pl.DataFrame | None
) -> pl.DataFrame:
    """Doubts about people and entries.

    `known_people`: nss, last_name, first_name, last_name_ar, first_name_ar, birth_date. `employments`, the
    asking employer's own: nss, entry_date, exit_date. Employees are proposed as far as `known_people` has them.
    """
    frames = []
    if known_people is not None:
        proposed = _numbers_of_employees(lines, known_people, employments)
        unsettled = lines.join(proposed, on="line_number", how="anti") if proposed.height else lines
        frames += [proposed, _people(unsettled, known_people, employments)]
    if employments is not None and "entry_date" in lines.columns:
        frames.append(_entries(lines, employments))
    return together(frames)


def absent_findings(lines: pl.DataFrame, employments: pl.DataFrame, first_day: date, last_day: date) -> pl.DataFrame:
    """An information for each of the employer's people who worked in the period and is on no line."""
    worked = (pl.col("entry_date") <= last_day) & (pl.col("exit_date").fill_null(last_day) >= first_day)
    people = employments.filter(worked).select("nss").unique(maintain_order=True)
    absent = people.join(lines.select("nss"), on="nss", how="anti")
    return together(
        [
            absent.select(
                field=pl.lit("nss"),
                code=pl.lit("employed_but_absent"),
                severity=pl.lit(Severity.INFO.value),
                seen=pl.col("nss"),
            )
        ]
    )


def comparable(name: pl.Expr) -> pl.Expr:
    """A name without case, accents, hyphens, spaces and Arabic letter forms."""
    plain = name.str.normalize("NFKD").str.to_lowercase().str.replace_all(r"[^\p{L}]", "")
    return plain.str.replace_many(list(_ARABIC_FORMS), list(_ARABIC_FORMS.values()))


def _people(lines: pl.DataFrame, known: pl.DataFrame, employments: pl.DataFrame | None) -> pl.DataFrame:
    own = pl.col("nss").is_in(employments["nss"].implode()) if employments is not None else pl.lit(value=False)
    register = known.unique("nss").rename({name: f"{name}_known" for name in known.columns if name != "nss"})
    asked = lines.filter(pl.col("nss").is_not_null())
    told = asked.join(register.with_columns(found=pl.lit(value=True)), on="nss", how="left", maintain_order="left")
    told = told.filter(~_agrees_to_the_letter())
    fields = ("last_name", "first_name", "birth_date")
    compared = told.with_columns(
        found=pl.col("found").fill_null(value=False),
        own=own,
        last_name_off=_name_differs("last_name"),
        first_name_off=_name_differs("first_name"),
        birth_date_off=(pl.col("birth_date") != pl.col("birth_date_known")).fill_null(value=False),
    ).with_columns(off=pl.sum_horizontal(f"{field}_off" for field in fields), swapped=_names_swapped())
    swapped = compared.filter("swapped")
    compared = compared.filter(~pl.col("swapped"))
    stranger = ~pl.col("found") | (~pl.col("own") & (pl.col("off") > 1))
    frames = [
        _told(swapped, "last_name", "names_swapped", None),
        _told(compared.filter(stranger), "nss", "nss_unknown", None),
    ]
    for field in fields:
        code = "birth_differs" if field == "birth_date" else "name_differs"
        differing = compared.filter(~stranger & pl.col(f"{field}_off"))
        frames.append(_told(differing, field, code, pl.when("own").then(_known_value(field))))
    return together(frames)


def _agrees_to_the_letter() -> pl.Expr:
    """Names in Latin letters and birth exactly as in the register: most lines, and nothing to be told of them."""
    names = [
        (pl.col(field) == pl.col(f"{field}_known")) & ~_is_arabic(pl.col(field))
        for field in ("last_name", "first_name")
    ]
    birth = ~(pl.col("birth_date") != pl.col("birth_date_known")).fill_null(value=False)
    return pl.all_horizontal(*names, birth).fill_null(value=False)


def _told(lines: pl.DataFrame, field: str, code: str, proposed: pl.Expr | None) -> pl.DataFrame:
    value = pl.lit(None, pl.String) if proposed is None else proposed.cast(pl.String)
    return lines.select(
        "line_number",
        "row",
        field=pl.lit(field),
        code=pl.lit(code),
        severity=pl.lit(Severity.CONFIRM.value),
        expected=value,
        proposed=value,
    )


def _is_arabic(name: pl.Expr) -> pl.Expr:
    return name.str.contains(r"\p{Arabic}").fill_null(value=False)


def _known_value(field: str) -> pl.Expr:
    known = pl.col(f"{field}_known")
    if field == "birth_date":
        return known.cast(pl.String)
    return pl.when(_is_arabic(pl.col(field))).then(pl.coalesce(f"{field}_ar_known", known)).otherwise(known)


def _name_differs(field: str) -> pl.Expr:
    """Compared in the script it is written in; no difference where the register has no name in that script."""
    return (comparable(pl.col(field)) != comparable(_known_as(field, field))).fill_null(value=False)


def _known_as(field: str, other: str) -> pl.Expr:
    """The register's name of `other`, in the script `field` is written in."""
    return pl.when(_is_arabic(pl.col(field))).then(pl.col(f"{other}_ar_known")).otherwise(pl.col(f"{other}_known"))


def _names_swapped() -> pl.Expr:
    """Whether both names differ, and agree when exchanged, for the same birth."""
    last, first = (comparable(pl.col(field)) for field in ("last_name", "first_name"))
    exchanged = (last == comparable(_known_as("last_name", "first_name"))) & (
        first == comparable(_known_as("first_name", "last_name"))
    )
    differ = pl.col("last_name_off") & pl.col("first_name_off") & ~pl.col("birth_date_off")
    return differ & exchanged.fill_null(value=False)


def _numbers_of_employees(lines: pl.DataFrame, known: pl.DataFrame, employments: pl.DataFrame | None) -> pl.DataFrame:
    """`nss_differs` for a line with no known number whose names and birth are those of an employee on no line."""
    if employments is None:
        return together([])
    named = lines.filter(pl.col("birth_date").is_not_null())
    nameless = named.join(known.select("nss"), on="nss", how="anti")
    absent = known.filter(pl.col("nss").is_in(employments["nss"].implode())).join(lines, on="nss", how="anti")
    if nameless.is_empty() or absent.is_empty():
        return together([])
    employees = pl.concat(
        [
            absent.select(proposed="nss", who=_who("last_name", "first_name")),
            absent.filter(pl.col("last_name_ar") != "").select(
                proposed="nss", who=_who("last_name_ar", "first_name_ar")
            ),
        ]
    ).filter(~pl.col("who").is_duplicated())
    asking = nameless.with_columns(who=_who("last_name", "first_name")).filter(~pl.col("who").is_duplicated())
    found = asking.join(employees, on="who", maintain_order="left")
    return _told(found, "nss", "nss_differs", pl.col("proposed")).with_columns(
        severity=pl.when(found["nss"].is_null())
        .then(pl.lit(Severity.INFO.value))
        .otherwise(pl.lit(Severity.CONFIRM.value))
    )


def _who(last_name: str, first_name: str) -> pl.Expr:
    """A person by names and birth; null where any of them is."""
    names = comparable(pl.col(last_name)) + "|" + comparable(pl.col(first_name))
    return names + "|" + pl.col("birth_date").cast(pl.String)


def _entries(lines: pl.DataFrame, employments: pl.DataFrame) -> pl.DataFrame:
    """`entry_differs` where none of the person's spells at this employer begins on the day given."""
    if employments.is_empty():
        return together([])
    given = lines.select("line_number", "row", "nss", "entry_date").drop_nulls(["nss", "entry_date"])
    spells = employments.select("nss", "entry_date").unique()
    odd = given.join(spells, on=["nss", "entry_date"], how="anti").join(
        spells.group_by("nss").agg(known=pl.col("entry_date").max()), on="nss", how="inner", maintain_order="left"
    )
    return _told(odd, "entry_date", "entry_differs", pl.col("known"))
