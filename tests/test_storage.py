"""Files by their content, the same in a folder and in S3-compatible storage."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from teledeclaration.settings import WrongSetting
from teledeclaration.storage import Storage, UploadTooLarge

BUCKET, PREFIX = "files", "of/the-fund"
KEYS = {"key_id": "a-key-id", "secret_key": "a-secret-key"}
CONTENT = b"one declaration" * 1000
HASH = hashlib.sha256(CONTENT).hexdigest()
MEGABYTE = b"x" * 1_000_000


class Place:
    """A storage, and all the names that stand in it whatever their state."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def names(self) -> list[str]:
        raise NotImplementedError


class Folder(Place):
    def __init__(self, folder: Path) -> None:
        super().__init__(Storage(f"file://{folder}"))
        self._folder = folder

    def names(self) -> list[str]:
        return [str(file.relative_to(self._folder)) for file in self._folder.rglob("*") if file.is_file()]


class Bucket(Place):
    def __init__(self, endpoint: str) -> None:
        super().__init__(Storage(f"s3://{BUCKET}/{PREFIX}?endpoint={endpoint}&region=eu-south-1", **KEYS))
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="eu-south-1",
            aws_access_key_id=KEYS["key_id"],
            aws_secret_access_key=KEYS["secret_key"],
        )
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})

    def names(self) -> list[str]:
        """What is there, and what was begun and neither ended nor given up."""
        objects = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        begun = self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [str(one["Key"]).removeprefix(f"{PREFIX}/") for one in [*objects, *begun]]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield Folder(tmp_path)
        return
    bucket = Bucket(request.getfixturevalue("s3_server"))
    yield bucket
    for one in bucket.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        bucket.s3.delete_object(Bucket=BUCKET, Key=one["Key"])
    bucket.s3.delete_bucket(Bucket=BUCKET)


async def pieces(count: int, piece: bytes = MEGABYTE) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece


async def test_what_is_put_is_found_by_its_hash(place: Place) -> None:
    stored = await place.storage.put(pieces(1, CONTENT), bytes_max=len(CONTENT))
    assert (stored.content_hash, stored.size_bytes) == (HASH, len(CONTENT))
    assert await place.storage.holds(HASH)
    assert await place.storage.read(HASH) == CONTENT
    assert b"".join([piece async for piece in place.storage.stream(HASH)]) == CONTENT


async def test_the_same_content_is_there_once(place: Place) -> None:
    assert await place.storage.put_bytes(CONTENT) == await place.storage.put_bytes(CONTENT)
    assert place.names() == [f"sha256/{HASH[:2]}/{HASH}"]


async def test_a_file_of_many_parts_comes_back_whole(place: Place) -> None:
    stored = await place.storage.put(pieces(24), bytes_max=100_000_000)
    assert stored.content_hash == hashlib.sha256(MEGABYTE * 24).hexdigest()
    assert [len(b"".join([piece async for piece in place.storage.stream(stored.content_hash)]))] == [24_000_000]


@pytest.mark.parametrize("limit_mb", [1, 20])
async def test_what_is_too_large_is_refused_with_the_limit_and_leaves_nothing(place: Place, limit_mb: int) -> None:
    with pytest.raises(UploadTooLarge) as refused:
        await place.storage.put(pieces(30), bytes_max=limit_mb * 1_000_000)
    assert refused.value.values == {"limit_mb": limit_mb}
    assert place.names() == []


async def test_a_sender_who_breaks_off_leaves_nothing(place: Place) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(15):
            yield MEGABYTE
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await place.storage.put(broken(), bytes_max=100_000_000)
    assert place.names() == []


async def test_what_is_not_there_is_told(place: Place) -> None:
    assert not await place.storage.holds(HASH)
    with pytest.raises(KeyError):
        await place.storage.read(HASH)


@pytest.mark.parametrize("address", ["ftp://host/files", "s3://", "s3://files?endpont=http://storage", "/srv/files"])
def test_an_address_that_cannot_be_read_stops_the_start(address: str) -> None:
    with pytest.raises(WrongSetting, match="STORAGE_URL"):
        Storage(address)
