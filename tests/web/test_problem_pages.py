"""What a problem's `type` leads to."""

import httpx
import pytest
import test_languages

from teledeclaration.errors import BusinessError
from teledeclaration.languages import LANGUAGES, catalogue, say

KINDS = [key.removeprefix("problem.") for key in catalogue() if key.startswith("problem.")]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_has_a_page_in_each_language(client: httpx.AsyncClient, kind: str) -> None:
    for language in LANGUAGES:
        answer = await client.get(f"/problems/{kind}", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        assert f'<html lang="{language}"' in answer.text
        assert f'<bdi dir="ltr">{kind}</bdi>' in answer.text
        assert say("problem-page.what-to-do", language) in answer.text
        assert "{" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_the_type_of_an_error_is_an_address_that_answers(client: httpx.AsyncClient) -> None:
    refused = (await client.get("/v1/employer")).json()
    page = await client.get(refused["type"], headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert f"<h1>{refused['title']}</h1>" in page.text
    assert "401 Unauthorized" in page.text
    assert say("problem-page.mend.401", "en") in page.text


@pytest.mark.parametrize("error", test_languages.ERRORS.values(), ids=lambda error: str(error.type))
async def test_the_page_says_the_status_the_error_has(client: httpx.AsyncClient, error: type[BusinessError]) -> None:
    assert f'<bdi dir="ltr">{error.status} ' in (await client.get(f"/problems/{error.type}")).text


@pytest.mark.parametrize("kind", ["nothing", "not-found.html", "%3Cscript%3E"])
async def test_an_unknown_kind_has_none(client: httpx.AsyncClient, kind: str) -> None:
    assert (await client.get(f"/problems/{kind}")).status_code == 404
