"""What can go wrong with who asks, and for which employer."""

from teledeclaration.errors import Conflict, Malformed, NotAllowed, NotFound, NotSignedIn, TooManyRequests


class SignInRefused(NotSignedIn):
    """The address or the password is wrong; which of the two is never told."""

    type = "sign-in-refused"


class SignInTooOften(TooManyRequests):
    type = "sign-in-too-often"


class ForeignOrigin(NotAllowed):
    """A browser sent this from another site's page."""

    type = "foreign-origin"


class EmployerNotNamed(Malformed):
    """The request must say for which employer, by its `Employer` header."""

    type = "employer-not-named"


class EmployerNotFound(NotFound):
    type = "employer-not-found"


class WeakPassword(Malformed):
    type = "weak-password"


class LastOwner(Conflict):
    type = "last-owner"


class InvitationOver(Conflict):
    """Unknown, taken up, or past its day: the three are never told apart."""

    type = "invitation-over"


class ScopesBeyondYours(NotAllowed):
    type = "scopes-beyond-yours"


class KeyTooLong(Malformed):
    type = "key-too-long"


class TwinExists(Conflict):
    type = "twin-exists"


class NotATwin(Conflict):
    type = "not-a-twin"


class MisplacedRole(Malformed):
    """An owner needs an employer; an officer has none."""

    type = "misplaced-role"


class IdempotencyKeyReused(Malformed):
    type = "idempotency-key-reused"


class IdempotencyKeyTooLong(Malformed):
    type = "idempotency-key-too-long"


class IdempotencyKeyInUse(Conflict):
    type = "idempotency-key-in-use"


class IdempotencyOutcomeUnknown(Conflict):
    """The first request with this key was cut off: it may or may not have been carried out."""

    type = "idempotency-outcome-unknown"


class IdempotencyAnswerNotKept(Conflict):
    """The first answer held a secret, which is shown once only."""

    type = "idempotency-answer-not-kept"
