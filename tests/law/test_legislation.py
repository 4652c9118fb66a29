"""The law as data: every page of the fund is whole, and a page that breaks a rule is refused."""

import re
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest

import teledeclaration.legislation
from schemas.legislation import Confidence, LaterValue, Payer, Unit
from teledeclaration.languages import LANGUAGES, Language, catalogue, say
from teledeclaration.legislation import InvalidLegislation, Legislation, NotInForce, load
from teledeclaration.legislation.pages import decode_page
from teledeclaration.legislation.reading import law_on
from teledeclaration.payroll.law.simulation import pay_element_kinds

LAW = load("cnas")
TODAY = LAW.on(date(2026, 6, 1))
FOLDER = Path(teledeclaration.legislation.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "law.md"
ARABIC = re.compile(r"[\u0621-\u064a]")

PAGE = """
label = "A rate"
unit = "ratio of the base"
checked_on = 2026-11-22

[[values]]
valid_from = 2015-01-01
value = "0.10"
reference = "A decree"
confidence = "S"
"""
SECOND = """
[[values]]
valid_from = 2020-01-01
value = "0.20"
reference = "Another decree"
confidence = "S2"
"""
LINE = """
label = "A line"
unit = "ratio of the base"
checked_on = 2026-11-22

[[values]]
valid_from = 2015-01-01
total = "0.10"
parts = [{ branch = "retirement", payer = "employer", rate = "rates.one" }]
reference = "A form"
confidence = "S"
"""
CATEGORY = """
label = "A category"
unit = "rate category"
checked_on = 2026-11-22

[[values]]
valid_from = 2015-01-01
enabled = true
lines = ["X1"]
reference = "A form"
confidence = "I"
"""


def law_of(**pages: str) -> Legislation:
    keys = {name.replace("__", "."): text for name, text in pages.items()}
    return Legislation("test", {key: decode_page(key, text.encode()) for key, text in keys.items()})


def test_a_value_runs_until_the_next_one() -> None:
    law = law_of(rates__one=PAGE + SECOND)
    on = {day: law.on(day).number("rates.one") for day in (date(2015, 1, 1), date(2019, 12, 31), date(2020, 1, 1))}
    assert list(on.values()) == [Decimal("0.10"), Decimal("0.10"), Decimal("0.20")]
    assert [reference.value for reference in law.history("rates.one")] == ["0.1", "0.2"]


def test_a_day_before_the_first_value_is_an_error_in_words() -> None:
    with pytest.raises(NotInForce) as missing:
        LAW.on(date(2010, 1, 1)).amount("minimum_wage.month")
    for language in LANGUAGES:
        words = say(f"problem.{missing.value.type}", language, **missing.value.values)
        assert "minimum_wage.month" in words
        assert "2010-01-01" in words
    with pytest.raises(NotInForce):
        LAW.on(date(1990, 1, 1))


def test_a_value_with_an_end_is_over_the_day_after() -> None:
    law = law_of(rates__one=PAGE + "last_day = 2017-12-31\n", rates__two=PAGE)
    assert law.on(date(2017, 12, 31)).number("rates.one") == Decimal("0.10")
    with pytest.raises(NotInForce):
        law.on(date(2018, 1, 1)).number("rates.one")


@pytest.mark.parametrize(
    ("reason", "page"),
    [
        ("unreadable", PAGE + "decree = 'unknown field'\n"),
        ("unreadable", PAGE.replace("ratio of the base", "ratio of the moon")),
        ("unreadable", PAGE.replace('"S"', '"sure"')),
        ("unreadable", PAGE.replace('value = "0.10"\n', "")),
        ("unreadable", PAGE.replace("checked_on = 2026-11-22\n", "")),
        ("unreadable", PAGE.replace('"0.10"', "0.10")),
        ("incomplete", PAGE.replace("A decree", " ")),
        ("incomplete", PAGE.replace("A rate", "")),
        ("incomplete", "label_fr = ''\n" + PAGE),
        ("incomplete", "label_ar = ' '\n" + PAGE),
        ("incomplete", PAGE.split("[[values]]", maxsplit=1)[0] + "values = []\n"),
        ("not_increasing", PAGE + SECOND.replace("2020-01-01", "2015-01-01")),
        ("not_increasing", PAGE + SECOND.replace("2020-01-01", "2014-12-31")),
        ("gap_or_overlap", PAGE + "last_day = 2019-12-30\n" + SECOND),
        ("gap_or_overlap", PAGE + "last_day = 2020-01-01\n" + SECOND),
        ("ends_before_start", PAGE + "last_day = 2014-12-31\n"),
        ("out_of_bounds", PAGE.replace('"0.10"', '"10.00"')),
        ("out_of_bounds", PAGE.replace('"0.10"', '"-0.10"')),
        ("out_of_bounds", PAGE.replace('"0.10"', '"NaN"')),
        ("out_of_bounds", PAGE.replace("ratio of the base", "days")),
        ("out_of_bounds", PAGE.replace("ratio of the base", "dinars a month").replace("0.10", "0.105")),
        ("out_of_bounds", PAGE.replace("ratio of the base", "hours a week").replace("0.10", "168.5")),
        ("out_of_bounds", PAGE.replace("ratio of the base", "ratio a month").replace("0.10", "1.01")),
        ("out_of_bounds", PAGE.replace("ratio of the base", "dinars").replace("0.10", "5000.001")),
        ("out_of_bounds", PAGE.replace("ratio of the base", "hours").replace("0.10", "47.5")),
        ("incomplete", PAGE.split("[[values]]", maxsplit=1)[0] + "awaited = ' '\nvalues = []\n"),
        ("wrong_unit", PAGE.replace('"0.10"', "true")),
        ("wrong_unit", PAGE.replace("ratio of the base", "words")),
    ],
)
def test_a_page_that_breaks_a_rule_is_refused(reason: str, page: str) -> None:
    with pytest.raises(InvalidLegislation) as refused:
        law_of(rates__one=page)
    assert refused.value.reason == reason
    assert all(say(f"legal.refused.{reason}", language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("reason", "pages"),
    [
        ("parts_differ_from_total", {"rates__one": PAGE, "lines__X1": LINE.replace('"0.10"', '"0.11"')}),
        ("parts_differ_from_total", {"rates__one": PAGE + SECOND, "lines__X1": LINE}),
        ("part_not_in_force", {"rates__one": PAGE.replace("2015", "2016"), "lines__X1": LINE}),
        ("unknown_key", {"rates__two": PAGE, "lines__X1": LINE}),
        ("unknown_key", {"rates__one": PAGE, "lines__X2": LINE, "categories__a": CATEGORY}),
        (
            "line_not_in_force",
            {"rates__one": PAGE, "lines__X1": LINE, "categories__a": CATEGORY.replace("2015", "2014")},
        ),
        (
            "category_without_lines",
            {"rates__one": PAGE, "lines__X1": LINE, "categories__a": CATEGORY.replace("true", "false")},
        ),
        ("wrong_unit", {"rates__one": PAGE, "lines__X1": LINE.replace("ratio of the base", "days")}),
        ("bad_key", {"rates": PAGE}),
    ],
)
def test_pages_that_do_not_fit_together_are_refused(reason: str, pages: dict[str, str]) -> None:
    with pytest.raises(InvalidLegislation) as refused:
        law_of(**pages)
    assert refused.value.reason == reason
    assert all(say(f"legal.refused.{reason}", language) for language in LANGUAGES)


def test_no_fund_of_that_name() -> None:
    for name in ("cnss", "../cnas", "words"):
        with pytest.raises(InvalidLegislation) as refused:
            load(name)
        assert refused.value.reason == "unknown_fund"


def later(**changes: object) -> LaterValue:
    entry: dict[str, object] = {
        "valid_from": "2027-01-01",
        "value": "25000.00",
        "reference": "A decree to come",
        "confidence": "S2",
    }
    return LaterValue(key="minimum_wage.month", entry=entry | changes)


def test_an_administrator_adds_a_value_and_the_release_stays_as_it_was() -> None:
    law = LAW.with_rows([later()])
    assert law.on(date(2026, 12, 31)).amount("minimum_wage.month") == 2_400_000
    assert law.on(date(2027, 1, 1)).amount("minimum_wage.month") == 2_500_000
    assert LAW.on(date(2027, 1, 1)).amount("minimum_wage.month") == 2_400_000
    assert law.fingerprint() != LAW.fingerprint()
    assert law.on(date(2026, 12, 31)).fingerprint() == LAW.on(date(2026, 12, 31)).fingerprint()


def test_a_later_row_for_the_same_day_stands_in_place_of_the_earlier() -> None:
    law = LAW.with_rows([later(), later(value="26000.00")])
    assert law.on(date(2027, 1, 1)).amount("minimum_wage.month") == 2_600_000
    assert len(law.history("minimum_wage.month")) == len(LAW.history("minimum_wage.month")) + 1


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("out_of_bounds", later(value="-1")),
        ("incomplete", later(reference="")),
        ("unreadable", later(confidence="certain")),
        ("unreadable", later(minister="unknown field")),
        ("unknown_key", LaterValue(key="minimum_wage.week", entry={})),
    ],
)
def test_an_administrators_value_keeps_the_rules_of_the_files(reason: str, row: LaterValue) -> None:
    with pytest.raises(InvalidLegislation) as refused:
        LAW.with_rows([row])
    assert refused.value.reason == reason


def test_a_rate_changed_without_its_line_is_refused() -> None:
    row = LaterValue(key="rates.retirement.employer", entry=later(value="0.12").entry)
    with pytest.raises(InvalidLegislation) as refused:
        LAW.with_rows([row])
    assert refused.value.reason == "parts_differ_from_total"


def test_the_fingerprint_is_of_the_values_and_not_of_their_spelling() -> None:
    spelt = law_of(rates__one=PAGE)
    assert law_of(rates__one=PAGE.replace("0.10", "0.1000")).fingerprint() == spelt.fingerprint()
    assert law_of(rates__one=PAGE.replace("A decree", "The decree")).fingerprint() == spelt.fingerprint()
    assert law_of(rates__one=PAGE.replace("0.10", "0.11")).fingerprint() != spelt.fingerprint()


def test_a_value_is_read_as_what_it_is() -> None:
    assert TODAY.amount("minimum_wage.month") == 2_400_000
    assert TODAY.whole("deadlines.periodic") == 30
    assert TODAY.flag("rebates.employer_up_to_date") is True
    assert "tourism" in TODAY.words("rebates.listed_sectors")
    for read in (TODAY.number, TODAY.whole, TODAY.flag, TODAY.amount):
        with pytest.raises(TypeError):
            read("rebates.listed_sectors")
    with pytest.raises(TypeError):
        TODAY.whole("minimum_wage.hours_a_month")
    with pytest.raises(KeyError):
        TODAY.number("minimum_wage.week")


def test_the_minimum_wage_an_hour_is_the_months_over_its_hours() -> None:
    month, hours = TODAY.number("minimum_wage.month"), TODAY.number("minimum_wage.hours_a_month")
    assert (month / hours).quantize(Decimal("0.01"), rounding=ROUND_DOWN) == TODAY.number("minimum_wage.hour")


@pytest.mark.parametrize("rebate", ["north_job_seeker", "north_first_job", "high_plateaux_south"])
def test_a_rebate_is_borne_by_the_unemployment_fund_and_the_treasury(rebate: str) -> None:
    borne = [TODAY.number(f"rebates.{rebate}.{who}") for who in ("unemployment_fund", "treasury")]
    assert sum(borne) == TODAY.number(f"rebates.{rebate}.rebate")


def test_the_categories_that_are_not_confirmed_are_disabled() -> None:
    closed = set(TODAY.category_names()) - set(TODAY.enabled_categories())
    assert closed == {"disabled_worker", "apprentice", "daip_cta"}
    assert all(TODAY.category(name).law.to_be_confirmed for name in closed)
    assert TODAY.category("rebate_north_first_job").rebate == "rebates.north_first_job"


def test_everything_the_law_names_has_words_in_three_languages() -> None:
    parts = [part for key in LAW.keys if key.startswith("lines.") for part in TODAY.line(key[6:]).parts]
    wanted = {f"legal.branch.{part.branch}" for part in parts} | {f"legal.payer.{payer.value}" for payer in Payer}
    wanted |= {
        f"legal.{'line' if key.startswith('lines.') else 'category'}.{key.split('.')[1]}"
        for key in LAW.keys
        if key.startswith(("lines.", "categories."))
    }
    wanted |= {f"legal.confidence.{mark.value}" for mark in Confidence} | {f"legal.unit.{unit.value}" for unit in Unit}
    wanted |= {f"legal.excluded_element.{word}" for word in TODAY.words("base.excluded_elements")}
    sectors = (*TODAY.words("rebates.listed_sectors"), *TODAY.words("rebates.excluded_sectors"))
    wanted |= {f"legal.rebate_sector.{word}" for word in sectors}
    assessment = (*TODAY.words("assessment.rounding"), *TODAY.words("assessment.sharing"))
    wanted |= {f"legal.rounding.{word}" for word in assessment}
    wanted |= {f"legal.element.{kind}" for kind in pay_element_kinds(TODAY)}
    said_otherwise = ("base.", "rebates.", "assessment.")
    pages = [key for key in LAW.keys if LAW.page(key).unit is Unit.WORDS and not key.startswith(said_otherwise)]
    wanted |= {f"legal.word.{word}" for key in pages for word in TODAY.words(key)}
    assert wanted <= set(catalogue())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_label_of_its_own_in_each_language(language: Language) -> None:
    """One line each, Arabic in Arabic letters, and no two of a folder alike: a reader tells them apart."""
    seen: dict[tuple[str, str], str] = {}
    for key in LAW.keys:
        page, folder = LAW.page(key), key.rpartition(".")[0]
        label = {"fr": page.label_fr, "ar": page.label_ar, "en": page.label}[language]
        assert label is not None, key
        assert label == " ".join(label.split()), key
        assert len(label) <= 120, key
        assert bool(ARABIC.search(label)) is (language == "ar"), key
        assert seen.setdefault((folder, label), key) == key
    assert len(seen) == len(LAW.keys)


def test_a_page_without_a_label_in_a_language_is_read_in_english() -> None:
    law = law_of(rates__one="label_fr = 'Un taux'\n" + PAGE, rates__two=PAGE)
    read = {lang: [one.label for one in law_on(law, date(2016, 1, 1), lang).values] for lang in LANGUAGES}
    assert read == {"fr": ["Un taux", "A rate"], "ar": ["A rate", "A rate"], "en": ["A rate", "A rate"]}
    assert law.on(date(2016, 1, 1)).reference("rates.one").label == "A rate"


def test_an_element_of_pay_is_either_in_the_base_or_outside_it() -> None:
    inside = set(TODAY.words("base.included_elements"))
    kinds = [key for key in LAW.keys if key.startswith("base.kinds.")]
    outside = {*TODAY.words("base.excluded_elements"), *(word for key in kinds for word in TODAY.words(key))}
    assert not inside & outside
    assert {key.removeprefix("base.kinds.") for key in kinds} <= set(TODAY.words("base.excluded_elements"))


def test_the_page_on_the_law_lists_every_value_that_is_not_sure() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([\d-]+) \| (\w+) \| (yes|no) \|", DOCS.read_text(), re.MULTILINE)
    unsure = {
        (key, ref.valid_from.isoformat(), ref.confidence.value, "yes" if ref.to_be_confirmed else "no")
        for key in LAW.keys
        for ref in LAW.history(key)
        if ref.to_be_confirmed or ref.confidence in (Confidence.INFERRED, Confidence.BACKGROUND)
    }
    assert set(rows) == unsure


AWAITED = [key for key in LAW.keys if not LAW.page(key).values]


def test_the_page_on_the_law_lists_every_value_that_nobody_has_read() -> None:
    listed = DOCS.read_text().partition("## What is not held")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", listed, re.MULTILINE))
    assert rows == {key: LAW.page(key).awaited for key in AWAITED}
    assert {"penalties.cap", "instalments.months_max"} <= set(AWAITED)


@pytest.mark.parametrize("key", AWAITED)
def test_an_awaited_value_is_in_force_on_no_day_and_says_so(key: str) -> None:
    with pytest.raises(NotInForce):
        TODAY.reference(key)
    assert LAW.history(key) == []


def test_the_fund_gives_an_awaited_value_without_touching_code() -> None:
    law = LAW.with_rows([LaterValue(key="instalments.months_max", entry=later(value="36").entry)])
    assert law.on(date(2027, 1, 1)).whole("instalments.months_max") == 36
    with pytest.raises(InvalidLegislation):
        LAW.with_rows([LaterValue(key="instalments.months_max", entry=later(value="36.5").entry)])


def test_a_campaign_is_over_after_its_last_day_for_requests() -> None:
    key = "campaigns.ordinance_2021.remission_on_last_instalment"
    assert LAW.on(date(2022, 1, 31)).flag(key) is True
    with pytest.raises(NotInForce):
        LAW.on(date(2022, 2, 1)).flag(key)


def test_no_law_is_written_outside_this_folder() -> None:
    decree = re.compile(r"\b(?:94-187|15-236|06-339|26-01)\b")
    code = [path for path in FOLDER.parent.rglob("*.py") if FOLDER not in path.parents]
    assert [path.name for path in code if decree.search(path.read_text())] == []


def test_every_value_was_compared_with_its_text_after_it_took_effect() -> None:
    for key in LAW.keys:
        page = LAW.page(key)
        assert all(page.checked_on >= dated.valid_from for dated in page.values), key
