"""Telling a training pipeline of an approved request: a CloudEvent, or GitHub's dispatch.

In: a request, a target. Out: an HTTP request, and whether it was taken. No state: what is still to
be delivered stands in the decisions, so it is sent at least once, with the same id every time.

Only references and digests travel, never runs. Sources: CloudEvents 1.0 (HTTP binding, structured
mode); Standard Webhooks (signature); GitHub REST "Create a repository dispatch event".
"""

import base64
import hashlib
import hmac
import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agentslo.respond.retraining import Request

EVENT_TYPE = "io.agentslo.retraining.requested.v1"
GITHUB_EVENT = "agentslo-retraining"
GITHUB_API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


class TargetError(ValueError):
    """A target that cannot be sent to; the message says what to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Credentials, never recorded."""

    webhook_secret: str = ""
    github_token: str = ""
    github_api: str = GITHUB_API


def check_target(target: str, keys: Keys) -> None:
    """Raises `TargetError` where nothing could be sent."""
    if target.startswith("github:"):
        if not _REPOSITORY.fullmatch(target.removeprefix("github:")):
            raise TargetError(f"{target}: write github:OWNER/REPOSITORY")
        if not keys.github_token:
            raise TargetError("give a token of GitHub in AGENTSLO_GITHUB_TOKEN")
    elif not target.startswith(("http://", "https://")) or "@" in target:
        raise TargetError(f"{target}: write https://HOST/PATH without a password")
    elif not keys.webhook_secret:
        raise TargetError("give the secret that signs webhooks in AGENTSLO_WEBHOOK_SECRET")


def event(request: Request, event_id: str, time_ns: int) -> dict[str, Any]:
    """The CloudEvent of a request; the same every time it is sent."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/agentslo/{request.environment}",
        "type": EVENT_TYPE,
        "subject": request.agent,
        "time": moment(time_ns),
        "datacontenttype": "application/json",
        "data": {
            "request": f"retrain/{request.id}",
            "agent": request.agent,
            "environment": request.environment,
            "trigger": request.kind,
            "bundle": {"name": request.bundle, "sha256": request.bundle_sha256},
        },
    }


def http_request(
    target: str, found: Mapping[str, Any], keys: Keys, now_ns: int
) -> urllib.request.Request:
    """What is sent to a target."""
    if target.startswith("github:"):
        return _to_github(target.removeprefix("github:"), found, keys)
    body = json.dumps(found, separators=(",", ":")).encode()
    stamp = str(now_ns // 1_000_000_000)
    return urllib.request.Request(  # noqa: S310 - http(s) by check_target
        target,
        data=body,
        headers={
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": str(found["id"]),
            "webhook-timestamp": stamp,
            "webhook-signature": signature(keys.webhook_secret, str(found["id"]), stamp, body),
        },
    )


def signature(secret: str, event_id: str, stamp: str, body: bytes) -> str:
    """Standard Webhooks: base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{event_id}.{stamp}.".encode() + body
    made = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def _to_github(repository: str, found: Mapping[str, Any], keys: Keys) -> urllib.request.Request:
    # GitHub takes at most 10 keys at the top of the payload: everything goes below one.
    payload = {"event_type": GITHUB_EVENT, "client_payload": {"retraining": found}}
    return urllib.request.Request(  # noqa: S310 - https by default, loopback in tests
        f"{keys.github_api}/repos/{repository}/dispatches",
        data=json.dumps(payload).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {keys.github_token}",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "agentslo",
        },
    )


def moment(time_ns: int) -> str:
    """Unix ns as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
