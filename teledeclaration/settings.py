"""What an installation is told by its environment, read once at the start.

Every setting is an environment variable of the same name in capitals; a secret may stand in a file
instead, named by `<NAME>_FILE` (as container secrets are). `docs/operations.md` lists them all.
"""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class MissingSetting(Exception):
    """A setting the installation cannot do without; its name is the message."""


class WrongSetting(Exception):
    """A setting whose value cannot be read; the message names it, never its value."""


SECRETS = frozenset(
    {
        "database_url",
        "migration_database_url",
        "redis_url",
        "storage_key_id",
        "storage_secret_key",
        "seal_key",
        "metrics_token",
    }
)
"""Settings that may come from `<NAME>_FILE`, and are never shown."""

NEEDED_IN_PRODUCTION = ("seal_key", "seal_certificate", "public_url")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One installation. Field docs are the comments beside; units are last in the names."""

    database_url: str  # PostgreSQL, as the application's role
    migration_database_url: str = ""  # PostgreSQL, as the owner of the schema; only `migrate` needs it
    redis_url: str  # Redis or Valkey, for the queue
    environment: Literal["development", "production"] = "development"
    fund: str = "cnas"  # whose law is in force: the folder of that name
    fund_folder: str = ""  # where that folder is; empty: in teledeclaration/legislation
    fund_name: str = "Caisse nationale des assurances sociales des travailleurs salariés"  # on documents, in French
    fund_name_ar: str = "الصندوق الوطني للتأمينات الاجتماعية للعمال الأجراء"  # and in Arabic
    fund_time_zone: str = "Africa/Algiers"  # legal days are days here
    obligations_from: date = date(2025, 1, 1)  # what ended before was declared elsewhere, and is never late here
    public_url: str = "http://127.0.0.1:8000"  # what links, receipts and QR codes begin with
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    api_processes: Annotated[int, Meta(ge=1)] = 1
    database_pool_size: Annotated[int, Meta(ge=1)] = 10
    worker_jobs: Annotated[int, Meta(ge=1)] = 4  # jobs at once in one worker process
    storage_url: str = "file://.data/files"  # file:///folder or s3://bucket/prefix?endpoint=…&region=…
    storage_key_id: str = ""  # of S3-compatible storage; empty: the machine's own role
    storage_secret_key: str = ""  # goes with it
    seal_key: str = ""  # PEM of the EC key that seals documents; SEAL_KEY_FILE as a rule
    seal_certificate: str = ""  # PEM of its certificate
    metrics_token: str = ""  # what /metrics asks for; empty: only from this machine
    worker_metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0  # where a worker shows its metrics; 0: nowhere
    upload_bytes_max: Annotated[int, Meta(ge=1)] = 300_000_000
    uploads_waiting_max: Annotated[int, Meta(ge=1)] = 100  # of one employer, to be read; another is refused for now
    workbook_lines_max: Annotated[int, Meta(ge=1)] = 300_000
    declaration_lines_max: Annotated[int, Meta(ge=1)] = 1_000_000
    reader_memory_bytes: Annotated[int, Meta(ge=1)] = 4_000_000_000
    client_address_header: str = ""  # where a front door tells the client's address; empty: the peer's own
    session_hours: Annotated[int, Meta(ge=1)] = 12
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def production(self) -> bool:
        return self.environment == "production"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process; MissingSetting or WrongSetting with the name of the first at fault."""
    environment = os.environ if environment is None else environment
    found = {}
    for field in msgspec.structs.fields(Settings):
        value = _value_of(field.name, environment)
        if value is not None:
            found[field.name] = value
        elif field.required:
            raise MissingSetting(field.name.upper())
    settings = _converted(found)
    if settings.production:
        for name in NEEDED_IN_PRODUCTION:
            if name not in found:
                raise MissingSetting(name.upper())
    return settings


def _value_of(name: str, environment: Mapping[str, str]) -> str | None:
    if value := environment.get(name.upper()):
        return value
    file = environment.get(f"{name.upper()}_FILE") if name in SECRETS | {"seal_certificate"} else None
    if not file:
        return None
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise WrongSetting(f"{name.upper()}_FILE: {error.strerror}") from None


def _converted(found: dict[str, str]) -> Settings:
    try:
        return msgspec.convert(found, Settings, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`") or "?"
        reason = str(error).rpartition(" - ")[0].partition(" '")[0]  # msgspec quotes a value of an enumeration
        raise WrongSetting(f"{name.upper()}: {reason}") from None
