"""`teledeclaration load REGISTER FILE`: a register's file into the database of this installation, here and now.

The same checks, batches and findings as through the door. Exit code 0 where every row went in, 1 where some
were refused, 2 where the file cannot be read, the load is in other hands, or a setting is missing.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from uuid import UUID

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schemas.registry import LoadMode, Register, RegisterLoad
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, open_pool, transaction
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.languages import LANGUAGES, Language, say
from teledeclaration.registry import actions, queries
from teledeclaration.registry.loading import ACTOR, Loader
from teledeclaration.registry.sheets import sheet_reader
from teledeclaration.settings import MissingSetting, Settings, WrongSetting, read_settings
from teledeclaration.storage import Storage

FINDINGS_SHOWN = 20
_PIECE_BYTES = 1_000_000
_POLL_SECONDS = 0.3
