"""Pictures of the boards: drawn with Grafana's components over a Prometheus with a simulated fleet.

    make preview                       every board, to build/preview/*.png

In: the built preview page, tools, a folder. Out: one picture a board. No state but the folder.
"""

import argparse
import contextlib
import http.server
import json
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from support import tools
from support.boards.dashboards import committed
from support.boards.seeded import seeded
from support.ports import LOOPBACK

CELL_PX, EXTRA_PX = 38, 90
AGENT_BOARD, AGENT = "agent-slo-detail", "refunds"
HOURS, RULED_H = 50.0, 24.0


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP on loopback."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
        server.shutdown()


def height_px(board: object) -> int:
    """How tall a board is with its collapsed rows open."""
    assert isinstance(board, dict)
    bottom = 0
    for panel in board["panels"]:
        inner = panel.get("panels") or [panel]
        bottom = max([bottom, *(p["gridPos"]["y"] + p["gridPos"]["h"] for p in inner)])
    return bottom * CELL_PX + EXTRA_PX


def shoot(url: str, picture: Path, width: int, height: int) -> list[str]:
    """Take a picture of a page; gives what the page complained of."""
    chromium = tools.find("chromium")
    assert chromium, "chromium not found; run `make tools`"
    with tempfile.TemporaryDirectory() as profile:
        options = [
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--virtual-time-budget=60000", "--enable-logging=stderr"),
            *(f"--window-size={width},{height}", f"--user-data-dir={profile}"),
            f"--screenshot={picture}",
        ]
        done = subprocess.run(
            [chromium, *options, url], capture_output=True, text=True, timeout=180, check=True
        )
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line and "rror" in line]


def drawn(boards: Iterable[str], agents: list[str] | None) -> Iterator[tuple[str, str]]:
    """Each board once; the agent board once for each agent named."""
    for uid in boards:
        for agent in (agents or [""]) if uid == AGENT_BOARD else [""]:
            yield uid, agent


def main() -> int:
    """Draw the boards asked for."""
    parser = argparse.ArgumentParser(description="Draws the boards over a simulated fleet.")
    parser.add_argument("--page", type=Path, required=True, help="the built preview page")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument(
        "--agent", action="append", help="an agent of the agent board; may be repeated"
    )
    parser.add_argument("boards", nargs="*")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    boards = {k: v for k, v in committed().items() if k in arguments.boards or not arguments.boards}
    (arguments.page / "boards").mkdir(exist_ok=True)
    for uid, board in boards.items():
        (arguments.page / "boards" / f"{uid}.json").write_text(json.dumps(board))
    prometheus, promtool = tools.find("prometheus"), tools.find("promtool")
    assert prometheus and promtool, "run `make tools`"
    failed = False
    with (
        tempfile.TemporaryDirectory() as folder,
        seeded(prometheus, promtool, Path(folder), hours=HOURS, ruled_h=RULED_H) as server,
        served(arguments.page) as page,
    ):
        for uid, agent in drawn(boards, arguments.agent):
            board = boards[uid]
            query = {
                "board": uid,
                "prom": server.url,
                "end": server.end_s,
                "theme": arguments.theme,
                "chosen": json.dumps({"agent": agent or AGENT} if uid == AGENT_BOARD else {}),
            }
            url = f"{page}/index.html?{urllib.parse.urlencode(query)}"
            name = f"{uid}-{agent.replace('/', '-')}" if agent else uid
            picture = arguments.out / f"{name}.png"
            complaints = shoot(url, picture, 1424, height_px(board))
            failed |= bool(complaints)
            sys.stdout.write("\n".join([str(picture), *complaints]) + "\n")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
