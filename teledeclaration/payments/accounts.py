"""The chart of accounts: each employer has its own, so that no posting touches two employers.

A balance is debits minus credits. Seen from the fund: what is owed to it stands in debit, what it holds
or has earned in credit.

    due:<nature>:<payer>   what the employer owes; the sum of its dues' remaining amounts
    credit                 what is held for the employer; the sum of its credits' remaining amounts
    revenue:<branch>       what assessments gave to a branch
    assessed:<payer>       between branches and dues; nothing stays in it
    penalties              what penalties gave
    opening:balance        the counterpart of what the fund's former system said
    clearing:<rail>        money on its way in by card, bank statement, direct debit …
    suspense               money that is here and whose use is not known

The reserved tenant 0, the fund itself, has the same accounts: clearing and suspense hold there the money
whose employer is not known yet.
"""

from schemas.legislation import Branch, Payer
from schemas.payments import Nature

CREDIT = "credit"
SUSPENSE = "suspense"
PENALTIES = "penalties"
OPENING = "opening:balance"


def due_account(nature: Nature, payer: Payer) -> str:
    return f"due:{nature}:{payer}"


def revenue_account(branch: Branch) -> str:
    return f"revenue:{branch}"


def assessed_account(payer: Payer) -> str:
    return f"assessed:{payer}"


def clearing_account(rail: str) -> str:
    return f"clearing:{rail}"
