"""What the fund's registers say of the people in a file, told only as far as the asking employer may know.

For their own employees a difference is told with the register's value, and a number is proposed where names and
birth are an employee's whose number is on no line. For anyone else it is told which field differs, without the
value, and only where all but one field agree, or the names as typed agree when exchanged; a number that is unknown
and a number known under other names are one and the same doubt, so that nothing can be fished for.
"""

from functools import cache

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.evaluating import kept, select, with_columns
from teledeclaration.intake.problems import together
from teledeclaration.periods import Period

_ARABIC_FORMS = {"ة": "ه", "ى": "ي", "ـ": ""}


def register_findings(
    lines: pl.DataFrame, known_people: pl.DataFrame | None, employments: pl.DataFrame | None
) -> pl.DataFrame:
    """Doubts about people and entries.

    `known_people`: nss, last_name, first_name, last_name_ar, first_name_ar, birth_date. `employments`, the
    asking employer's own: nss, entry_date, exit_date, and `told` where only the employer says so. Employees are
    proposed as far as `known_people` has them.
    """
    frames = []
    if known_people is not None:
        registered = None if employments is None else of_the_fund(employments)
        proposed = _numbers_of_employees(lines, known_people, registered)
        unsettled = lines.join(proposed, on="line_number", how="anti") if proposed.height else lines
        frames += [proposed, _people(unsettled, known_people, registered)]
    if employments is not None and "entry_date" in lines.columns:
        frames.append(_entries(lines, employments))
    return together(frames)


def of_the_fund(employments: pl.DataFrame) -> pl.DataFrame:
    """The employments that the fund's register has. Of who the employer only told, nothing of the register may be said:
    else telling a stranger's hire would show their names."""
    if "told" not in employments.columns or not employments["told"].any():
        return employments
    return employments.filter(~pl.col("told"))


ABSENT_MAX = 20
"""Up to so many people on no line are told one by one; more as one finding with the first few."""
_FEW = 5


def absent_findings(
    lines: pl.DataFrame, employments: pl.DataFrame, people: pl.DataFrame | None, period: Period
) -> pl.DataFrame:
    """An information for each of the employer's own people who worked in the period and is on no line, or for them all.

    `people` (see `register_findings`) gives their names, where it is known.
    """
    registered = of_the_fund(employments)
    if people is not None and registered is not employments:
        people = people.filter(pl.col("nss").is_in(registered["nss"].implode()))
    return absent_told(absent_numbers(lines, employments, period), people)


def absent_numbers(lines: pl.DataFrame, employments: pl.DataFrame, period: Period) -> pl.Series:
    """The numbers of these employees who worked in the period and are on none of the lines, in order."""
    if employments.is_empty():
        return employments["nss"]
    first, last = period.first_day, period.last_day
    worked = (pl.col("entry_date") <= last) & (pl.col("exit_date").fill_null(last) >= first)
    employees = employments.filter(worked).select("nss").unique()
    return employees.join(lines.select("nss"), on="nss", how="anti")["nss"].sort()


def absent_told(numbers: pl.Series, people: pl.DataFrame | None) -> pl.DataFrame:
    """The findings about them; names are asked of `people` for the first ABSENT_MAX."""
    if numbers.is_empty():
        return together([])
    seen = _named(numbers.head(ABSENT_MAX), people)
    if numbers.len() <= ABSENT_MAX:
        told = pl.DataFrame({"seen": seen}).with_columns(code=pl.lit("employed_but_absent"))
    else:
        first = ", ".join(seen.head(_FEW).to_list())
        told = pl.DataFrame({"seen": [first], "expected": [str(numbers.len())]})
        told = told.with_columns(code=pl.lit("many_employed_but_absent"))
    return together([told.with_columns(field=pl.lit("nss"), severity=pl.lit(Severity.INFO.value))])


def _named(numbers: pl.Series, people: pl.DataFrame | None) -> pl.Series:
    """Each number with the name it bears in the register, in Latin letters where there are any."""
    if people is None:
        return numbers
    names = ("last_name", "first_name")
    said = [pl.coalesce(pl.col(name).replace("", None), f"{name}_ar") for name in names]
    known = people.select("nss", named=pl.concat_str("nss", *said, separator=" ", ignore_nulls=True)).unique("nss")
    asked = numbers.to_frame("nss").join(known, on="nss", how="left", maintain_order="left")
    return asked.select(pl.coalesce("named", "nss").str.strip_chars()).to_series()


def comparable(name: pl.Expr) -> pl.Expr:
    """A name without case, accents, hyphens, spaces and Arabic letter forms."""
    plain = name.str.normalize("NFKD").str.to_lowercase().str.replace_all(r"[^\p{L}]", "")
    return plain.str.replace_many(list(_ARABIC_FORMS), list(_ARABIC_FORMS.values()))


def _people(lines: pl.DataFrame, known: pl.DataFrame, employments: pl.DataFrame | None) -> pl.DataFrame:
    register = known.select("nss", *(pl.col(name).alias(f"{name}_known") for name in _OF_A_PERSON)).unique("nss")
    asked = kept(lines, lines["nss"].is_not_null()).select("line_number", "row", "nss", *_WHO)
    found = register.hstack([pl.Series("found", [True]).new_from_index(0, register.height)])
    told = asked.join(found, on="nss", how="left", maintain_order="left")
    differing = kept(told, ~_agrees_to_the_letter())
    return _differences(differing, employments) if differing.height else together([])


_WHO = ("last_name", "first_name", "birth_date")
_OF_A_PERSON = (*_WHO, "last_name_ar", "first_name_ar")


def _differences(told: pl.DataFrame, employments: pl.DataFrame | None) -> pl.DataFrame:
    """What differs in lines beside the people their numbers are known for: `…_known`, and whether any was `found`."""
    own = pl.col("nss").is_in(employments["nss"].implode()) if employments is not None else pl.lit(value=False)
    compared = with_columns(
        told,
        found=pl.col("found").fill_null(value=False),
        own=own,
        last_name_off=_name_differs("last_name"),
        first_name_off=_name_differs("first_name"),
        birth_date_off=(pl.col("birth_date") != pl.col("birth_date_known")).fill_null(value=False),
    )
    compared = with_columns(compared, off=pl.sum_horizontal(f"{field}_off" for field in _WHO), swapped=_names_swapped())
    swapped, compared = kept(compared, compared["swapped"]), kept(compared, ~compared["swapped"])
    stranger = ~pl.col("found") | (~pl.col("own") & (pl.col("off") > 1))
    frames = [
        _told(swapped, "last_name", "names_swapped", None),
        _told(kept(compared, stranger), "nss", "nss_unknown", None),
    ]
    for field in _WHO:
        code = "birth_differs" if field == "birth_date" else "name_differs"
        differing = kept(compared, ~stranger & pl.col(f"{field}_off"))
        frames.append(_told(differing, field, code, pl.when("own").then(_known_value(field))))
    return together(frames)


@cache
def _agrees_to_the_letter() -> pl.Expr:
    """Names in Latin letters and birth exactly as in the register: most lines, and nothing to be told of them."""
    names = [
        (pl.col(field) == pl.col(f"{field}_known")) & ~_is_arabic(pl.col(field))
        for field in ("last_name", "first_name")
    ]
    birth = ~(pl.col("birth_date") != pl.col("birth_date_known")).fill_null(value=False)
    return pl.all_horizontal(*names, birth).fill_null(value=False)


def _told(lines: pl.DataFrame, field: str, code: str, proposed: pl.Expr | None) -> pl.DataFrame:
    if not lines.height:
        return together([])
    value = pl.lit(None, pl.String) if proposed is None else proposed.cast(pl.String)
    return select(
        lines,
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
    if employments is None or employments.is_empty():
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
    if found.is_empty():
        return together([])
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
