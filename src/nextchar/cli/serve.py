"""`nextchar serve`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import note, note_compiling, shell_quoted
from nextchar.errors import MissingDependencyError, UsageError
from nextchar.settings import ServeSettings

if TYPE_CHECKING:
    from nextchar.web.server import Server

KEY_VARIABLE = "NEXTCHAR_API_KEY"
SWITCH_INTERVAL = 0.001
"""Seconds that a thread may hold Python's lock while others wait: a fifth of the default, so that the event loop waits
less. Only for a process that does nothing else; training keeps the default."""


def serve(
    *model: Path,
    settings: Annotated[ServeSettings, Parameter(name="*")] = ServeSettings(),  # noqa: B008 (immutable)
) -> int:
    """Serve a page to play with models, and an API compatible with OpenAI's, until Ctrl-C.

    You can serve a run folder while it trains: its model is reloaded when it has a better one.

    Parameters
    ----------
    model
        Run folders or model files.
    """
    if not model:
        raise UsageError("Name a model to serve: nextchar serve runs/mybook")
    if settings.api_key is None and (key := os.environ.get(KEY_VARIABLE)):
        settings = settings.model_copy(update={"api_key": key})
    server = _open(model, settings, load=True)
    sys.setswitchinterval(SWITCH_INTERVAL)
    with _stopped_by_signals(server):
        server.start()
        names = ", ".join(served.name for served in server.service.registry)
        note(f"serving {names} at {server.address} (API: {server.address}docs); Ctrl-C stops")
        server.wait()
    note("stopped")
    return DONE


@contextmanager
def served_live(run: Path, port: int, *, loud: bool) -> Generator[None]:
    """Serve a run while it trains, with few resources and only to this machine; print the address if ``loud``."""
    few = ServeSettings(port=port, cores=1, max_writing=2, max_waiting=32, max_characters=5000)
    server = _open([run], few, load=False)
    server.start()
    if loud:
        note("live page", server.address)
    try:
        yield
    finally:
        server.close()
    if loud:
        note("to serve the page again", f"nextchar serve {shell_quoted(run)}")


def _open(models: Sequence[Path], settings: ServeSettings, *, load: bool) -> Server:
    """Return a server bound to its port, with its models loaded if ``load``.

    Raises:
        MissingDependencyError: fastapi or uvicorn is not installed.
        ModelFileError: a model is missing or damaged.
        NextcharError: the port is not available.
    """
    try:
        from nextchar.web.model_registry import ModelRegistry
        from nextchar.web.server import Server
    except ImportError as error:
        raise MissingDependencyError(
            f'The page and the API need fastapi and uvicorn ({error}): pip install "nextchar[web]".'
        ) from error
    registry = ModelRegistry.of(models)
    if load:
        with note_compiling():
            for served in registry:
                served.current()
    return Server(registry, settings)


@contextmanager
def _stopped_by_signals(server: Server) -> Generator[None]:
    """Let SIGTERM and Ctrl-C stop ``server`` gracefully; a second signal cuts off answers in progress."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
