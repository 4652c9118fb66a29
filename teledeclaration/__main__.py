"""`teledeclaration <command>`: a table of commands, each imported only when it is asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, Protocol


class CommandModule(Protocol):
    """What a command's module has: its arguments and its body, which returns the exit code."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class Command(NamedTuple):
    """`function`, where named, takes the words after the command's name and reads them itself."""

    module: str
    help: str
    function: str = ""


COMMANDS: dict[str, Command] = {
    "run": Command("teledeclaration.local.run", "the whole platform on this machine, until Ctrl-C", "run"),
    "serve": Command("teledeclaration.local.commands", "the API server", "serve"),
    "worker": Command("workers.main", "a worker", "run"),
    "migrate": Command("teledeclaration.local.commands", "bring the database's schema up to date", "migrate"),
    "health": Command("teledeclaration.local.commands", "whether this host's server or worker is well", "health"),
    "account": Command("teledeclaration.local.accounts", "give an address a role", "account"),
    "fund-key": Command("teledeclaration.local.accounts", "a key for one of the fund's systems", "fund_key"),
    "check": Command("teledeclaration.check", "check files before filing, without a server"),
    "template": Command("teledeclaration.template", "a blank workbook to be filled"),
    "law": Command("teledeclaration.law", "the law in force on a day, or what changed"),
    "simulate": Command("teledeclaration.simulate", "what a pay costs"),
    "load": Command("teledeclaration.load", "load a file into one of the fund's registers"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command named first; its exit code, or argparse's 2 for words it does not know."""
    given = list(sys.argv[1:] if words is None else words)
    known = COMMANDS.get(given[0]) if given else None
    if known and known.function:
        return int(getattr(import_module(known.module), known.function)(given[1:]))
    parser = argparse.ArgumentParser(prog="teledeclaration", description="Employers declare to a social-security fund.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    modules: dict[str, CommandModule] = {}
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.help)
        if given[:1] == [name]:
            modules[name] = _imported(command.module)
            modules[name].add_arguments(one)
    arguments = parser.parse_args(given)
    return modules[arguments.command].run(arguments)


def _imported(name: str) -> CommandModule:
    module: CommandModule = import_module(name)
    return module


if __name__ == "__main__":
    sys.exit(main())
