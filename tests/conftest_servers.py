"""Real servers for the tests: one PostgreSQL cluster and one Valkey for a whole session, thrown away after it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.local.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that the servers' own user may pass through, which pytest's temporary folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="teledeclaration-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A cluster with the database `teledeclaration` and its owner, not migrated; see EmbeddedPostgres for its URLs."""
    with EmbeddedPostgres(servers_folder / "postgres", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def valkey(servers_folder: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(servers_folder / "valkey", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def create_database_from(postgres: EmbeddedPostgres) -> Callable[[str], str]:
    """`create_database_from(template)`: the name of a fresh copy of that database, in tens of milliseconds.

    Migrate and seed once into a template, copy for every module or test. Nobody may be connected to the template.
    `postgres.url(role, name)` gives the address for a role.
    """
    numbers = count(1)

    def create(template: str) -> str:
        name = f"{template}_{next(numbers)}"
        postgres.create_database(name, template=template)
        return name

    return create
