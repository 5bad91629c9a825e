"""`agentslo retrain`: requests for retraining, from their evidence to a release or back.

In: the storage directory, who runs it. Out: the request as it is then. Exit codes: 0 done, 1 usage
or storage, 2 a report failed, a golden case leaked, the canary is worse, or something was not
delivered, 3 inconclusive or nothing there, 4 refused: the role or the state does not allow it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from agentslo.cli import retrain_words
from agentslo.cli.retrain_inputs import detector, golden_sets, keys, rows_of, trigger, window_ns
from agentslo.cli.storage import Storage, actor, add_storage, desk, storage
from agentslo.config.kinds import Fault
from agentslo.config.problems import ConfigError
from agentslo.respond.bundle_files import NoEvidence
from agentslo.respond.delivery import TargetError
from agentslo.respond.leakage import overlaps
from agentslo.respond.provenance import statement
from agentslo.respond.retraining import KINDS, Request
from agentslo.respond.rights import Refused
from agentslo.respond.training import Delivered, Training
from agentslo.store.decisions import DecisionsError
from agentslo.store.ledger import LEDGER_FILE, Ledger, LedgerError

Handler = Callable[[argparse.Namespace, Training, Storage], int]
_RESULT_CODES = {"pass": 0, "fail": 2, "inconclusive": 3}
_VERDICT_CODES = {"not_worse": 0, "worse": 2, "undecided": 3}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("retrain", help="retrain on evidence, and take it back")
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)

    def command(name: str, about: str, func: Handler) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about)
        add_storage(made)
        made.set_defaults(func=partial(_run, func))
        if name not in ("propose", "list"):
            made.add_argument("id", metavar="ID", help="number of the request")
        return made

    _add_propose(command("propose", "a need, with its evidence", _propose))
    listed = command("list", "requests that are open", _list)
    listed.add_argument("--all", action="store_true", help="those that ended, too")
    command("show", "one request with its decisions", _show)
    command("approve", "agree to it", _approve)
    rejected = command("reject", "do not do it", _reject)
    rejected.add_argument("--reason", required=True, help="why not")
    sent = command("dispatch", "tell the training pipeline", _dispatch)
    sent.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="TARGET",
        help="https://HOST/PATH for a CloudEvent, github:OWNER/REPOSITORY; may be repeated",
    )
    command("deliver", "send again what was not taken", _deliver)
    report = command("record-eval", "hand in the report of evaluations", _record)
    report.add_argument("--report", type=Path, required=True, help="JSON, see docs/retraining.md")
    started = command("canary", "let the evaluated release meet some of the traffic", _canary)
    started.add_argument("--stable", required=True, help="the release that stays")
    started.add_argument("--release", required=True, help="the evaluated one")
    started.add_argument("--share", type=float, required=True, help="of the traffic, 0.5 at most")
    command("compare", "the canary with the stable release", _compare)
    command("promote", "make the canary the release", _promote)
    back = command("rollback", "back to the stable release", _rollback)
    back.add_argument("--reason", required=True, help="what was seen")
    command("measure", "whether the rollback took, and how long it lasted", _measure)
    proof = command("provenance", "where the release came from, as an in-toto statement", _prove)
    proof.add_argument("--out", type=Path, help="file to write (default: standard output)")
    leak = commands.add_parser("leakage", help="golden cases that the training set holds")
    leak.add_argument("training", type=Path, metavar="TRAINING", help="JSON lines")
    leak.add_argument("golden", type=Path, metavar="GOLDEN", help="JSON lines")
    leak.set_defaults(func=_leakage)


def _add_propose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent", required=True, help="as in its metrics")
    parser.add_argument("--environment", default="production", help="default: production")
    parser.add_argument("--trigger", choices=KINDS, required=True, help="why")
    parser.add_argument("--source", required=True, help="what showed it: an alert, a report")
    parser.add_argument(
        "--about", action="append", default=[], help="bin, segment, objective; may be repeated"
    )
    parser.add_argument("--window", default="7d", help="the runs to take (default 7d)")
    parser.add_argument("--detector", type=Path, help="its state and thresholds, as JSON")
    parser.add_argument(
        "--golden", type=Path, action="append", default=[], help="JSON lines; may be repeated"
    )


def _run(func: Handler, arguments: argparse.Namespace) -> int:
    try:
        found = storage(arguments)
        file = found.directory / LEDGER_FILE
        ledger = Ledger(file, read_only=True) if file.exists() else None
        return func(arguments, Training(desk(found), ledger, found.directory), found)
    except Refused as refusal:
        sys.stderr.write(f"agentslo retrain: refused: {refusal}\n")
        return 4
    except NoEvidence as error:
        sys.stderr.write(f"agentslo retrain: {error}\n")
        return 3
    except (ConfigError, DecisionsError, LedgerError, TargetError, Fault, OSError) as error:
        sys.stderr.write(f"agentslo retrain: {error}\n")
        return 1


def _say(arguments: argparse.Namespace, request: Request, **more: Any) -> None:  # noqa: ANN401 - JSON values
    if arguments.json:
        said = retrain_words.as_json(request) | more
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(retrain_words.lines(request)) + "\n")


def _propose(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    now_ns = time.time_ns()
    span_ns = window_ns(arguments.window)
    made = training.propose(
        actor(found),
        trigger(arguments, training.ledger, now_ns - span_ns),
        detector(arguments, found),
        golden_sets(arguments.golden),
        window_ns=span_ns,
        now_ns=now_ns,
    )
    _say(arguments, made, bundle_path=str(training.bundle(made)))
    return 0


def _list(arguments: argparse.Namespace, training: Training, _: Storage) -> int:
    requests = [r for r in training.requests(time.time_ns()) if arguments.all or r.is_open]
    if arguments.json:
        said = [retrain_words.as_json(request) for request in requests]
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
    else:
        for request in requests:
            sys.stdout.write(retrain_words.line(request) + "\n")
    return 0 if requests else 3


def _show(arguments: argparse.Namespace, training: Training, _: Storage) -> int:
    _say(arguments, training.request(arguments.id, time.time_ns()))
    return 0


def _approve(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    _say(arguments, training.approve(actor(found), arguments.id, time.time_ns()))
    return 0


def _reject(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    made = training.reject(actor(found), arguments.id, arguments.reason, time.time_ns())
    _say(arguments, made)
    return 0


def _dispatch(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    now_ns = time.time_ns()
    sent = training.dispatch(actor(found), arguments.id, arguments.to, keys(), now_ns)
    return _delivered(arguments, training, sent)


def _deliver(arguments: argparse.Namespace, training: Training, _: Storage) -> int:
    sent = training.deliver(arguments.id, keys(), time.time_ns())
    return _delivered(arguments, training, sent)


def _delivered(arguments: argparse.Namespace, training: Training, sent: Delivered) -> int:
    for target, why in sent.failed.items():
        sys.stderr.write(f"agentslo retrain: {target} {why}; `retrain deliver` sends it again\n")
    request = training.request(arguments.id, time.time_ns())
    _say(arguments, request, taken=list(sent.taken), failed=dict(sent.failed))
    return 2 if sent.failed else 0


def _record(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    raw = arguments.report.read_bytes()
    judged = training.record(actor(found), arguments.id, raw, time.time_ns())
    for what in judged.failed:
        sys.stderr.write(f"failed: {what}\n")
    for what in judged.missing:
        sys.stderr.write(f"missing: {what}\n")
    _say(arguments, training.request(arguments.id, time.time_ns()))
    return _RESULT_CODES[judged.result]


def _canary(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    made = training.canary(
        actor(found),
        arguments.id,
        arguments.stable,
        arguments.release,
        arguments.share,
        time.time_ns(),
    )
    _say(arguments, made)
    return 0


def _compare(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    made = training.compare(actor(found), arguments.id, time.time_ns())
    _say(arguments, made)
    return _VERDICT_CODES[(made.comparison or {})["verdict"]]


def _promote(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    _say(arguments, training.promote(actor(found), arguments.id, time.time_ns()))
    return 0


def _rollback(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    made = training.roll_back(actor(found), arguments.id, arguments.reason, time.time_ns())
    _say(arguments, made)
    return 0


def _measure(arguments: argparse.Namespace, training: Training, found: Storage) -> int:
    made = training.measure_rollback(actor(found), arguments.id, time.time_ns())
    _say(arguments, made)
    return {"success": 0, "failure": 2}.get((made.rollback or {})["result"], 3)


def _prove(arguments: argparse.Namespace, training: Training, _: Storage) -> int:
    made = statement(training.request(arguments.id, time.time_ns()))
    text = json.dumps(made, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


def _leakage(arguments: argparse.Namespace) -> int:
    try:
        training, golden = rows_of(arguments.training), rows_of(arguments.golden)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"agentslo retrain: {error}\n")
        return 1
    found = overlaps(training, golden)
    said = {
        "training": len(training),
        "golden": len(golden),
        "overlaps": len(found),
        "cases": [asdict(one) for one in found],
    }
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return 2 if found else 0 if golden else 3
