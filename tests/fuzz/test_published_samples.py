"""The odd and broken samples that spreadsheet libraries publish with their sources: each is read, or refused in words.

They are downloaded when the test is run and never kept. Where the package index cannot be reached, nothing is tried.
"""

import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.test_fuzz import try_one
from teledeclaration.intake.reader import ReaderServer

SOURCES = (
    *("pyexcel==0.7.3", "pyexcel-xls==0.7.1", "pyexcel-xlsx==0.6.1", "pyexcel-ods3==0.6.1"),
    *("agate-excel==0.4.1", "xlutils==2.0.0", "xlwt==1.3.0", "odfpy==1.4.1"),
)
KINDS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv")
FILES_MIN = 60


def downloaded(folder: Path) -> bool:
    """Whether the sources are there; without building anything of what they hold."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    options = ["--no-binary", ":all:", "--retries", "1", "--dest", str(folder)]
    return subprocess.run([*command, *options, *SOURCES], capture_output=True, check=False).returncode == 0


def samples(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.lower().endswith(KINDS) else None
                if content is not None:
                    yield member.name, content.read()


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_published_samples_are_read_or_refused_with_words(tmp_path: Path) -> None:
    if not downloaded(tmp_path):
        pytest.skip("the package index cannot be reached from here: published samples were not tried")
    outcomes: Counter[str] = Counter()
    async with ReaderServer() as reader:
        for name, content in samples(tmp_path):
            outcomes[await try_one(content, name, reader)] += 1
    print(f"{outcomes.total()} published samples: {dict(outcomes)}", flush=True)
    assert outcomes.total() >= FILES_MIN
