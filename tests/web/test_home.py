"""The first page, as a browser that opens the address finds it."""

import re

import httpx
import pytest


@pytest.mark.parametrize(
    ("language", "direction", "title"),
    [("fr", "ltr", "Télédéclaration"), ("ar", "rtl", "التصريح عن بعد"), ("en", "ltr", "Teledeclaration")],
)
async def test_it_says_what_this_is_in_the_readers_language(
    client: httpx.AsyncClient, language: str, direction: str, title: str
) -> None:
    answer = await client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}" dir="{direction}">' in answer.text
    assert f"<h1>{title}</h1>" in answer.text


async def test_everything_it_leads_to_is_there(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    addresses = re.findall(r'href="(/[^"]*)"', page)
    assert {"/v1/schema", "/v", "/?lang=ar"} <= set(addresses)
    for address in addresses:
        assert (await client.get(address)).status_code == 200, address


async def test_it_may_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert not re.search(r"https?://|<script|style=", answer.text)
