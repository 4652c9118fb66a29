"""What can stand against a change of a draft or a filing, each with its words in `words/problems.toml`."""

from teledeclaration.errors import Conflict, Malformed, NotFound


class DraftNotOpen(Conflict):
    """It was filed or dropped."""

    type = "draft-not-open"


class DraftMoved(Conflict):
    """Someone changed the draft since the revision the caller saw."""

    type = "draft-moved"


class DraftNotChecked(Conflict):
    """Its file is still being read, or could not be."""

    type = "draft-not-checked"


class NotReadyToFile(Conflict):
    """Errors or unanswered doubts stand in the way; the draft lists them."""

    type = "draft-not-ready"


class AlreadyDeclared(Conflict):
    """A declaration stands for this centre's year: replace or complete it by naming it."""

    type = "already-declared"


class NotInForce(Conflict):
    """The declaration named was itself replaced."""

    type = "declaration-not-in-force"


class WrongKindOfDeclaration(Malformed):
    """A complementary declaration completes another, a regularisation replaces one, a normal one may replace one."""

    type = "declaration-type-mismatch"


class CentreNeeded(Malformed):
    """The employer has several payment centres, or none by that code."""

    type = "centre-needed"


class YearNotOver(Malformed):
    """A year is declared once it is over."""

    type = "year-not-over"


class UnknownRateCategory(Malformed):
    type = "unknown-rate-category"


class NoFileSent(Malformed):
    type = "no-file-sent"


class NoWorkbookHere(NotFound):
    """The lines came by REST: there is no workbook to annotate."""

    type = "no-workbook-here"


class NotReady(Conflict):
    """A worker is still at it; ask again in a moment."""

    type = "not-ready"
