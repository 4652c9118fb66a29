"""Lines and corrections sent by REST name fields of their draft's form only, and kinds of pay that the law knows."""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from schemas.payroll import LineChange, SentLine, SentLines
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.asking import counted_elements, values_for
from teledeclaration.payroll.errors import AmountSaidTwice, FieldOfAnotherForm
from teledeclaration.payroll.law.simulation import UnknownPayElement
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.lines import LINE_FIELDS
from teledeclaration.periods import parse_period


def check_sent(sent: SentLines, draft: DraftRow, legislation: Legislation) -> None:
    """FieldOfAnotherForm, AmountSaidTwice or UnknownPayElement, at the first field that is so."""
    foreign = _foreign(draft.form)
    values, nothing = attrgetter(*foreign), (None,) * len(foreign)
    of_people = FORMS[draft.form].of_people
    for place, line in enumerate(sent.lines):
        if values(line) != nothing or (line.number_requested and not of_people):
            asked = [*(name for name in foreign if getattr(line, name) is not None), "number_requested"]
            raise _refused(place, asked[0], draft.form)
    if draft.form == "periodic" and any(line.elements for line in sent.lines):
        _check_elements(sent.lines, draft, legislation)


def check_changes(changes: Iterable[LineChange], form: FormName) -> None:
    """FieldOfAnotherForm at the first change of a field that the form has not."""
    known = {"line_number", "left_out", *FORMS[form].stored, *(["number_requested"] if FORMS[form].of_people else [])}
    for place, change in enumerate(changes):
        for name in change.__struct_fields__:
            if name not in known and getattr(change, name) is not msgspec.UNSET:
                raise _refused(place, name, form)


def _foreign(form: FormName) -> list[str]:
    """The fields of a line sent that are another form's."""
    own = {*FORMS[form].stored, *(["elements"] if form == "periodic" else [])}
    return [name for name in (*LINE_FIELDS, "elements") if name not in own]


def _refused(place: int, field: str, form: FormName) -> FieldOfAnotherForm:
    return FieldOfAnotherForm(
        pointer=f"/lines/{place}/{field}", field=field, form=form, fields=", ".join(FORMS[form].stored)
    )


def _check_elements(lines: list[SentLine], draft: DraftRow, legislation: Legislation) -> None:
    known = counted_elements(values_for(legislation, parse_period(draft.period)))
    for place, line in enumerate(lines):
        if line.elements is not None and line.amount is not None:
            raise AmountSaidTwice(pointer=f"/lines/{place}/amount")
        for at, element in enumerate(line.elements or ()):
            if element.kind not in known:
                pointer = f"/lines/{place}/elements/{at}/kind"
                raise UnknownPayElement(pointer=pointer, element=element.kind, known=", ".join(known))
