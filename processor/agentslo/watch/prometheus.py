"""A Prometheus, or what speaks its API (Mimir, Thanos), asked over HTTP.

In: queries and times in unix seconds. Out: series; `PrometheusError` where there is no usable
answer. No state. Source: Prometheus HTTP API, "Expression queries".
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT_S = 30.0

Sample = tuple[float, float]
"""Unix seconds and value."""
Labels = Mapping[str, str]


class PrometheusError(Exception):
    """A query that got no usable answer."""


class Prometheus:
    """One Prometheus."""

    def __init__(self, url: str, token: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise PrometheusError(f"{url}: give an address such as http://prometheus:9090")
        self._url, self._token = url.rstrip("/"), token

    def at(self, query: str, time_s: float) -> list[tuple[Labels, float]]:
        """The instant vector of a query."""
        found = self._ask("query", {"query": query, "time": f"{time_s:.3f}"})
        return [(row["metric"], float(row["value"][1])) for row in found]

    def samples(
        self, selector: str, start_s: float, end_s: float
    ) -> list[tuple[Labels, list[Sample]]]:
        """The samples of a selector as they were scraped, from after `start_s` to `end_s`."""
        over = f"{selector}[{max(1, round((end_s - start_s) * 1000))}ms]"
        return _series(self._ask("query", {"query": over, "time": f"{end_s:.3f}"}))

    def over(
        self, query: str, start_s: float, end_s: float, step_s: float
    ) -> list[tuple[Labels, list[Sample]]]:
        """The series of a query at every step; the last step is `end_s`."""
        times = {"start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": f"{step_s:g}"}
        return _series(self._ask("query_range", {"query": query, **times}))

    def _ask(self, what: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode(parameters).encode()
        request = urllib.request.Request(f"{self._url}/api/v1/{what}", data=body)  # noqa: S310 - http(s) by the check above
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                found = json.load(answer)
            result: list[dict[str, Any]] = found["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"{self._url} answers {error.code}") from error
        except OSError as error:
            raise PrometheusError(f"{self._url} does not answer: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise PrometheusError(f"{self._url} does not answer as Prometheus does") from error
        return result


def _series(rows: list[dict[str, Any]]) -> list[tuple[Labels, list[Sample]]]:
    return [
        (row["metric"], [(float(t), float(value)) for t, value in row["values"]]) for row in rows
    ]
