"""Files, by the SHA-256 of their content, in a folder or in S3-compatible storage.

    file:///srv/files
    s3://bucket/prefix?endpoint=https://storage.example&region=eu-south-1

The same content is stored once for all; which employer may read it is told by their own rows.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import msgspec
from obstore import delete_async, get_async, head_async, open_writer_async, rename_async
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from teledeclaration.errors import TooLarge
from teledeclaration.settings import Settings, WrongSetting

if TYPE_CHECKING:
    from obstore.store import S3Config

_REGION = "us-east-1"  # what S3-compatible storage of one's own expects where none is named


class UploadTooLarge(TooLarge):
    type = "upload-too-large"


class Stored(msgspec.Struct, frozen=True):
    """Content that is in storage: its SHA-256 in hex and its size."""

    content_hash: str
    size_bytes: int


class Storage:
    """Content-addressed: what is put twice is there once."""

    def __init__(self, url: str, *, key_id: str = "", secret_key: str = "") -> None:
        self._store: ObjectStore = _open_store(url, key_id=key_id, secret_key=secret_key)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The storage of an installation; WrongSetting where its address cannot be read."""
        return cls(settings.storage_url, key_id=settings.storage_key_id, secret_key=settings.storage_secret_key)

    async def put(self, chunks: AsyncIterable[bytes], *, bytes_max: int) -> Stored:
        """Stream content in while it is hashed and counted; UploadTooLarge past the limit."""
        incoming = f"incoming/{uuid4().hex}"
        digest, size = hashlib.sha256(), 0
        try:
            async with open_writer_async(self._store, incoming) as writer:
                async for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    _refuse_over(size, bytes_max)
                    await writer.write(chunk)
            stored = Stored(digest.hexdigest(), size)
            await rename_async(self._store, incoming, _path(stored.content_hash), overwrite=True)
        except BaseException:
            await self._forget(incoming)
            raise
        return stored

    async def put_bytes(self, content: bytes) -> Stored:
        """The same for content at hand."""

        async def once() -> AsyncIterator[bytes]:
            yield content

        return await self.put(once(), bytes_max=len(content))

    async def read(self, content_hash: str) -> bytes:
        """The whole content; KeyError where storage does not hold it."""
        try:
            result = await get_async(self._store, _path(content_hash))
        except (NotFoundError, FileNotFoundError):
            raise KeyError(content_hash) from None
        return bytes(await result.bytes_async())

    async def stream(self, content_hash: str) -> AsyncIterator[bytes]:
        """The content in pieces, for a download."""
        result = await get_async(self._store, _path(content_hash))
        async for chunk in result.stream():
            yield bytes(chunk)

    async def holds(self, content_hash: str) -> bool:
        try:
            await head_async(self._store, _path(content_hash))
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    async def _forget(self, path: str) -> None:
        try:
            await delete_async(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return


def _refuse_over(size: int, bytes_max: int) -> None:
    if size > bytes_max:
        raise UploadTooLarge(limit_mb=bytes_max // 1_000_000)


def _open_store(url: str, *, key_id: str, secret_key: str) -> ObjectStore:
    if url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")).absolute(), mkdir=True)
    address = urlsplit(url)
    told = dict(parse_qsl(address.query, keep_blank_values=True))
    if address.scheme != "s3" or not address.netloc or not told.keys() <= {"endpoint", "region"}:
        raise WrongSetting("STORAGE_URL: neither file:///folder nor s3://bucket/prefix?endpoint=…&region=…")
    return _open_bucket(
        address.netloc,
        prefix=address.path.strip("/"),
        region=told.get("region") or _REGION,
        endpoint=told.get("endpoint", ""),
        keys={"access_key_id": key_id, "secret_access_key": secret_key} if key_id else {},
    )


def _open_bucket(bucket: str, *, prefix: str, region: str, endpoint: str, keys: "S3Config") -> S3Store:
    """Without keys, those that the machine itself is given; plain HTTP only where the endpoint says so."""
    config: S3Config = {"region": region, **keys}
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={"allow_http": endpoint.startswith("http://")},
    )


def _path(content_hash: str) -> str:
    return f"sha256/{content_hash[:2]}/{content_hash}"
