"""What can be wrong with the law as data.

Conflict
└── NotInForce            409   no value of this key is in force on this day
Malformed
└── InvalidLegislation    422   a page, or an administrator's value, breaks a rule of `validation`
NotFound
└── UnknownLegalKey       404   the fund's law has no page of this key
"""

from datetime import date

from teledeclaration.errors import Conflict, Malformed, NotFound


class NotInForce(Conflict):
    """The law held here says nothing about `key` on `day`: before its first value, or after its end."""

    type = "legal-value-not-in-force"

    def __init__(self, key: str, day: date) -> None:
        super().__init__(legal_key=key, day=day.isoformat())


class InvalidLegislation(Malformed):
    """`reason` is a code with words under `legal.refused`; `detail` says where, for who wrote the value."""

    type = "legal-value-refused"

    def __init__(self, key: str, reason: str, detail: str = "", *, pointer: str | None = None) -> None:
        super().__init__(pointer=pointer, legal_key=key, reason=reason, detail=detail)
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.values['legal_key']}: {self.reason} {self.values['detail']}".rstrip()


class UnknownLegalKey(NotFound):
    """Nobody wrote a page for the key."""

    type = "legal-key-unknown"
