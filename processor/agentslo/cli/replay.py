"""`agentslo replay`: the whole pipeline offline, in event time.

In: files of recorded OTLP. Out: one JSON object a line on standard output (or a table), progress on
standard error. Contract: design.md 5.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from os import environ
from pathlib import Path
from typing import TextIO

from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import ServiceConfig, load
from agentslo.otlp.files import FileError, Message, Report, expand, merged, messages
from agentslo.service.events import Corrected, Counted, Happening
from agentslo.service.report import correction_line, drift_line, run_line
from agentslo.service.stream import Stream
from agentslo.watch.state import Drifted

COLUMNS = (
    "end",
    "agent",
    "outcome",
    "reason",
    "evidence",
    "duration_s",
    "tool_calls",
    "run_id",
)


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "replay",
        help="run recorded spans through the whole pipeline",
        description="Reads *.otlp[.pb][.gz], *.otlp-logs[.gz], *.json and *.jsonl (OTLP/JSON) and "
        "prints every run with its outcome.",
    )
    parser.add_argument("--config", type=Path, help="service file (default: no configuration)")
    parser.add_argument(
        "--each-file", action="store_true", help="every file is a stream of its own"
    )
    parser.add_argument("--format", choices=("jsonl", "table"), default="table")
    parser.add_argument("--json", action="store_const", const="jsonl", dest="format")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Replays the paths; 0 done, 1 where a file or the configuration cannot be read.

    A file that cannot be read ends the one stream it is part of: with `--each-file`, none but its
    own.
    """
    try:
        config = load(arguments.config, environ)
    except ConfigError as error:
        sys.stderr.write("\n".join(render(p) for p in error.problems) + "\n")
        return 1
    report, status = Report(), 0
    printer = Printer(sys.stdout, table=arguments.format == "table")
    try:
        for stream in _streams(arguments.paths, config, report, each=arguments.each_file):
            if not _show(stream, printer, report, alone=arguments.each_file):
                status = 1
    except FileError as error:
        _complain(error)
        return 1
    printer.close(report)
    return status


def _show(stream: Iterator[Happening], printer: "Printer", report: Report, *, alone: bool) -> bool:
    """Prints what happens in a stream; False where it could not be read. `alone`: others follow."""
    try:
        for happening in stream:
            printer.show(happening)
    except FileError as error:
        if not alone:
            raise
        _complain(error)
        report.warnings.append(str(error))
        return False
    return True


def _complain(error: FileError) -> None:
    sys.stderr.write(f"agentslo replay: {error}\n")


def _streams(
    paths: Sequence[str], config: ServiceConfig, report: Report, *, each: bool
) -> Iterator[Iterator[Happening]]:
    files = expand(paths, report)
    progress = _Progress(len(files), sys.stderr)
    if each:
        for file in files:
            progress.step()
            yield Stream(config).play(messages(file, report))
    elif files:
        yield Stream(config).play(progress.watch(merged(files, report)))
    progress.done()


class _Progress:
    """A line on a terminal, nothing elsewhere."""

    def __init__(self, files: int, out: TextIO) -> None:
        self._files, self._out, self._seen, self._shown = files, out, 0, 0.0

    def step(self) -> None:
        self._seen += 1
        self._show(f"{self._seen}/{self._files} files")

    def watch(self, stream: Iterator[Message]) -> Iterator[Message]:
        for message in stream:
            self._seen += 1
            self._show(f"{self._seen} messages")
            yield message

    def _show(self, what: str) -> None:
        if self._out.isatty() and time.monotonic() - self._shown > 0.2:
            self._shown = time.monotonic()
            self._out.write(f"\rreplay: {what} ")
            self._out.flush()

    def done(self) -> None:
        if self._shown:
            self._out.write("\r\x1b[K")


class Printer:
    """Writes happenings as JSON lines or as a table, and the summary at the end."""

    def __init__(self, out: TextIO, *, table: bool) -> None:
        self._out, self._table = out, table
        self._outcomes: Counter[str] = Counter()
        self._corrections = 0
        self._drifted: Counter[str] = Counter()
        if table:
            out.write("  ".join(COLUMNS) + "\n")

    def show(self, happening: Happening) -> None:
        """One happening; a span that leaves says nothing here."""
        if isinstance(happening, Counted):
            if happening.overdue:
                return
            line = run_line(happening.run, happening.verdict)
            self._outcomes[happening.verdict.outcome.value] += 1
        elif isinstance(happening, Corrected):
            if happening.before.outcome is happening.after.outcome:
                return
            line = correction_line(happening)
            self._corrections += 1
        elif isinstance(happening, Drifted):
            self._drifted[happening.state.label] += 1
            line = drift_line(happening)
        else:
            return
        self._write(line)

    def _write(self, line: dict[str, object]) -> None:
        if self._table:
            self._out.write("  ".join(_cell(line, c) for c in COLUMNS) + "\n")
        else:
            self._out.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self, report: Report) -> None:
        """The summary line."""
        summary: dict[str, object] = {
            "type": "summary",
            "files": len(report.files),
            "runs": sum(self._outcomes.values()),
            "outcomes": dict(sorted(self._outcomes.items())),
            "corrections": self._corrections,
            "drift": self._drifted["drift"],
            "skipped": report.skipped,
            "warnings": report.warnings,
        }
        if not self._table:
            self._write(summary)
            return
        parts = [f"{count} {name}" for name, count in sorted(self._outcomes.items())]
        self._out.write(f"{summary['runs']} runs: {', '.join(parts) or 'none'}\n")
        for warning in report.warnings:
            self._out.write(f"warning: {warning}\n")
        if report.skipped:
            self._out.write(f"skipped (not OTLP by name): {len(report.skipped)} files\n")


def _cell(line: dict[str, object], column: str) -> str:
    if line["type"] == "correction" and column in ("agent", "outcome", "reason"):
        return {
            "agent": "correction",
            "outcome": str(line["from"]),
            "reason": f"-> {line['to']}",
        }[column]
    value = line.get(column, line.get("time") if column == "end" else None)
    return "-" if value is None else str(value)
