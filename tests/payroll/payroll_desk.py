"""What an HR clerk does, over HTTP."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from world import START

from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.employers.credentials import kept_hash

WORKBOOKS = Path(__file__).parent.parent / "files" / "workbooks"


REVIEWED_BY_ACCEPTING = ("review-waiting", "changes-not-reviewed")


class Desk:
    """What an HR clerk does, over HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, *files: Path, **fields: Any) -> Any:
        """Upload files for a draft; the upload as answered at once."""
        parts = [("file", (file.name, file.read_bytes())) for file in files]
        answer = await self.client.post("/v1/uploads", files=parts, data=fields)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def read(self, upload: Any) -> Any:
        """The upload once it is no longer waiting."""
        return await self._until(lambda: self.get(f"/v1/uploads/{upload['upload_id']}"), _is_read)

    async def draft(self, draft_id: str | UUID) -> Any:
        """The draft once nothing of it is being checked."""
        return await self._until(lambda: self.get(f"/v1/drafts/{draft_id}"), _is_read)

    async def upload(self, *files: Path, **fields: Any) -> Any:
        """Upload, wait, and the draft."""
        upload = await self.send(*files, **fields)
        await self.read(upload)
        return await self.draft(upload["draft_id"])

    async def findings(self, draft: Any, **params: Any) -> list[Any]:
        """All pages of a draft's findings."""
        found, after = [], 0
        while after is not None:
            page = await self.get(f"/v1/drafts/{draft['summary']['draft_id']}/findings", after=after, **params)
            found += page["items"]
            after = page["next"]
        return found

    async def confirm_all(self, draft: Any) -> Any:
        draft_id = draft["summary"]["draft_id"]
        for count in draft["findings"]:
            if count["severity"] == "confirm" and count["confirmed_by"] is None:
                answer = await self.client.put(f"/v1/drafts/{draft_id}/confirmations/{count['code']}")
                assert answer.status_code == 200, answer.text
        return await self.draft(draft_id)

    async def review(self, draft: Any) -> Any:
        """The draft's newest review once it is compared."""
        path = f"/v1/drafts/{draft['summary']['draft_id']}/review"
        return await self._until(lambda: self.get(path), lambda found: found["status"] != "waiting")

    async def decide(self, draft: Any, decision: str, **how: Any) -> httpx.Response:
        """Accept or refuse the draft's newest review, once it is compared."""
        review = await self.review(draft)
        return await self.client.post(
            f"/v1/drafts/{draft['summary']['draft_id']}/review/decision",
            json={"review_id": review["review_id"], "decision": decision, **how},
        )

    async def accept(self, draft: Any) -> Any:
        """Accept what a later file changes, and what a replacement does; the draft as it then is."""
        draft_id = draft["summary"]["draft_id"]
        while any(obstacle["code"] in REVIEWED_BY_ACCEPTING for obstacle in draft["obstacles"]):
            asked = await self.client.post(f"/v1/drafts/{draft_id}/reviews")
            assert asked.status_code == 202, asked.text
            answer = await self.decide(draft, "accept")
            assert answer.status_code == 200, answer.text
            draft = await self.draft(draft_id)
        return draft

    async def file(self, draft: Any, **how: Any) -> httpx.Response:
        return await self.client.post(
            f"/v1/drafts/{draft['summary']['draft_id']}/declaration",
            json={"revision": draft["summary"]["revision"], **how},
        )

    async def assessment(self, declaration: Any) -> Any:
        """The assessment once it is computed."""
        path = f"/v1/declarations/{declaration['declaration_id']}/assessment"
        return await self._until(lambda: self.get(path), lambda found: found["status"] != "waiting")

    async def receipt(self, declaration: Any) -> bytes:
        """The sealed receipt once it is there."""
        path = f"/v1/declarations/{declaration['declaration_id']}/receipt.pdf"
        answer = await self._until(lambda: self.client.get(path), lambda found: found.status_code != 409)
        assert answer.status_code == 200, answer.text
        content: bytes = answer.content
        return content

    @staticmethod
    async def _until(ask: Any, done: Any, seconds: float = 60.0) -> Any:
        async with asyncio.timeout(seconds):
            while not done(found := await ask()):
                await asyncio.sleep(0.05)
        return found


def _is_read(found: Any) -> bool:
    progress = found["progress"]
    return progress is not None and progress["status"] != "waiting"


_numbers = itertools.count(5001)


async def add_employer(pool: Pool, number: str) -> str:
    """A new employer of this number with the payment centre 16001, and the session token of its owner."""
    employer_id, account_id, token = next(_numbers), uuid4(), uuid4().hex
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "INSERT INTO employers (employer_id, number, name, name_ar, wilaya, agency, address, updated_at)"
            " VALUES ($1, $2, 'SARL Essai', 'شركة', 16, '16001', '1 rue Didouche', $3)",
            employer_id,
            number,
            START,
        )
        await connection.execute(
            "INSERT INTO employer_numbers VALUES ($1, 'live', $2)"
            " ON CONFLICT (number, mode) DO UPDATE SET employer_id = $2",
            number,
            employer_id,
        )
        await connection.execute(
            "INSERT INTO payment_centres (employer_id, centre, agency) VALUES ($1, '16001', '16001')", employer_id
        )
        email = f"owner-{employer_id}@example.dz"
        await connection.execute(
            "INSERT INTO accounts (account_id, email, name, password_hash, created_at)"
            " VALUES ($1, $2, 'Nadia', '', $3)",
            account_id,
            email,
            START,
        )
        await connection.execute(
            "INSERT INTO memberships (account_id, employer_id, role, email, name, created_at)"
            " VALUES ($1, $2, 'owner', $3, 'Nadia', $4)",
            account_id,
            employer_id,
            email,
            START,
        )
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.account_id', $1, true)", str(account_id))
        await connection.execute(
            "INSERT INTO sessions (token_hash, session_id, account_id, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            kept_hash(token),
            uuid4(),
            account_id,
            START,
            START + timedelta(days=3650),
        )
    return token


async def employer_ids(pool: Pool) -> list[int]:
    """Every employer there is, the youngest first: as the fund's own systems see them."""
    async with transaction(pool, job("test", 0)) as connection:
        rows = await connection.fetch("SELECT employer_id FROM employers ORDER BY employer_id DESC")
    return [row["employer_id"] for row in rows]
