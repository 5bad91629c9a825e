"""The `agentslo` command: finds the sub-command and runs it.

Exit codes (design.md 5): 0 pass, 1 usage, configuration or crash, 2 fail, 3
inconclusive, 4 refused.
"""

import argparse
import sys
from collections.abc import Sequence

from agentslo import __version__
from agentslo.cli import (
    audit,
    baseline,
    bench,
    bundle,
    check,
    checklist,
    compare,
    contain,
    demo,
    doctor,
    explain,
    gate,
    hello,
    incident,
    init,
    probe,
    replay,
    report,
    retrain,
    run,
    runs,
)

COMMANDS = (
    run,
    check,
    init,
    replay,
    explain,
    doctor,
    runs,
    baseline,
    compare,
    incident,
    contain,
    gate,
    retrain,
    checklist,
    report,
    audit,
    bundle,
    bench,
    hello,
    probe,
    demo,
)


class _Parser(argparse.ArgumentParser):
    """argparse says 2 on wrong usage; here 2 means "fail", so usage is 1."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as argparse's does
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The command line with every sub-command."""
    top = _Parser(
        prog="agentslo",
        description="Service levels for AI agents, from the OpenTelemetry spans they already send.",
    )
    top.add_argument("--version", action="version", version=f"agentslo {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; gives the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.func(arguments)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
