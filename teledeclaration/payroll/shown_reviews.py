"""Reviews as a reader is shown them."""

import msgspec

from schemas.reviews import ChangedField, Effect, Review, ReviewChange, ReviewStatus
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.review_changes import ChangeRow
from teledeclaration.payroll.queries.reviews import ReviewRow, counts_of


def show_review(row: ReviewRow, draft: DraftRow) -> Review:
    """A review beside its draft; one of lines that moved since is outdated, whatever was said of it then."""
    compared = bool(row.counts)
    return Review(
        review_id=row.review_id,
        draft_id=row.draft_id,
        base="draft" if row.base == "draft" else "declaration",
        status=_status(row, draft),
        filename=row.filename,
        counts=counts_of(row) if compared else None,
        effect=msgspec.convert(row.effect, Effect) if compared else None,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def _status(row: ReviewRow, draft: DraftRow) -> ReviewStatus:
    of_these_lines = row.lines_revision == draft.lines_revision
    still_matters = row.status == "ready" or (row.status == "accepted" and row.base == "declaration")
    return "outdated" if draft.status == "open" and still_matters and not of_these_lines else row.status


def show_change(row: ChangeRow) -> ReviewChange:
    """A change with its fields named, not numbered."""
    fields = {name: _field_change(*values) for name, values in row.fields.items()}
    return msgspec.convert(msgspec.structs.asdict(row) | {"fields": fields}, ReviewChange)


def _field_change(before: object, after: object, how: str | None = None) -> ChangedField:
    return msgspec.convert({"before": before, "after": after, "how": how}, ChangedField)
