"""What all routes share: models, schedulers, limits and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from starlette.requests import Request

from nextchar.parallel import available_cores
from nextchar.settings import ServeSettings
from nextchar.web.body_reading import S, read_body
from nextchar.web.errors import too_much
from nextchar.web.listing import CHARACTERS
from nextchar.web.metrics import Metrics
from nextchar.web.model_registry import ModelHandle, ModelRegistry
from nextchar.web.scheduler import Scheduler

READING_SHARE = 4
"""Short requests processed at once, per thread."""

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """What all routes share."""

    settings: ServeSettings
    registry: ModelRegistry
    writing: Scheduler
    """For requests that write texts."""
    reading: Scheduler
    """For short requests: they do not wait behind long texts."""
    parsing: ThreadPoolExecutor
    """The thread that parses large bodies, one at a time, so that no other request waits."""
    metrics: Metrics
    stopping: Event = field(default_factory=Event)
    """Set as soon as the server is asked to stop; it goes on answering until `close`."""

    @classmethod
    def of(cls, settings: ServeSettings, registry: ModelRegistry) -> Service:
        """Return a service with its own threads."""
        threads = settings.cores or available_cores()
        pool = ThreadPoolExecutor(threads, "nextchar-web")
        waiting, seconds = settings.max_waiting, settings.max_time
        writing = Scheduler(pool, settings.max_writing, waiting, seconds)
        reading = Scheduler(pool, READING_SHARE * threads, waiting, seconds)
        parsing = ThreadPoolExecutor(1, "nextchar-body")
        return cls(settings, registry, writing, reading, parsing, Metrics({"writing": writing, "reading": reading}))

    async def body(self, request: Request, kind: type[S]) -> S:
        """Return the body of ``request`` as settings of ``kind``; errors are those of `read_body`."""
        return await read_body(request, kind, self.settings.max_body, self.parsing)

    async def read(self, request: Request, work: Iterator[T]) -> T:
        """Do the ``work`` of a short request in its turn; return its last item.

        Errors are those of `Scheduler.acquire` and `Slot.results`.
        """
        async with self.reading.slot(request.is_disconnected) as slot:
            return await slot.last(work)

    def check_characters(self, param: str, characters: int) -> None:
        """Check that a request may write that many characters.

        Raises:
            RefusedError: it is more than the limit.
        """
        if characters > self.settings.max_characters:
            raise too_much(param, characters, self.settings.max_characters, "characters", "--max-characters")

    def check_work(self, param: str, texts: int, read: int, written: int) -> None:
        """Check that a request may ask for that many texts, each with that many characters read and written.

        Raises:
            RefusedError: it writes too much, or reads and writes too much together.
        """
        self.check_characters(param, texts * written)
        maximum = self.settings.max_text + self.settings.max_characters
        if texts * (read + written) > maximum:
            what = f"texts of {read:,} characters to read and {written:,} to write"
            raise too_much("n", texts, maximum, what, "--max-text and --max-characters together")

    def check_entries(self, count: int) -> None:
        """Check that a list may have that many entries.

        Raises:
            RefusedError: it is more than the limit.
        """
        maximum = self.settings.max_characters // CHARACTERS
        if count > maximum:
            raise too_much("count", count, maximum, "entries", f"--max-characters, {CHARACTERS} for an entry")

    def check_text(self, param: str, characters: int) -> None:
        """Check that a prompt, or a text to score, may have that many characters.

        Raises:
            RefusedError: it is too long.
        """
        if characters > self.settings.max_text:
            raise too_much(param, characters, self.settings.max_text, "characters", "--max-text")

    def counted(self, model: ModelHandle, pieces: Iterator[str]) -> Iterator[str]:
        """Yield ``pieces`` of a text and count their characters."""
        for piece in pieces:
            self.metrics.characters.labels(model.name).inc(len(piece))
            yield piece

    def close(self, grace: float) -> None:
        """Refuse new requests; those in progress have ``grace`` seconds left."""
        self.writing.close(grace)
        self.reading.close(grace)

    def shut(self) -> None:
        """Let the threads end when they are done."""
        for pool in (self.writing.pool, self.parsing):
            pool.shutdown(wait=False, cancel_futures=True)
