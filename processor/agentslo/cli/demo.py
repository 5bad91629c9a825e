"""`agentslo demo`: a simulated fleet through the real stack, with hours made minutes.

In: a time, a folder. Out: a picture while it runs, a summary of what happened and where to look.
The programs run until Ctrl-C on a terminal, else until the summary; the folder stays. Exit codes: 0
played, 1 agentslo did not start. Contract: design.md 5.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Final

import grpc

from agentslo.demo import seen as watching
from agentslo.demo import story, view
from agentslo.demo.programs import NotStarted
from agentslo.demo.stack import Stack, running

PARTS: Final = ("collector", "prometheus", "alertmanager")
_LOOK_EVERY_S: Final = 2.0
_LOOK_EVERY_LOGGED_S: Final = 15.0
"""Where output is no terminal: pictures then stand below each other."""
_SETTLE_S: Final = 6.0
"""After the last run: until it is closed, counted, scraped and judged."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "demo",
        help="a simulated fleet through the real stack",
        description="Runs eight simulated agents through a Collector, agentslo, Prometheus and"
        " Alertmanager of this machine, with the alert rules' minutes made seconds. Programs that"
        " are missing are named and left out. Nothing outside DIR is written.",
    )
    parser.add_argument(
        "--for", dest="for_s", type=float, default=180.0, metavar="SECONDS", help="how long"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="where files and logs go (default: a new folder below ./demo)",
    )
    parser.add_argument(
        "--port-offset", type=int, default=10_000, help="added to the usual ports (default 10000)"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=PARTS,
        help="leave a program out; may be repeated",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the simulation")
    parser.add_argument(
        "--then",
        choices=("stay", "stop"),
        help="after the summary go on until Ctrl-C (default on a terminal), or stop",
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Plays the story; 0 played, 1 agentslo did not start."""
    folder = arguments.directory or Path("demo") / time.strftime("%Y-%m-%dT%H%M%S")
    then = arguments.then or ("stay" if sys.stdout.isatty() else "stop")
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with running(
            folder.absolute(), arguments.port_offset, without=frozenset(arguments.without)
        ) as stack:
            _play(stack, arguments.for_s, arguments.seed)
            if then == "stay":
                print("Everything goes on running. Ctrl-C stops it.")
                signal.pause()
    except KeyboardInterrupt:
        print("\nstopping")
    except (NotStarted, OSError) as error:
        sys.stderr.write(f"agentslo demo: {error}\n")
        return 1
    except grpc.RpcError as error:
        sys.stderr.write(f"agentslo demo: the spans were not taken: {error}\n")
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    print(
        f"The page again, with what was counted: agentslo run --config {folder / 'agentslo.yaml'}"
    )
    return 0


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _play(stack: Stack, total_s: float, seed: int) -> None:
    print(view.started(stack, total_s, total_s * story.TROUBLE_AFTER), flush=True)
    every_s = _LOOK_EVERY_S if sys.stdout.isatty() else _LOOK_EVERY_LOGGED_S
    next_s = every_s
    for moment in story.play(stack, total_s, seed):
        if moment.at_s >= next_s:
            next_s = moment.at_s + every_s
            print(view.clear() + view.frame(stack, watching.look(stack), moment), flush=True)
    time.sleep(_SETTLE_S)
    print(view.summary(stack, watching.look(stack), list(stack.alerts.arrived)), flush=True)
