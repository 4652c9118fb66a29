"""Document codes: what a person types to verify a paper, and a mistake in typing is told at once.

A code is 20 symbols of Crockford's base 32 (no I, L, O or U): 19 drawn at random, 95 bits, then a
check symbol. The weighted sum of the symbols over the field of 32 elements is zero; as every weight
differs, one wrong symbol and any two symbols exchanged are always found.
"""

import secrets
import unicodedata

from teledeclaration.errors import Malformed

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 20
GROUP_LENGTH = 4
_LOOKALIKES = str.maketrans("OIL", "011")


def _powers_of_two() -> list[int]:
    """The 31 non-zero elements of GF(32) as powers of 2, modulo x^5 + x^2 + 1."""
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 0b100000 else doubled)
    return powers


_POWERS = _powers_of_two()
_LOGARITHMS = {element: exponent for exponent, element in enumerate(_POWERS)}


class MistypedCode(Malformed):
    """What was typed cannot be a document's code: a symbol is wrong, missing or too many."""

    type = "mistyped-code"


def new_code() -> str:
    """A code nobody can guess, in its canonical form: 20 symbols, upper case, no separators."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH - 1))
    return drawn + ALPHABET[_weighted_sum(drawn)]


def read_code(typed: str) -> str:
    """The canonical form of a code as a person typed it; MistypedCode where it cannot be one.

    Case, spaces and dashes do not count; O reads as 0, I and L as 1, and the digits of other
    scripts as their own.
    """
    symbols = "".join(_plain(character) for character in typed).upper().translate(_LOOKALIKES)
    if len(symbols) != CODE_LENGTH or any(symbol not in ALPHABET for symbol in symbols):
        raise MistypedCode
    if _weighted_sum(symbols[:-1]) != ALPHABET.index(symbols[-1]):
        raise MistypedCode
    return symbols


def grouped(code: str) -> str:
    """A code for the eye: groups of four joined by hyphens."""
    return "-".join(code[start : start + GROUP_LENGTH] for start in range(0, len(code), GROUP_LENGTH))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    # Spaces, dashes and the invisible marks that a copy from a bilingual page brings along.
    return "" if category in {"Zs", "Pd", "Cf", "Cc"} else character


def _weighted_sum(symbols: str) -> int:
    """The sum of symbol × 2^place over GF(32), places from 1: the check symbol has weight one."""
    total = 0
    for place, symbol in enumerate(symbols, start=1):
        value = ALPHABET.index(symbol)
        if value:
            total ^= _POWERS[(_LOGARITHMS[value] + place) % 31]
    return total
