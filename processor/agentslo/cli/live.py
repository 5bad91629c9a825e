"""Asking a running service's page for values.

In: the page's address and a path; a bearer token from `AGENTSLO_TOKEN`, where the page asks for
one. Out: the parsed JSON. Raises `OSError` or `ValueError` with a message fit for one line.
"""

import json
import urllib.error
import urllib.request
from os import environ
from typing import Any

TIMEOUT_S = 10.0


def get(url: str, path: str) -> dict[str, Any]:
    """The JSON object at a path of the page's API."""
    found: dict[str, Any] = json.loads(text(url, path, "the page, such as http://127.0.0.1:9465"))
    return found


def text(url: str, path: str, what: str = "metrics, such as http://127.0.0.1:9464") -> str:
    """What is at a path of a listener; `what` is it called where the address is wrong."""
    target = url.rstrip("/") + path
    if not target.startswith(("http://", "https://")):
        raise ValueError(f"{url}: give the address of {what}")
    request = urllib.request.Request(target, headers=authorization())  # noqa: S310 - http(s)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s)
            found: str = answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            detail = json.load(error).get("error", error.reason)
        raise ValueError(f"{detail}") from error
    except urllib.error.URLError as error:
        raise OSError(f"{url} does not answer: {error.reason}; is `agentslo run` up?") from error
    return found


def authorization() -> dict[str, str]:
    """The header that shows the token of the environment; none without one."""
    token = environ.get("AGENTSLO_TOKEN", "").strip()
    return {"Authorization": f"Bearer {token}"} if token else {}
