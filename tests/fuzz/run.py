"""Fuzzes one target after the other: `make fuzz ARGS="--seconds 60 cut json"`.

In: names of targets (none: all) and how long each gets. Out: what libFuzzer says, and a row with
the executions of each; a failing input is left as `crash-*`. Needs atheris.
"""

import argparse
import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]


def one(name: str, corpus: Path, seconds: int) -> None:
    """Fuzz a target in this process; libFuzzer ends it."""
    import atheris  # noqa: PLC0415 - only this needs it

    with atheris.instrument_imports(include=["agentslo"]):
        import targets  # noqa: PLC0415 - instrumented while it is imported

    arguments = [str(corpus), f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Each target in a process of its own."""
    import targets  # noqa: PLC0415 - not before it is known whether it is to be instrumented

    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--work", type=Path, default=Path(".fuzz"), help="where inputs gather")
    parser.add_argument("targets", nargs="*", default=list(targets.TARGETS))
    given = parser.parse_args()
    failed = 0
    for name in given.targets:
        found = given.work / name
        found.mkdir(parents=True, exist_ok=True)
        for kept in (HERE / "corpus" / name).iterdir():
            (found / kept.name).write_bytes(kept.read_bytes())
        command = [sys.executable, __file__, "--one", name, str(found), str(given.seconds)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        runs = re.search(r"Done (\d+) runs", done.stderr)
        count = f"{int(runs[1]):,}" if runs else "?"
        state = "no finding" if done.returncode == 0 else "FINDING"
        today = dt.datetime.now(dt.UTC).date()
        sys.stdout.write(f"| {name} | {count} | {today} | {state} |\n")
        sys.stdout.flush()
        if done.returncode:
            failed = 1
            sys.stdout.write(done.stderr[-3000:] + "\n")
    return failed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main())
