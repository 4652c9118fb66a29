"""The reader server, started once for the tests of the intake."""

from collections.abc import AsyncIterator

import pytest

from teledeclaration.intake.reader import ReaderServer


@pytest.fixture(scope="session")
async def reader() -> AsyncIterator[ReaderServer]:
    async with ReaderServer() as server:
        yield server
