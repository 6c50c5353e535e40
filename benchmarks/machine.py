"""The machine on which a benchmark runs, for its output."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe_machine() -> str:
    """Return processor, cores, memory, system, Python and the versions of the packages that compute."""
    packages = " ".join(f"{name} {_version(name)}" for name in ("numpy", "torch"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {packages}"
    )


def show(lines: Iterable[str], output: Path | None) -> None:
    """Print the machine and then each of ``lines`` as it comes, and write all to ``output`` if that is given."""
    shown = [describe_machine(), ""]
    print(*shown, sep="\n")
    for line in lines:
        print(line, flush=True)
        shown.append(line)
    if output:
        output.write_text("\n".join(shown) + "\n", encoding="utf-8")


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
