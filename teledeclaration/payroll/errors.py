"""What can stand against a change of a draft or a filing, each with its words in `words/problems.toml`."""

from teledeclaration.errors import Conflict, Malformed, NotFound, TooManyRequests


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


class NothingToMap(Conflict):
    """The file's cells could not be read, or it has no columns but places in a text."""

    type = "nothing-to-map"


class UploadDone(Conflict):
    """It was read and checked, or waits for its other parts: there is nothing to call off."""

    type = "upload-done"


class TooManyWaiting(TooManyRequests):
    """So many files of this employer wait to be read that another would only wait behind them."""

    type = "too-many-waiting"


class NotReady(Conflict):
    """A worker is still at it; ask again in a moment."""

    type = "not-ready"


class UnknownRepair(Malformed):
    """No repair of this name, or none that answers this kind of finding."""

    type = "unknown-repair"


class RepairChoiceNeeded(Malformed):
    """The repair can be done in several ways: one must be chosen."""

    type = "repair-choice-needed"


class NothingToRepair(Conflict):
    """The repair would change no line as the draft stands."""

    type = "nothing-to-repair"


class NothingToReview(Conflict):
    """No file waits to be accepted, and the draft replaces no declaration."""

    type = "nothing-to-review"


class ReviewNotReady(Conflict):
    """The changes are still being compared, or that failed: ask for another comparison."""

    type = "review-not-ready"


class ReviewDecided(Conflict):
    """Someone accepted or refused these changes before."""

    type = "review-decided"


class ReviewOutdated(Conflict):
    """The lines moved since the comparison; another one, named, is under way."""

    type = "review-outdated"
