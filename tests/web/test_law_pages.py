"""The law as people read it, in a browser without scripts."""

import re
from html import unescape

import httpx
import pytest

from teledeclaration.languages import LANGUAGES, Language, say
from teledeclaration.legislation import load

LAW = load("cnas")


@pytest.mark.parametrize(
    ("language", "rate", "wage"),
    [("fr", "11,5 %", "24 000,00"), ("ar", "11,5 %", "24 000,00"), ("en", "11.5 %", "24,000.00")],
)
async def test_a_day_is_told_in_the_readers_language(
    client: httpx.AsyncClient, language: Language, rate: str, wage: str
) -> None:
    answer = await client.get(f"/law?on=2026-02-01&lang={language}")
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    text = answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert rate in text and wage in text
    assert say("legal.to_be_confirmed", language) in text
    assert not re.search(r"<script|style=|\{\{", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_the_same_day_is_kept_in_another_language(client: httpx.AsyncClient) -> None:
    page = (await client.get("/law?on=2013-05-01&lang=fr")).text
    assert "18\N{NO-BREAK SPACE}000,00" in page
    assert 'href="/law?on=2013-05-01&amp;lang=ar"' in page


async def test_before_the_law_held_it_says_so(client: httpx.AsyncClient) -> None:
    page = unescape((await client.get("/law?on=1962-07-05&lang=fr")).text)
    assert say("law-page.nothing", "fr") in page


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "'--"])
async def test_what_is_no_day_is_said(client: httpx.AsyncClient, day: str) -> None:
    assert (await client.get("/law", params={"on": day})).status_code == 422


async def test_what_changed_begins_with_the_latest(client: httpx.AsyncClient) -> None:
    page = (await client.get("/law/changes?lang=en")).text
    days = re.findall(r'id="day-(\d{4}-\d\d-\d\d)"', page)
    assert days == sorted(days, reverse=True) and "2026-01-01" in days
    assert "before: <bdi>20,000.00</bdi>" in page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_key_has_its_page_and_every_group_its_name(client: httpx.AsyncClient, language: Language) -> None:
    law = unescape((await client.get(f"/law?on=2026-02-01&lang={language}")).text)
    for key in LAW.keys:
        assert say(f"law-page.group.{key.partition('.')[0]}", language) in law
        answer = await client.get(f"/law/{key}?lang={language}")
        assert answer.status_code == 200, key
        assert f'<bdi dir="ltr">{key}</bdi>' in answer.text


async def test_an_unknown_key_has_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/law/nothing.like.this")).status_code == 404
