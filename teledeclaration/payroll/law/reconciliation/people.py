"""Who is who: by number, else by names and birth; one person under two numbers, or once without one."""

import polars as pl

from teledeclaration.payroll.law.duplicates import the_person

_WHO = ("nss", "last_name", "first_name", "birth_date")


def keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `who`: their number, or names and birth of those who have none."""
    if not rows["nss"].null_count():
        return rows.with_columns(who=pl.col("nss"))
    unnumbered = pl.col("nss").is_null()
    return pl.concat(
        [
            rows.filter(~unnumbered).with_columns(who=pl.col("nss")),
            rows.filter(unnumbered).with_columns(who=the_person()),
        ]
    )


def people_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Each person once: item, who, nss, names, birth, as the first row says them that does."""
    return rows.group_by("item", "who", maintain_order=True).agg(pl.col(*_WHO).drop_nulls().first())


def same_people(annual: pl.DataFrame, periodic: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """People who are on one side only, and on the other under another number or none: item, who (the annual side's),
    other (the periodic side's), `one` (the key to compare them by), and whether `two_numbers` stand for them.

    Names and birth must be theirs alone on either side. They are compared under the number that the employment
    register knows.
    """
    ours = people_of(annual).join(periodic.select("item", "who"), on=["item", "who"], how="anti")
    theirs = people_of(periodic).join(annual.select("item", "who"), on=["item", "who"], how="anti")
    known = pl.col("birth_date").is_not_null() | pl.col("nss").is_null()
    ours, theirs = (_alone(side.filter(known).with_columns(name=the_person())) for side in (ours, theirs))
    pairs = ours.join(theirs, on=["item", "name"], suffix="_other")
    employed = spells.select("item", who_other="nss", there=pl.lit(value=True)).unique()
    pairs = pairs.join(employed, on=["item", "who_other"], how="left", maintain_order="left")
    numbered = pl.col("nss").is_null() | pl.col("there").fill_null(value=False)
    return pairs.select(
        "item",
        "who",
        *_WHO,
        other="who_other",
        other_nss="nss_other",
        one=pl.when(numbered).then("who_other").otherwise("who"),
        two_numbers=pl.col("nss").is_not_null() & pl.col("nss_other").is_not_null(),
    )


def _alone(people: pl.DataFrame) -> pl.DataFrame:
    return people.filter(pl.len().over("item", "name") == 1)


def under_one_key(rows: pl.DataFrame, pairs: pl.DataFrame, side: str) -> pl.DataFrame:
    """The rows of one side (its key in `pairs` is the column `side`) of such people under the key they share."""
    if pairs.is_empty():
        return rows
    known = pairs.select("item", "one", who=side)
    joined = rows.join(known, on=["item", "who"], how="left", maintain_order="left")
    return joined.with_columns(who=pl.coalesce("one", "who")).drop("one")
