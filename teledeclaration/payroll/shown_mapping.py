"""A file's columns and how they are read, as a mapping screen shows them."""

from collections.abc import Sequence

import msgspec

from schemas.mapping import (
    FormField,
    LearntWord,
    MappedColumn,
    MappingPreview,
    OutlineColumn,
    PreviewedLine,
    Proposal,
    ShownMapping,
)
from teledeclaration.intake.checking import CheckedFile
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.mapping import mappable_fields, proposed
from teledeclaration.intake.outline import mapping_in_force
from teledeclaration.intake.report import field_name, file_findings
from teledeclaration.languages import Language
from teledeclaration.payroll.queries.mapping import OutlineSeen
from teledeclaration.payroll.queries.uploads import UploadRow


def show_mapping(
    upload: UploadRow, seen: OutlineSeen, words: Sequence[LearntWord], form: FormName, language: Language
) -> ShownMapping:
    """`seen` has an outline; proposals are only for columns nobody has mapped."""
    outline = seen.outline
    if outline is None:
        raise ValueError("a reading without its outline")
    return ShownMapping(
        upload_id=upload.upload_id,
        reading_id=seen.reading_id,
        status=seen.status,
        how=outline.how,
        mapping=mapping_in_force(outline),
        sheets=outline.sheets,
        columns=[_column(column, words, language) for column in outline.columns],
        fields=form_fields(form, language),
        decimal_mark=outline.decimal_mark,
        month_first=outline.month_first,
    )


def _column(column: OutlineColumn, words: Sequence[LearntWord], language: Language) -> MappedColumn:
    known = () if column.how in ("hand", "template", "remembered") else words
    proposals = [
        Proposal(
            field=learnt.field,
            title=field_name(learnt.field, language),
            times=learnt.times,
            learnt_at=learnt.learnt_at,
        )
        for learnt in proposed(column.header, column.field, known)
    ]
    return MappedColumn(**msgspec.structs.asdict(column), proposed=proposals)


def form_fields(form: FormName, language: Language) -> list[FormField]:
    """What a column of the form can be."""
    described = FORMS[form]
    required = {column.name for column in described.columns if column.required}
    return [
        FormField(field=name, title=field_name(name, language), required=name in required)
        for name in mappable_fields(described)
    ]


def show_preview(checked: CheckedFile, language: Language) -> MappingPreview:
    """The lines by field, and what would be said of them."""
    return MappingPreview(
        lines=[
            PreviewedLine(
                line_number=line["line_number"],
                row=line["row"],
                values={name: line[name] for name in checked.form.fields},
            )
            for line in checked.lines.iter_rows(named=True)
        ],
        findings=list(file_findings(checked, language)),
    )
