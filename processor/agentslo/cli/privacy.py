"""`agentslo report privacy`: what a configuration keeps, where, for how long, and what leaves.

In: a service file. Out: Markdown, or JSON. Exit codes: 0 printed, 1 the file cannot be read. Pure
over the configuration: it opens none of the files it names.
"""

import argparse
import json
import sys
from os import environ
from pathlib import Path

from agentslo.config.kinds import show_bytes, show_duration
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import ServiceConfig, load
from agentslo.config.transport import DestinationOptions
from agentslo.respond.duty import FLAGS_FILE
from agentslo.service.storage import SPILL_FOLDER
from agentslo.store.decisions import DECISIONS_FILE, KEY_FILE
from agentslo.store.journal import JOURNAL_FILE
from agentslo.store.ledger import LEDGER_FILE
from agentslo.watch.shelf import FOLDER

DAY_S = 86_400.0
Row = dict[str, str]


def run(arguments: argparse.Namespace) -> int:
    """Print what is kept and what leaves."""
    named = arguments.config or environ.get("AGENTSLO_CONFIG")
    try:
        config = load(Path(named) if named else None, environ)
    except ConfigError as error:
        sys.stderr.write(f"agentslo report: {error}\n")
        return 1
    rows = kept(config) + [leaving(one) for one in config.destinations]
    if arguments.json:
        sys.stdout.write(json.dumps({"title": "privacy", "rows": rows}, indent=2) + "\n")
        return 0
    sys.stdout.write("# What is kept, where, for how long, and what leaves\n\n")
    sys.stdout.write("| where | what | text of people or models | how long |\n|---|---|---|---|\n")
    for row in rows:
        sys.stdout.write(f"| {row['where']} | {row['what']} | {row['text']} | {row['time']} |\n")
    return 0


def kept(config: ServiceConfig) -> list[Row]:
    """What stays here: in memory always, on disk where there is storage."""
    runs, storage = config.runs, config.storage
    closes = f"until the run closes, {show_duration(runs.max_age_s)} at most"
    rows = [
        _row("memory: steps of open runs", "names, ids, hashes, counts", "no", closes),
        _row(
            "memory: fields that agent files ask about",
            "values of the attributes they name, cut at 200 characters",
            "yes",
            f"{closes}; for corrections 7d",
        ),
        _row(
            "memory: held run roots",
            "spans as they came",
            "yes",
            show_duration(runs.hold_max_s) if runs.hold_roots else "not held",
        ),
        _row("metrics, log, page", "names, ids, outcomes, counts", "no", "while the process runs"),
    ]
    return rows + _files(config) if storage.directory else rows


def _files(config: ServiceConfig) -> list[Row]:
    storage, folder = config.storage, Path(config.storage.directory)
    days = show_duration(storage.retention_days * DAY_S)
    journal, spill = show_bytes(storage.journal_bytes), show_bytes(storage.spill_bytes)
    return [
        _row(
            str(folder / LEDGER_FILE),
            "names, ids, outcomes, hashes, counts",
            "no",
            f"{days}, {storage.max_runs:,} runs at most",
        ),
        _row(
            str(folder / JOURNAL_FILE),
            "open runs, and held roots as they came",
            "yes",
            f"until delivered and counted, {journal} at most; deleted pages until reused",
        ),
        _row(
            str(folder / SPILL_FOLDER),
            "requests as they came",
            "yes",
            f"until delivered, {spill} at most a destination",
        ),
        _row(str(folder / FOLDER), "counts of features of runs", "no", "until replaced"),
        _row(
            str(folder / DECISIONS_FILE),
            "who decided what, and the reasons they wrote",
            "what people write",
            "for ever",
        ),
        _row(str(folder / KEY_FILE), "the key of the chain of decisions", "no", "for ever"),
        _row(str(folder / FLAGS_FILE), "flags that contain agents", "no", "while they are set"),
    ]


def leaving(destination: DestinationOptions) -> Row:
    """What goes to a destination."""
    what = {
        "all": "all spans, logs and metrics as they came" if destination.primary else "all spans",
        "agent": "spans of agents",
        "verdicts": "verdict spans: names, ids, outcomes, counts",
        "none": "nothing",
    }[destination.forward]
    text = "yes" if destination.forward in ("all", "agent") else "no"
    if text == "yes" and destination.redact:
        text = f"less what {len(destination.redact)} redact rules find"
    return _row(f"leaves for {destination.name}", what, text, "as that system keeps it")


def _row(where: str, what: str, text: str, time: str) -> Row:
    return {"where": where, "what": what, "text": text, "time": time}
