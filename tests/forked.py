"""The command in processes forked from a server that has torch loaded already: many can be started, and killed."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

import pytest

from tests.command import PATIENCE, Outcome, nextchar

if sys.platform != "win32":
    import resource

T = TypeVar("T")

_LOADED = [
    "torch._dynamo",
    "nextchar.training.trainer",
    "nextchar.cli.train",
    "nextchar.cli.live_run",
    "nextchar.networks.compiled_blend",
    "nextchar.report.page",
]


@contextmanager
def forked(
    *arguments: object,
    output: Path,
    cwd: Path | None = None,
    largest_file: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[BaseProcess]:
    """Start the command, which writes to the folder ``output``; at the end it is killed, should it still run."""
    if sys.platform == "win32":
        pytest.skip("no process is forked on Windows")
    output.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    process = context.Process(
        target=_be_the_command, args=([*map(str, arguments)], output, cwd, largest_file, env or {})
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def nextchar_forked(
    *arguments: object, output: Path, cwd: Path | None = None, largest_file: int | None = None
) -> Outcome:
    """Run the command to its end."""
    if sys.platform == "win32" and largest_file is None:
        return nextchar(*arguments, cwd=cwd)
    with forked(*arguments, output=output, cwd=cwd, largest_file=largest_file) as process:
        process.join(PATIENCE)
    stdout, stderr = ((output / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    return Outcome(process.exitcode or 0, stdout, stderr)


def wait_for(process: BaseProcess, happened: Callable[[], bool]) -> bool:
    """Return true as soon as something has ``happened``, or false if ``process`` ended without."""
    for _ in range(round(PATIENCE / 0.001)):
        if happened():
            return True
        process.join(0.001)
        if not process.is_alive():
            return happened()
    raise TimeoutError("nothing happened")


@contextmanager
def forked_together(*arguments: object, output: Path, count: int = 2) -> Iterator[list[BaseProcess]]:
    """Start the command in processes that train together, as torchrun would; rank r writes to ``output``/r."""
    output.mkdir(exist_ok=True)
    with ExitStack() as stack:
        yield [
            stack.enter_context(forked(*arguments, output=output / str(rank), env=env))
            for rank, env in enumerate(_environments(count))
        ]


def called_together(function: Callable[[], T], count: int = 2) -> list[T]:
    """Return what ``function``, one of a module, returns in each of so many processes that train together."""
    if sys.platform == "win32":
        pytest.skip("no process is forked on Windows")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    started: list[tuple[BaseProcess, Connection]] = []
    for env in _environments(count):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_call, args=(function, env, sender))
        process.start()
        sender.close()  # so that the end of the process is the end of what is received
        started.append((process, receiver))
    try:
        return [receiver.recv() for _, receiver in started]
    finally:
        for process, _ in started:
            process.kill()
            process.join()


def _environments(count: int) -> list[dict[str, str]]:
    """Return the environment of each of ``count`` processes that train together on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    names |= {"MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    return [{**names, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def _call(function: Callable[[], object], env: Mapping[str, str], results: Connection) -> None:
    os.environ.update(env)
    results.send(function())


def _be_the_command(
    arguments: list[str], output: Path, cwd: Path | None, largest_file: int | None, env: Mapping[str, str]
) -> None:
    from nextchar.cli import main

    os.environ.update(env)
    for name, number in (("stdout", 1), ("stderr", 2)):
        with (output / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    if cwd is not None:
        os.chdir(cwd)
    if sys.platform != "win32" and largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    sys.exit(main(arguments))
