"""A provisional assessment as a reader is shown it."""

import msgspec

from schemas.provisional import ProvisionalAssessment
from teledeclaration.languages import Language, say
from teledeclaration.payroll.queries.provisional import ProvisionalRow


def show_provisional(row: ProvisionalRow, language: Language) -> ProvisionalAssessment:
    """With the words of its source."""
    fields = msgspec.structs.asdict(row)
    words = say(f"legal.word.{row.taken_from}", language)
    return msgspec.convert(fields | {"taken_from_words": words}, ProvisionalAssessment)
