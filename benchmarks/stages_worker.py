"""`nextchar train` in its own process, timed at each event; benchmarks/training.py starts it.

Usage: python benchmarks/stages_worker.py BEGAN ARGUMENT ..., BEGAN by `time.time()`. The last line of standard output
is the seconds of each stage in JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from nextchar.cli import main
from nextchar.runs.run import Run
from nextchar.training.events import Evaluated, Event, Note, Planned, Progress, Sampled, TextRead, Writing

STAGES: dict[type[Event], str] = {
    **dict.fromkeys((TextRead, Note, Planned), "start"),
    Progress: "training",
    Evaluated: "validation",
    **dict.fromkeys((Writing, Sampled), "samples"),
}
"""The stage that the time before an event belongs to; before any other event it is "rest"."""


def watched(
    events: Callable[..., Iterator[Event]], spent: dict[str, float], began: float
) -> Callable[..., Iterator[Event]]:
    """Yield ``events`` and add the seconds of each stage to ``spent``, from ``began`` on."""

    def watch(self: Run, *arguments: object) -> Iterator[Event]:
        before = began
        for event in events(self, *arguments):
            now = time.time()
            spent[STAGES.get(type(event), "rest")] += now - before
            before = now
            yield event

    return watch


if __name__ == "__main__":
    began = float(sys.argv[1])
    spent: dict[str, float] = defaultdict(float)
    Run.events = watched(Run.events, spent, began)  # pyright: ignore[reportAttributeAccessIssue]
    status = main(["train", *sys.argv[2:]])
    spent["rest"] = time.time() - began - sum(seconds for stage, seconds in spent.items() if stage != "rest")
    print(json.dumps(spent))
    sys.exit(status)
