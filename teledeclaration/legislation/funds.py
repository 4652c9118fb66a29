"""Whose law an installation goes by: a folder of this release, or one that its settings name."""

from functools import cache
from pathlib import Path

from teledeclaration.legislation.dated import Legislation, load
from teledeclaration.legislation.pages import fund_folder, read_folder
from teledeclaration.settings import Settings


def law_of_release(settings: Settings) -> Legislation:
    """The fund's law without what administrators added; InvalidLegislation where its folder is missing or not whole."""
    return _beside(settings.fund, settings.fund_folder) if settings.fund_folder else load(settings.fund)


@cache
def _beside(fund: str, folder: str) -> Legislation:
    return Legislation(fund, read_folder(fund_folder(fund, Path(folder))))
