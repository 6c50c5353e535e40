"""The command itself, run by a benchmark in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def nextchar(*arguments: object) -> dict[str, Any]:
    """Return what `nextchar` with these ``arguments`` reports in JSON."""
    command = [sys.executable, "-m", "nextchar", *map(str, arguments), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])
