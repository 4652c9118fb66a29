"""The SQL of each register, as `steps` describes it."""

from schemas.registry import Register
from teledeclaration.registry.sql.balances import BALANCES
from teledeclaration.registry.sql.contacts import CONTACTS
from teledeclaration.registry.sql.employers import EMPLOYERS
from teledeclaration.registry.sql.employments import EMPLOYMENTS
from teledeclaration.registry.sql.people import PEOPLE
from teledeclaration.registry.sql.steps import Counted, Statements, Step

__all__ = ["STATEMENTS", "Counted", "Statements", "Step"]

STATEMENTS: dict[Register, Statements] = {
    "people": PEOPLE,
    "employers": EMPLOYERS,
    "employments": EMPLOYMENTS,
    "contacts": CONTACTS,
    "balances": BALANCES,
}
