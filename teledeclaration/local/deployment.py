"""The secrets of an installation in containers: `make secrets` writes the files that compose.yaml names."""

import argparse
import secrets
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from teledeclaration.documents.development import make_development_seal
from teledeclaration.local.children import tell


def write_secrets(folder: Path, *, now: datetime) -> list[str]:
    """Write what is missing in `folder`, random; the names written. What is there is never changed.

    The folder is closed to other users. The files in it are not: containers read them one by one as a user of their
    own, past the folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    written = [name for name in _PASSWORDS if _write_new(folder / name, secrets.token_urlsafe(32))]
    password = {name: (folder / name).read_text() for name in _PASSWORDS}
    addresses = {
        "database_url": f"postgresql://teledeclaration:{password['app_password']}@postgres/teledeclaration",
        "migration_database_url": (
            f"postgresql://teledeclaration_owner:{password['owner_password']}@postgres/teledeclaration"
        ),
        "redis_url": f"redis://:{password['valkey_password']}@valkey:6379/0",
    }
    written += [name for name, address in addresses.items() if _write_new(folder / name, address)]
    return written + _write_seal(folder, now)


_PASSWORDS = (
    "postgres_password",
    "owner_password",
    "app_password",
    "valkey_password",
    "storage_key_id",
    "storage_secret_key",
)


def _write_seal(folder: Path, now: datetime) -> list[str]:
    """A seal that says in its name that it has no value: the fund puts its own key and certificate in its place."""
    if (folder / "seal_key").exists():
        return []
    with TemporaryDirectory(dir=folder) as draft:
        files = make_development_seal(Path(draft), now=now)
        for source, name in ((files.certificate, "seal_certificate"), (files.key, "seal_key")):
            shutil.copyfile(source, folder / name)
            (folder / name).chmod(0o444)
    return ["seal_certificate", "seal_key"]


def _write_new(file: Path, secret: str) -> bool:
    if file.exists():
        return False
    file.write_text(secret)
    file.chmod(0o444)
    return True


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="teledeclaration.local.deployment", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    written = write_secrets(folder, now=datetime.now(UTC))
    tell(f"{folder}: {', '.join(written) if written else 'nothing missing, nothing changed'}")
    if "seal_key" in written:
        tell("The seal has no value: put the fund's own key and certificate in seal_key and seal_certificate.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
