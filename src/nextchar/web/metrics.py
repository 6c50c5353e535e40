"""What is counted while the server runs, for Prometheus and whatever else reads its text format."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from nextchar.web.scheduler import Scheduler

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one server; nothing is shared with another in the same process."""

    def __init__(self, schedulers: Mapping[str, Scheduler]) -> None:
        """Count from zero.

        Args:
            schedulers: whose work is told, by its kind.
        """
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "nextchar_requests", "Requests answered; 499: the client was gone.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "nextchar_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["route"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self.characters = Counter("nextchar_characters_written", "Characters written.", ["model"], registry=registry)
        running = Gauge("nextchar_running", "Requests worked for at the moment.", ["work"], registry=registry)
        waiting = Gauge("nextchar_waiting", "Requests that wait at the moment.", ["work"], registry=registry)
        for kind, scheduler in schedulers.items():
            running.labels(kind).set_function(partial(getattr, scheduler, "running"))
            waiting.labels(kind).set_function(partial(getattr, scheduler, "waiting"))

    def text(self) -> bytes:
        """Return everything counted, in the text format of Prometheus."""
        return generate_latest(self._registry)
