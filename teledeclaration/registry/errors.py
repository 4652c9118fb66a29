"""What can go wrong at the registers' doors."""

from typing import Any

from teledeclaration.errors import Conflict, Malformed, TooManyRequests


class FileRefused(Malformed):
    """A register's file that cannot be read as a whole; `reason` is the key of its words."""

    type = "register-file-refused"

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(**values)
        self.reason = reason


class RowsRefused(Malformed):
    """Rows over REST that are not an array of objects with the register's fields."""

    type = "register-rows-malformed"


class SearchTooWide(Malformed):
    """Neither a whole number nor a last name with the beginning of a first name."""

    type = "search-too-wide"


class LooksTooMany(TooManyRequests):
    type = "looks-too-many"


class CursorUnknown(Malformed):
    type = "cursor-unknown"


class DayNotOver(Conflict):
    """The day's filings are not all in yet."""

    type = "day-not-over"
