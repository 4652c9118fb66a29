"""The sample declaration, filed as an HR clerk would, over HTTP: sent, mended, confirmed, filed, assessed, sealed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import msgspec

from teledeclaration.local.sample_people import SamplePerson

SECONDS_MAX = 60.0
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Filer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs in, and the employer they file for."""

    email: str
    password: str
    number: str
    name: str


async def file_sample(address: str, filer: Filer, *, people: Sequence[SamplePerson], year: int) -> str:
    """A line that says what was filed, now or before, or why it was not: the platform itself runs all the same."""
    try:
        async with httpx.AsyncClient(base_url=address, headers={"Origin": address}, timeout=SECONDS_MAX) as client:
            async with asyncio.timeout(SECONDS_MAX):
                return await _file(client, filer, people, year)
    except httpx.HTTPStatusError as error:
        return f"The sample declaration was not filed: {error.response.status_code} {error.response.text}"
    except (httpx.HTTPError, TimeoutError) as error:
        return f"The sample declaration was not filed: {type(error).__name__}; the next start tries again"


async def _file(client: httpx.AsyncClient, filer: Filer, people: Sequence[SamplePerson], year: int) -> str:
    await _ask(client, "POST", "/v1/session", json={"email": filer.email, "password": filer.password})
    filed = await _ask(client, "GET", "/v1/declarations", params={"year": year})
    if filed:
        return _line(filed[0], filer)
    draft = await _mended(client, await _checked(client, await _sent(client, filer, people, year)))
    draft_id, revision = draft["summary"]["draft_id"], draft["summary"]["revision"]
    declaration = await _ask(
        client, "POST", f"/v1/drafts/{draft_id}/declaration", json={"revision": revision, "leave_out_errors": True}
    )
    return _line(await _assessed_and_sealed(client, declaration["declaration_id"]), filer)


def _line(declaration: dict[str, Any], filer: Filer) -> str:
    return (
        f"A sample declaration is filed: {declaration['number']} of {filer.name}, {declaration['line_count']} lines; "
        f"its receipt's code is {declaration['receipt_code']}"
    )


async def _sent(client: httpx.AsyncClient, filer: Filer, people: Sequence[SamplePerson], year: int) -> str:
    from teledeclaration.local.sample_workbook import sample_workbook  # only a first start needs openpyxl

    present = [one for one in people if one.worked(year)]
    content = sample_workbook(present, name=filer.name, number=filer.number, year=year)
    file = (f"declaration-{year}.xlsx", content, _XLSX)
    upload = await _ask(client, "POST", "/v1/uploads", files={"file": file}, data={"year": str(year)})
    return str(upload["draft_id"])


async def _checked(client: httpx.AsyncClient, draft_id: str) -> dict[str, Any]:
    """The draft once nothing of it is being read or checked."""

    async def look() -> dict[str, Any] | None:
        draft: dict[str, Any] = await _ask(client, "GET", f"/v1/drafts/{draft_id}")
        return draft if draft["progress"] and draft["progress"]["status"] != "waiting" else None

    return await _until(look)


async def _mended(client: httpx.AsyncClient, draft: dict[str, Any]) -> dict[str, Any]:
    """The totals that are not the sum are corrected, every doubt is answered for."""
    draft_id = draft["summary"]["draft_id"]
    wrong = await _ask(client, "GET", f"/v1/drafts/{draft_id}/findings", params={"code": "annual_not_sum"})
    changes = [
        {"line_number": one["line_number"], "annual_amount": _centimes(one["proposed"])} for one in wrong["items"]
    ]
    if changes:
        await _ask(client, "PATCH", f"/v1/drafts/{draft_id}/lines", json={"lines": changes})
        draft = await _checked(client, draft_id)
    for doubt in (count for count in draft["findings"] if count["severity"] == "confirm"):
        draft = await _ask(client, "PUT", f"/v1/drafts/{draft_id}/confirmations/{doubt['code']}")
    return draft


def _centimes(dinars: str) -> int:
    whole, _, fraction = dinars.partition(".")
    return int(f"{whole}{fraction:0<2}")


async def _assessed_and_sealed(client: httpx.AsyncClient, declaration_id: str) -> dict[str, Any]:
    async def assessed() -> dict[str, Any] | None:
        found: dict[str, Any] = await _ask(client, "GET", f"/v1/declarations/{declaration_id}/assessment")
        return found if found["status"] != "waiting" else None

    async def sealed() -> dict[str, Any] | None:
        found: dict[str, Any] = await _ask(client, "GET", f"/v1/declarations/{declaration_id}")
        return found if found["receipt_ready"] else None

    await _until(assessed)
    return await _until(sealed)


async def _until(look: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any]:
    found = await look()
    while found is None:
        await asyncio.sleep(0.05)
        found = await look()
    return found


async def _ask(client: httpx.AsyncClient, method: str, path: str, **how: Any) -> Any:
    answer = await client.request(method, path, **how)
    answer.raise_for_status()
    return answer.json()
