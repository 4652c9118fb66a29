"""Sealing a document: its facts are already stored and stand; the PDF follows."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from schemas.actors import Actor, job
from schemas.documents import FilingReceipt
from teledeclaration import journal
from teledeclaration.clock import Clock, legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.documents import queries
from teledeclaration.documents.receipt import render_receipt
from teledeclaration.documents.seal import Sealer
from teledeclaration.documents.tokens import receipt_token
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

SEAL_JOB = "seal_document"


def public_address(settings: Settings, code: str) -> str:
    """Where anyone verifies the document of a code."""
    return f"{settings.public_url.rstrip('/')}/v/{code}"


async def issue_receipt(
    connection: Connection, *, employer_id: int, declaration_id: UUID, receipt: FilingReceipt, now: datetime
) -> UUID:
    """Store a receipt's facts and its code in the transaction that files; a worker seals its PDF. Its document."""
    document_id = uuid4()
    await queries.insert_document(
        connection,
        employer_id=employer_id,
        document_id=document_id,
        kind="filing_receipt",
        subject=str(declaration_id),
        code=receipt.code,
        facts=msgspec.to_builtins(receipt),
        now=now,
    )
    await queries.insert_code(connection, employer_id=employer_id, document_id=document_id, code=receipt.code)
    return document_id


async def seal_document(
    pool: Pool,
    storage: Storage,
    sealer: Sealer,
    settings: Settings,
    clock: Clock,
    *,
    employer_id: int,
    document_id: UUID,
) -> bool:
    """waiting → sealed: render the facts, seal, store, then keep the hash if the lease is still ours.

    Run twice, the second finds nothing to claim. False where there was nothing to do.
    """
    actor, lease = job("seal_document", employer_id), uuid4()
    async with transaction(pool, actor) as connection:
        document = await queries.claim_document(
            connection, employer_id=employer_id, document_id=document_id, lease=lease, now=clock()
        )
    if document is None:
        return False
    receipt = msgspec.convert(document.facts, FilingReceipt)
    pdf = await asyncio.to_thread(_sealed_receipt, receipt, sealer, settings, clock())
    stored = await storage.put_bytes(pdf)
    async with transaction(pool, actor) as connection:
        return await _finish(connection, actor, document, lease, stored.content_hash, clock())


async def _finish(
    connection: Connection, actor: Actor, document: queries.DocumentRow, lease: UUID, content_hash: str, now: datetime
) -> bool:
    employer_id = actor.employer_id or 0
    finished = await queries.finish_document(
        connection,
        employer_id=employer_id,
        document_id=document.document_id,
        lease=lease,
        content_hash=content_hash,
        now=now,
    )
    if finished:
        await journal.record(connection, actor, "document.sealed", document.document_id, now=now)
    return finished


def _sealed_receipt(receipt: FilingReceipt, sealer: Sealer, settings: Settings, now: datetime) -> bytes:
    issued_on = legal_day(receipt.filed_at, settings.fund_time_zone)
    token = receipt_token(receipt, sealer, issued_on=issued_on)
    page = render_receipt(receipt, token=token, time_zone=settings.fund_time_zone)
    return sealer.seal(page, at=now, signed_for=receipt.fund_name)
