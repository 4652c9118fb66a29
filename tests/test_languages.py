"""What the platform says: whole in the three languages, and nothing said that stands nowhere."""

import ast
import pkgutil
import re
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import pytest

import teledeclaration
from teledeclaration.errors import BusinessError
from teledeclaration.languages import LANGUAGES, Words, catalogue, chosen_language, say

PACKAGE = Path(teledeclaration.__path__[0])
ARABIC = re.compile("[\u0621-\u064a]")

SAME_IN_FRENCH_AND_ENGLISH = frozenset(
    {
        "annotated.author",
        "annotated.severity.info",
        "document.page",
        "field.observation",
        "verify.fact.kind",
        "legal.rebate_sector.agriculture",
        "legal.rebate_sector.culture",
        "legal.rebate_sector.services",
    }
)
"""The very same word; whatever else reads alike was not translated."""

NAMES_OF_THE_PRODUCT = frozenset({"annotated.author"})


def placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def sources(*folders: str) -> list[tuple[Path, ast.Module]]:
    files = sorted(file for folder in folders for file in (PACKAGE / folder).rglob("*.py"))
    return [(file, ast.parse(file.read_text("utf-8"))) for file in files]


def errors_below(error: type[BusinessError]) -> Iterator[type[BusinessError]]:
    for child in error.__subclasses__():
        yield child
        yield from errors_below(child)


def business_errors() -> dict[str, type[BusinessError]]:
    """Every business error of the platform by its class's full name."""
    for module in pkgutil.walk_packages(teledeclaration.__path__, "teledeclaration."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found = errors_below(BusinessError)
    return {f"{error.__module__}.{error.__name__}": error for error in found if error.__module__.startswith("tele")}


WORDS = MappingProxyType(catalogue())
ERRORS = MappingProxyType(business_errors())


@pytest.mark.parametrize("key", WORDS)
def test_each_sentence_is_whole_in_each_language(key: str) -> None:
    words = WORDS[key]
    assert placeholders(words.fr) == placeholders(words.ar) == placeholders(words.en)
    assert all(text == text.strip() and text for text in (words.fr, words.ar, words.en))
    assert ARABIC.search(words.ar) or key in NAMES_OF_THE_PRODUCT
    assert not ARABIC.search(words.fr + words.en)
    assert words.fr != words.en or key in SAME_IN_FRENCH_AND_ENGLISH


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_has_words(name: str) -> None:
    error = ERRORS[name]
    assert f"problem.{error.type}" in WORDS
    assert re.fullmatch("[a-z]+(-[a-z]+)*", error.type)
    assert 400 <= error.status < 500


def raised(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            yield node.exc.func.id, node.exc
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            yield node.exc.id, ast.Call(func=node.exc, args=[], keywords=[])


def test_who_raises_an_error_gives_what_its_words_ask_for() -> None:
    plain = {error.__name__: error for error in ERRORS.values() if error.__init__ is BusinessError.__init__}
    missing = []
    for file, tree in sources("."):
        for name, call in raised(tree):
            given = {keyword.arg for keyword in call.keywords}
            if name in plain and None not in given:
                wanted = placeholders(WORDS[f"problem.{plain[name].type}"].en)
                missing += [f"{file.name}: {name} without {left}" for left in sorted(wanted - given)]
    assert missing == []


def said_by_name(tree: ast.Module) -> Iterator[str]:
    """The keys of `say("key", …)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args:
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def test_each_key_said_by_name_has_words() -> None:
    said = {key for _, tree in sources(".") for key in said_by_name(tree)}
    assert {"obstacle.nothing", "check.clean"} <= said
    assert said - WORDS.keys() == set()


MAKERS = {"Check": 0, "problem_frame": 1, "of_the_file": 0, "_at_header": 0}
"""What makes findings in code, and the place of the code among its arguments."""


def codes_made(tree: ast.Module) -> Iterator[str]:
    """Codes given to a maker of findings, as `code=…` or as `code = "…"`, where they are written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = MAKERS.get(name)
            if place is not None and len(node.args) > place:
                yield from texts(node.args[place])
            yield from (text for keyword in node.keywords if keyword.arg == "code" for text in texts(keyword.value))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            yield from texts(node.value)


def texts(node: ast.expr) -> Iterator[str]:
    """`"a"`, the two of `"a" if … else "b"`, and those in `pl.lit("a")` however it is nested."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.Call):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and getattr(inner.func, "attr", "") == "lit":
                yield from texts(inner.args[0])


CHECKING = ("intake", "payroll/law", "payroll/actions")


def test_each_finding_made_has_words() -> None:
    made = {code for _, tree in sources(*CHECKING) for code in codes_made(tree)}
    assert {"nss_length", "other_year", "nss_duplicate", "employed_but_absent", "birth_differs"} <= made
    assert {code for code in made if f"finding.{code}" not in WORDS} == set()


def test_each_finding_has_a_short_title() -> None:
    codes = {key.removeprefix("finding.") for key in WORDS if key.startswith("finding.")}
    titles = {key.removeprefix("finding-title."): words for key, words in WORDS.items() if "finding-title." in key}
    assert titles.keys() == codes
    for language in LANGUAGES:
        said = [say(f"finding-title.{code}", language) for code in sorted(codes)]
        assert len(set(said)) == len(said)
        assert [title for title in said if not 1 < len(title.split()) < 10 or title.endswith(".") or "{" in title] == []


@pytest.mark.parametrize(
    ("prefix", "folders"),
    [("finding.", CHECKING), ("problem.", (".",)), ("obstacle.", ("payroll",)), ("unreadable.", (".", "../workers"))],
)
def test_no_words_are_left_that_nothing_says(prefix: str, folders: tuple[str, ...]) -> None:
    written = {
        node.value
        for _, tree in sources(*folders)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    keys = [key for key in WORDS if key.startswith(prefix)]
    assert keys
    assert [key for key in keys if key not in written and key.removeprefix(prefix) not in written] == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fr"),
        ("", "fr"),
        ("ar", "ar"),
        ("ar-DZ,fr;q=0.8", "ar"),
        ("de, en;q=0.5, ar;q=0.9", "ar"),
        ("EN-GB", "en"),
        ("en;q=0.1, fr", "fr"),
        ("de", "fr"),
        ("en;q=many, ar", "ar"),
        ("en;q=0, ar;q=0.1", "ar"),
        (";;;,,,;q=", "fr"),
    ],
)
def test_the_readers_language_is_the_first_we_speak(header: str | None, language: str) -> None:
    assert chosen_language(header) == language


def test_values_stand_in_the_sentence_and_are_not_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Words(fr="Reçu : {seen}", ar="ورد: {seen}", en="Got: {seen}")
    monkeypatch.setattr("teledeclaration.languages.catalogue", lambda: {"probe": words})
    assert say("probe", "en", seen="{0.__class__} {seen}") == "Got: {0.__class__} {seen}"
    assert say("probe", "ar", seen=12) == "ورد: 12"
    with pytest.raises(KeyError):
        say("nowhere", "en")
