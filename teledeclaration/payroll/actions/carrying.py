"""People for whom a number is asked already: a later list of their lines goes on asking.

No file can say that someone has no number yet, so what was said of a line in the draft, or of a person in the
declaration that the draft replaces, would be an error again.
"""

from dataclasses import replace

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.intake.checking import FileLines
from teledeclaration.intake.forms import FORMS
from teledeclaration.intake.repairs.cells import closed, opened
from teledeclaration.intake.repairs.people import NAMES, says_no_number
from teledeclaration.payroll.law.duplicates import the_person
from teledeclaration.payroll.queries import places
from teledeclaration.payroll.queries.drafts import DraftRow


async def people_asked_for(connection: Connection, *, employer_id: int, draft: DraftRow) -> pl.DataFrame | None:
    """Who (`who`) has no number, and on how many lines at most (`asked`), in the lines the draft stands on or in the
    declaration it replaces; None where it has neither, or nobody is."""
    found = []
    if not FORMS[draft.form].of_people:
        return None
    if draft.reading_id is not None:
        found.append(
            await places.select_numbers_asked(connection, employer_id=employer_id, reading_id=draft.reading_id)
        )
    if draft.replaces is not None:
        found.append(
            await places.select_filed_without_number(
                connection, employer_id=employer_id, declaration_id=draft.replaces, form=draft.form
            )
        )
    people = [lines.group_by(who=the_person()).agg(asked=pl.len()) for lines in found if lines.height]
    return pl.concat(people).group_by("who").agg(pl.col("asked").max()) if people else None


def asked_again(lines: pl.DataFrame, people: pl.DataFrame | None) -> pl.DataFrame:
    """The lines, with `number_requested` where they are about one of these people and say no number.

    Words in the number's cell ("en cours") are then forgotten. Who is on more lines than a number was asked for is
    left to be told: one of the lines may be of somebody else.
    """
    if people is None:
        return lines
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in (*NAMES, "birth_date"))
    unsaid = lines.filter(known & pl.col("nss").is_null() & ~pl.col("number_requested"))
    unsaid = unsaid.with_columns(opened(unsaid["raw"], ["nss"])).filter(says_no_number(pl.col("nss")))
    theirs = unsaid.select("line_number", who=the_person()).join(people, on="who")
    asking = theirs.filter(pl.len().over("who") <= pl.col("asked"))["line_number"]
    again = lines["line_number"].is_in(asking.implode())
    left = opened(lines["raw"].filter(again)).with_columns(nss=pl.lit(None, pl.String))
    return lines.with_columns(
        lines["raw"].scatter(again.arg_true(), closed(left)), number_requested=pl.col("number_requested") | again
    )


def file_asked_again(file: FileLines, people: pl.DataFrame | None) -> FileLines:
    """A file's lines so; what was found in the number's cell of such a line goes."""
    if people is None:
        return file
    lines = asked_again(file.lines, people)
    asking = lines.filter("number_requested")["line_number"].implode()
    of_number = (pl.col("field") == "nss") & pl.col("line_number").is_in(asking)
    findings = file.read.findings.filter(~of_number.fill_null(value=False))
    return replace(file, read=replace(file.read, lines=lines, findings=findings))
