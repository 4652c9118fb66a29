"""What can stand against a change of a draft or a filing, each with its words in `words/problems.toml`."""

from typing import ClassVar

from teledeclaration.errors import Conflict, Malformed, NotFound, SaidAs, TooManyRequests


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
    said_as: ClassVar[SaidAs] = {"obstacles": ("obstacle-title.{id}", "finding-title.{id}")}


class AlreadyDeclared(Conflict):
    """A declaration stands for this centre's period: replace or complete it by naming it."""

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


class PeriodUnknown(Malformed):
    """No period of the form is called so."""

    type = "period-unknown"


class PeriodNotOver(Malformed):
    """A period is declared from its last day on; a year's movements, once it has begun."""

    type = "period-not-over"


class PeriodBeforeOpening(Malformed):
    """The employer, or its payment centre, was not open yet."""

    type = "period-before-opening"


class PeriodAfterClosing(Malformed):
    """The employer, or its payment centre, was closed by then."""

    type = "period-after-closing"


class WrongPeriodicity(Malformed):
    """The employer declares by the month and was asked for a quarter, or the other way round."""

    type = "wrong-periodicity"


class NothingToPropose(Conflict):
    """No earlier period was declared, and nobody is known to work for the employer."""

    type = "nothing-to-propose"


class NoProposalHere(Malformed):
    """Movements are not proposed, nor a complement or a replacement."""

    type = "no-proposal-here"


class NoHeaderHere(Conflict):
    """Only a month's or quarter's declaration has a header."""

    type = "no-header-here"


class PeriodAlreadyDeclared(Conflict):
    """A period that is declared, in whole or in part, is not assessed provisionally."""

    type = "period-already-declared"


class PeriodNotLate(Conflict):
    """Its last day has not passed."""

    type = "period-not-late"


class PeriodNotOwed(Conflict):
    """The employer, or its payment centre, was not open in it."""

    type = "period-not-owed"


class PeriodSuspended(Conflict):
    """The employer was without activity all along."""

    type = "period-suspended"


class ProvisionalMade(Conflict):
    """The period was provisionally assessed before."""

    type = "provisional-made"


class FieldOfAnotherForm(Malformed):
    """The draft's form has no such field."""

    type = "field-of-another-form"


class AmountSaidTwice(Malformed):
    """A base is given as an amount, or by its elements of pay: not both."""

    type = "amount-said-twice"


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
    said_as: ClassVar[SaidAs] = {"repair": ("repair.{id}",)}


class RepairChoiceNeeded(Malformed):
    """The repair can be done in several ways: one must be chosen."""

    type = "repair-choice-needed"
    said_as: ClassVar[SaidAs] = {"choices": ("repair-choice.{repair}.{id}",)}


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


class OwnProposal(Conflict):
    """Who proposed a value of the law cannot accept it: four eyes."""

    type = "own-proposal"


class ProposalDecided(Conflict):
    """Another administrator accepted or refused it before."""

    type = "proposal-decided"


class SuspensionOverlaps(Conflict):
    """Another suspension of the centre, asked for or accepted, has days from then on."""

    type = "suspension-overlaps"


class SuspensionOverDeclared(Conflict):
    """Pay stands declared for a period with days from then on."""

    type = "suspension-over-declared"


class EmployeesStillThere(Conflict):
    """The register counts employees on the day activity would stop: the employer confirms that it is right."""

    type = "employees-still-there"


class SuspensionNotOpen(Conflict):
    """It was decided, withdrawn or ended before."""

    type = "suspension-not-open"


class OutsideActivity(Malformed):
    """The day is before the employer or its centre opened, or after it closed."""

    type = "outside-activity"


class ResumptionTooEarly(Malformed):
    """Activity begins again after the first day without it."""

    type = "resumption-too-early"


class AnswerNeeded(Malformed):
    """A refusal says why."""

    type = "answer-needed"


class MovementsNotTold(Malformed):
    """Errors, or doubts nobody answered for, stand in the movements sent; the problem lists them as findings."""

    type = "movements-not-told"


class MovementReplaced(Conflict):
    """The movement named was corrected or withdrawn before, or is named twice."""

    type = "movement-replaced"


class WithdrawalNotAlone(Malformed):
    """A withdrawal names the movement it takes back, and says nothing else."""

    type = "withdrawal-not-alone"


class ReportNotReady(Conflict):
    """The year was not compared yet."""

    type = "report-not-ready"


class ComparisonMoved(Conflict):
    """The year was compared again since the caller saw it: the number may be another difference's now."""

    type = "comparison-moved"


class DifferenceAccepted(Conflict):
    """Someone gave a reason for this difference before."""

    type = "difference-accepted"
