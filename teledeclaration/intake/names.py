"""One column for two names."""

import polars as pl

_PARTICLES = (
    "BEN|BENT|BINT|BIN|BOU|BEL|AIT|AÏT|ATH|EL|AL|OULD|OU|ABD|ABDEL|ABOU|SI|SIDI|HADJ|EL-HADJ|BENI|DE|LE|LA|"
    "بن|ابن|بنت|بو|بل|أيت|آيت|ايت|ولد|أولاد|عبد|ابو|أبو|سي|سيدي|حاج"
)
_CAPITALS_FIRST = r"^((?:[\p{Lu}'’.\-]{2,}\s+)+)(\p{Lu}\p{Ll}.*)$"
_CAPITALS_LAST = r"^(\p{Lu}\p{Ll}.*?)\s+((?:[\p{Lu}'’.\-]{2,}\s*)+)$"
_WORDS = rf"^((?:(?i:{_PARTICLES})\s+)*\S+)\s+(.+)$"
_LAST_WORDS = rf"^(.+?)\s+((?:(?i:{_PARTICLES})\s+)*\S+)$"
_COMMA = r"^([^,،]+)[,،]\s*(.+)$"


def split_full_name(names: pl.Series, *, first_name_first: bool) -> tuple[pl.Series, pl.Series]:
    """Last names and first names.

    A comma, or capitals ("BEN ALI Mohamed Amine", "Amine BEN ALI"), say which is which; else the order of the
    header does, with what belongs together ("Ben", "Aït", "عبد") kept so. A single word is a last name.
    """
    plain = names.str.strip_chars().str.replace_all(r"\s+", " ")
    frame = pl.DataFrame({"name": plain})
    name = pl.col("name")
    by_order = (_LAST_WORDS, 2, 1) if first_name_first else (_WORDS, 1, 2)
    patterns = ((_COMMA, 1, 2), (_CAPITALS_FIRST, 1, 2), (_CAPITALS_LAST, 2, 1), by_order)
    last = pl.coalesce(*(name.str.extract(pattern, group) for pattern, group, _ in patterns), name)
    first = pl.coalesce(*(name.str.extract(pattern, group) for pattern, _, group in patterns))
    split = frame.select(last=last.str.strip_chars(), first=first.str.strip_chars())
    return split["last"], split["first"]
