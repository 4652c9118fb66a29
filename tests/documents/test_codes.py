"""A document's code: unguessable, forgiving to type, and a mistake is told at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.documents.codes import ALPHABET, CODE_LENGTH, MistypedCode, grouped, new_code, read_code

codes = st.builds(new_code)
places = st.integers(0, CODE_LENGTH - 1)


def test_codes_differ_and_use_every_symbol() -> None:
    drawn = {new_code() for _ in range(2_000)}
    assert len(drawn) == 2_000
    assert set("".join(drawn)) == set(ALPHABET)


@given(codes)
def test_a_code_reads_back_as_people_type_it(code: str) -> None:
    for typed in (code, grouped(code), grouped(code).lower(), f"  {grouped(code).replace('-', ' – ')}\u200f"):
        assert read_code(typed) == code


def test_lookalikes_and_arabic_digits_read_as_what_was_meant() -> None:
    code = next(code for code in iter(new_code, "") if "0" in code and "1" in code)
    assert read_code(code.replace("0", "O").replace("1", "l")) == code
    assert read_code(code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))) == code


@given(codes, places, st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_told(code: str, place: int, symbol: str) -> None:
    typed = code[:place] + symbol + code[place + 1 :]
    if typed != code:
        with pytest.raises(MistypedCode):
            read_code(typed)


@given(codes, places, places)
def test_two_symbols_exchanged_are_told(code: str, one: int, other: int) -> None:
    symbols = list(code)
    symbols[one], symbols[other] = symbols[other], symbols[one]
    typed = "".join(symbols)
    if typed != code:
        with pytest.raises(MistypedCode):
            read_code(typed)


@given(st.text(max_size=40))
def test_anything_else_is_mistyped_or_a_code(typed: str) -> None:
    try:
        code = read_code(typed)
    except MistypedCode:
        return
    assert set(code) <= set(ALPHABET)
    assert len(code) == CODE_LENGTH


@pytest.mark.parametrize("typed", ["", "7K3M", "U" * CODE_LENGTH, "0" * (CODE_LENGTH + 1), "../../etc/passwd-0000"])
def test_what_cannot_be_a_code_is_refused(typed: str) -> None:
    with pytest.raises(MistypedCode):
        read_code(typed)
