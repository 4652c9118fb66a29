"""Jobs: a row waits in the database, a message carries its id. The only module that sends to arq.

`enqueue` is called once the transaction has committed. A lost message costs only time: the sweeper
sends it again from the row. Two queues, so that long work never delays short work.
"""

from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

Queue = Literal["teledeclaration:short", "teledeclaration:long"]
SHORT: Queue = "teledeclaration:short"
LONG: Queue = "teledeclaration:long"

log = structlog.get_logger(__name__)


def encode_job(message: dict[str, Any]) -> bytes:
    """arq's serializer: MessagePack, never pickle."""
    return msgspec.msgpack.encode(message)


def decode_job(data: bytes) -> dict[str, Any]:
    """arq's deserializer."""
    return msgspec.msgpack.decode(data, type=dict[str, Any])


def redis_settings(url: str) -> RedisSettings:
    """Quick to fail and to try again: a request never waits long for the queue."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 2
    settings.conn_retries = 1
    settings.conn_retry_delay = 0
    return settings


class JobQueue:
    """Where jobs are sent. Sending never fails a request: the row already waits."""

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url)
        self._redis: ArqRedis | None = None

    async def enqueue(
        self, job: str, *, employer_id: int, subject: UUID, queue: Queue = SHORT, turn: int | str = 0
    ) -> bool:
        """Send `job` for a row of an employer; False where the queue is away and the sweeper will.

        A job, subject and turn that already wait or run are not sent twice: a change made while the job
        runs takes another `turn`.
        """
        try:
            if self._redis is None:
                self._redis = await create_pool(
                    self._settings, job_serializer=encode_job, job_deserializer=decode_job, default_queue_name=SHORT
                )
            await self._redis.enqueue_job(
                job, employer_id, str(subject), _job_id=f"{job}:{subject}:{turn}", _queue_name=queue
            )
        except (RedisError, OSError) as error:
            log.warning("queue_away", job=job, error=type(error).__name__)
            self._redis = None
            return False
        return True

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
