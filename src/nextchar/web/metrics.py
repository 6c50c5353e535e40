"""What the server counts while it runs, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from nextchar.web.scheduler import Scheduler

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one server; another one in the same process has its own."""

    def __init__(self, schedulers: Mapping[str, Scheduler]) -> None:
        """Start at zero.

        Args:
            schedulers: whose requests are counted, by kind of work.
        """
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "nextchar_requests",
            "Requests answered; 499: the client disconnected.",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "nextchar_request_seconds",
            "Seconds from a request to the end of its response.",
            ["route"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self.characters = Counter("nextchar_characters_written", "Characters written.", ["model"], registry=registry)
        running = Gauge("nextchar_running", "Requests in progress.", ["work"], registry=registry)
        waiting = Gauge("nextchar_waiting", "Requests waiting.", ["work"], registry=registry)
        for kind, scheduler in schedulers.items():
            running.labels(kind).set_function(partial(getattr, scheduler, "running"))
            waiting.labels(kind).set_function(partial(getattr, scheduler, "waiting"))

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
