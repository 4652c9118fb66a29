"""Sending a job: once, in MessagePack, and never in the way of a request when Redis is away."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from arq.connections import ArqRedis, create_pool
from structlog.testing import capture_logs

from teledeclaration.local.valkey import EmbeddedValkey
from teledeclaration.observed import configure_logs
from teledeclaration.queue import LONG, SHORT, JobQueue, Queue, decode_job, encode_job, redis_settings

QUICKLY_S = 3.0


@pytest.fixture
async def queue(valkey: EmbeddedValkey) -> AsyncIterator[JobQueue]:
    opened = JobQueue(valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(redis_settings(valkey.url))
    yield opened
    await opened.aclose()


async def waiting(redis: ArqRedis, subject: UUID, queue: Queue = SHORT) -> list[str]:
    """The names of the jobs that wait for a subject."""
    names = [name.decode() for name in await redis.zrange(queue, 0, -1)]
    return [name for name in names if str(subject) in name]


async def test_a_job_says_its_ids_in_messagepack(queue: JobQueue, redis: ArqRedis) -> None:
    subject = uuid4()
    assert await queue.enqueue("read_upload", employer_id=1001, subject=subject)
    [name] = await waiting(redis, subject)
    message: bytes | None = await redis.get(f"arq:job:{name}")
    assert message is not None
    told = msgspec.msgpack.decode(message)
    assert (told["f"], told["a"], told["k"]) == ("read_upload", [1001, str(subject)], {})


def test_what_a_job_may_say_comes_back() -> None:
    message: dict[str, Any] = {"f": "job", "a": [1, "2"], "k": {}, "t": None, "et": 1_768_467_600_000}
    assert decode_job(encode_job(message)) == message
    with pytest.raises(msgspec.DecodeError):
        decode_job(b"\x80\x04\x95pickled")


async def test_the_same_job_and_turn_waits_once_and_another_turn_beside_it(queue: JobQueue, redis: ArqRedis) -> None:
    subject = uuid4()
    for turn in (0, 0, 1, "mended", "mended"):
        assert await queue.enqueue("read_upload", employer_id=1001, subject=subject, turn=turn)
    assert len(await waiting(redis, subject)) == 3


async def test_long_work_waits_apart(queue: JobQueue, redis: ArqRedis) -> None:
    subject = uuid4()
    await queue.enqueue("read_upload", employer_id=1001, subject=subject, queue=LONG)
    assert await waiting(redis, subject) == []
    assert len(await waiting(redis, subject, LONG)) == 1


async def test_a_lost_queue_is_told_quickly_and_found_again(servers_folder: Path) -> None:
    configure_logs("warning")  # an app of another test may have asked for errors alone
    with EmbeddedValkey(servers_folder / "lost-valkey", durable=False) as server:
        queue = JobQueue(server.url)
        assert await queue.enqueue("read_upload", employer_id=1001, subject=uuid4())
        server.stop()
        for _ in range(2):
            began = time.monotonic()
            with capture_logs() as logs:
                assert not await queue.enqueue("read_upload", employer_id=1001, subject=uuid4())
            assert time.monotonic() - began < QUICKLY_S
            assert [(line["event"], line["job"]) for line in logs] == [("queue_away", "read_upload")]
        server.start()
        assert await queue.enqueue("read_upload", employer_id=1001, subject=uuid4())
        await queue.close()


async def test_a_queue_that_was_never_there_is_no_error(valkey: EmbeddedValkey) -> None:
    queue = JobQueue("redis://127.0.0.1:1/0")
    assert not await queue.enqueue("read_upload", employer_id=1001, subject=uuid4())
    await queue.close()


async def test_a_refused_password_is_no_error_of_the_request_either(valkey: EmbeddedValkey) -> None:
    head, _, place = valkey.url.rpartition("@")
    queue = JobQueue(f"{head[:-2]}xx@{place}")
    assert not await queue.enqueue("read_upload", employer_id=1001, subject=uuid4())
    await queue.close()
