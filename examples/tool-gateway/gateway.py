"""A gateway before an agent's tools: the hard stop for an agent that does not read its flags.

Agents call tools through it: POST /TOOL goes on to TARGET/TOOL while the flags of agentslo allow
the agent and the tool; else it answers 403 and the tool is never reached. It reads the flag file
itself; without the file, or with one that cannot be read, nothing passes. Put it where the
credentials of the tools are, and give them to nobody else.

    python gateway.py --listen 127.0.0.1:8080 --to http://tools.internal:8000 \
        --agent shop --flags /var/lib/agentslo/flags.json
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from agentslo.respond.ofrep import evaluate

MAX_BYTES = 4 * 1024 * 1024


def why_not(flags: Path, agent: str, tool: str, now_s: int) -> str:
    """Why a call must not pass; empty where it may. Whatever is not known to be allowed is not."""
    try:
        definitions: dict[str, Any] = json.loads(flags.read_text(encoding="utf-8"))
        for key in (f"agent.{agent}.enabled", f"agent.{agent}.tool.{tool}.enabled"):
            found = evaluate(definitions, key, {}, now_s)
            if found.get("value") is not True:
                return f"{key} is off" if "value" in found else f"{key} is not known"
    except (OSError, ValueError, KeyError, TypeError):
        return "the flags cannot be read"
    return ""


def gateway(target: str, agent: str, flags: Path) -> web.Application:
    """The gateway of one agent."""

    async def call(request: web.Request) -> web.Response:
        tool = request.match_info["tool"]
        refused = why_not(flags, agent, tool, int(time.time()))
        if refused:
            return web.json_response({"error": f"refused by the gateway: {refused}"}, status=403)
        async with (
            ClientSession() as session,
            session.post(
                f"{target}/{tool}",
                data=await request.read(),
                headers={"Content-Type": request.content_type},
                allow_redirects=False,
            ) as reply,
        ):
            body = await reply.read()
            return web.Response(status=reply.status, body=body, content_type=reply.content_type)

    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_post("/{tool:[A-Za-z0-9_.-]{1,100}}", call)
    return app


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8080")
    parser.add_argument("--to", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--flags", required=True, type=Path)
    given = parser.parse_args()
    host, _, port = given.listen.rpartition(":")
    web.run_app(
        gateway(given.to, given.agent, given.flags), host=host, port=int(port), shutdown_timeout=1
    )


if __name__ == "__main__":
    main()
