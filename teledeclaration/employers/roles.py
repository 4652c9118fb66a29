"""THE table of roles and actions: who may do what. Every route names one of these actions.

A member's role holds for one employer; an officer's within their wilayas; an API key may do what its
scopes say. What is not said here is refused.

Choices: an accountant may file, since many small firms have nobody else; a reader only looks. Officers
prepare and file at the counter for an employer of their scope, and the declaration says who filed.
Administrators run the installation and its registers, and see no employer's declarations.
"""

from typing import Any, get_args

import msgspec

from schemas.employers import KeyScope, Role

PUBLIC = "public"


def _scopes(*scopes: KeyScope) -> frozenset[KeyScope]:
    return frozenset(scopes)


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


MEMBERS = _only("owner", "hr", "accountant", "reader")
OFFICERS = _only("agent", "supervisor")
PREPARE = _only("owner", "hr", "accountant", "agent", "supervisor")
LOOK = MEMBERS | OFFICERS
EVERYONE = LOOK | _only("administrator")


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One action: what it means, the roles that may, the key scopes that may.

    `of_employer`: it acts on one employer, which the request must name or imply.
    """

    means: str
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[KeyScope] = frozenset()
    of_employer: bool = True


RIGHTS: dict[str, Right] = {
    # ── what is declared
    "uploads.send": Right(means="send a file or lines for a draft", roles=PREPARE, scopes=_scopes("declare")),
    "drafts.read": Right(means="see drafts, lines and findings", roles=LOOK, scopes=_scopes("declare", "read")),
    "drafts.mend": Right(means="correct, leave out, drop", roles=PREPARE, scopes=_scopes("declare")),
    "findings.confirm": Right(means="answer by name for a doubt", roles=PREPARE, scopes=_scopes("declare")),
    "movements.tell": Right(
        means="tell entries, exits and changes, correct and withdraw them", roles=PREPARE, scopes=_scopes("declare")
    ),
    "movements.read": Right(means="see the movements told", roles=LOOK, scopes=_scopes("declare", "read")),
    "employees.read": Right(means="see who works for the employer", roles=LOOK, scopes=_scopes("declare", "read")),
    "declarations.file": Right(means="file a declaration", roles=PREPARE, scopes=_scopes("declare")),
    "declarations.read": Right(means="see what was filed", roles=LOOK, scopes=_scopes("declare", "read")),
    "assessments.read": Right(means="see what it costs, and why", roles=LOOK, scopes=_scopes("declare", "read", "pay")),
    "provisional.make": Right(means="assess a period that was not declared in time", roles=OFFICERS),
    "dues.read": Right(means="see what is owed", roles=LOOK, scopes=_scopes("read", "pay")),
    "documents.read": Right(means="download receipts", roles=LOOK, scopes=_scopes("declare", "read", "pay")),
    "templates.read": Right(
        means="download a workbook to be filled", roles=EVERYONE, scopes=_scopes("declare", "read"), of_employer=False
    ),
    "calendar.read": Right(
        means="see what is owed when, and what is late", roles=LOOK, scopes=_scopes("declare", "read", "pay")
    ),
    "suspensions.ask": Right(
        means="ask for a suspension of activity, end it", roles=PREPARE, scopes=_scopes("declare")
    ),
    "suspensions.read": Right(means="see suspensions of activity", roles=LOOK, scopes=_scopes("declare", "read")),
    "suspensions.decide": Right(means="accept or refuse a suspension", roles=OFFICERS),
    "reconciliations.ask": Right(means="have a year's declarations compared", roles=PREPARE, scopes=_scopes("declare")),
    "reconciliations.read": Right(
        means="see where a year does not agree", roles=LOOK, scopes=_scopes("declare", "read")
    ),
    "reconciliations.accept": Right(
        means="stand by a difference, with a reason", roles=PREPARE, scopes=_scopes("declare")
    ),
    # ── the employer and who acts for it
    "employers.read": Right(
        means="see the employer's particulars", roles=LOOK, scopes=_scopes("declare", "read", "pay")
    ),
    "members.read": Right(means="see who acts for the employer", roles=LOOK),
    "members.manage": Right(means="invite, change and end members", roles=_only("owner")),
    "keys.manage": Right(means="make, see and revoke API keys", roles=_only("owner", "administrator")),
    "twins.manage": Right(means="make a test twin, move its clock", roles=_only("owner")),
    "journal.read": Right(means="see who did what", roles=_only("owner", "supervisor", "administrator")),
    # ── oneself
    "session.own": Right(means="see and end one's own sessions", roles=EVERYONE, of_employer=False),
    # ── the fund
    "employers.search": Right(means="find an employer of one's scope", roles=OFFICERS, of_employer=False),
    "reconciliations.list": Right(
        means="list the employers of one's scope that do not agree", roles=OFFICERS, of_employer=False
    ),
    "undeclared.read": Right(means="list who has not declared in one's scope", roles=OFFICERS, of_employer=False),
    "registers.load": Right(
        means="bring the fund's registers up to date",
        roles=_only("administrator"),
        scopes=_scopes("fund.registers"),
        of_employer=False,
    ),
    "registers.read": Right(means="look a person up; journaled", roles=OFFICERS, of_employer=False),
    "declared.read": Right(
        means="follow what was filed, for the fund's systems",
        roles=_only("administrator"),
        scopes=_scopes("fund.registers"),
        of_employer=False,
    ),
    "law.manage": Right(
        means="propose later values of the law, and accept another's", roles=_only("administrator"), of_employer=False
    ),
    "accounts.manage": Right(
        means="invite officers, administrators and first owners", roles=_only("administrator"), of_employer=False
    ),
}


def allows(right: Right, role: Role, scopes: frozenset[KeyScope]) -> bool:
    """Whether a role, or an API key (role `key`) with these scopes, may."""
    return bool(right.scopes & scopes) if role == "key" else role in right.roles


def grantable_scopes(role: Role) -> frozenset[KeyScope]:
    """The scopes whose every action this role may do itself, and so may hand to a key."""
    scopes: tuple[KeyScope, ...] = get_args(KeyScope)
    return frozenset(scope for scope in scopes if _covers(role, scope))


def _covers(role: Role, scope: KeyScope) -> bool:
    given = [right for right in RIGHTS.values() if scope in right.scopes]
    return bool(given) and all(role in right.roles for right in given)


def guarded(action: str, **marks: Any) -> dict[str, Any]:
    """Keywords for a route handler: `@get("/v1/dues", **guarded("dues.read"))`.

    `marks` go into the handler's `opt`, for instance `answers_secret=True` (see `idempotency`).
    KeyError, at import, for an action that is not in the table.
    """
    if action != PUBLIC:
        RIGHTS[action]
    return {"opt": {"action": action, **marks}}
