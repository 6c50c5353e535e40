"""Everything that a GPU is asked, by one command: what holds there, how fast it trains, and how well.

    python benchmarks/gpu.py --out FOLDER [--device cuda|cpu] [--seconds 120] [--text tinyshakespeare.txt]
                             [--only tests speed small large]

Four steps, each bounded in time, about ten minutes in all with 120 seconds:

- tests: the tests marked `gpu`.
- speed: characters a second of an update of ours, and of a bare loop around `nn.LSTM` (embedding, cuDNN's layer, linear
  layer, AdamW; no clipping, no dropout), for each size and number of streams, in float32, TF32 and bfloat16. The bare
  loop is also played back as a CUDA graph, which shows what launching kernels costs. Each measurement is short; what
  the time does not allow is left out.
- small: the text with the default recipe, for half the seconds and for one and a half times as many: the seconds of
  training until 1.4697 nats per held-out character, and the best.
- large: a text of 100 MB, words of the first drawn by their frequency, for the seconds given.

``gpu.json`` and ``gpu.md`` in the folder are written anew after each measurement, so a kill loses none. With
``--device cpu --seconds 5`` the same runs where there is no GPU, to show that it works.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine
from torch import Tensor, nn

from nextchar.networks.torch_threads import Compute, available_threads, has_bfloat16
from nextchar.runs.run import Run
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.events import Evaluated, Note, Planned, Progress
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from nextchar.training.updates import Updates

ROOT = Path(__file__).parents[1]
TEXT = "tinyshakespeare.txt"
TARGET = 1.4697
"""Nats per held-out character of tinyshakespeare: the validation loss that nanoGPT's README gives for its character
model of 10 million parameters, after three minutes on an A100. It holds out the same last tenth."""
SIZES, STREAMS, WINDOW = (128, 256, 512, 1024, 2048), (32, 64, 128, 256, 512), 32
QUICK_SIZES, QUICK_STREAMS = (128,), (32, 128)
PRECISIONS = ("float32", "TF32", "bfloat16")
LARGE_TEXT, QUICK_TEXT = 100_000_000, 2_000_000
"""Characters of the large text, on a GPU and on a processor."""
QUICK_TESTS = ("tests/networks", "tests/training/test_device_batches.py")
VOCABULARY = Vocabulary("".join(map(chr, range(33, 97))))


@dataclass
class Results:
    """What is measured, kept on disk as it comes."""

    folder: Path
    device: str
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, step: str, value: dict[str, Any]) -> None:
        """Keep a measurement of ``step``, and print it."""
        self.values.setdefault(step, []).append(value)
        print(json.dumps({step: value}), flush=True)
        self.save()

    def save(self) -> None:
        """Write what is measured so far."""
        self._write("gpu.json", json.dumps(self.values, indent=1))
        self._write("gpu.md", "\n".join(tables(self.values)) + "\n")

    def _write(self, name: str, content: str) -> None:
        partial = self.folder / f"{name}.part"
        partial.write_text(content, encoding="utf-8")
        partial.replace(self.folder / name)


def run_tests(results: Results, seconds: float) -> None:
    """Run the tests that compute on a device."""
    on_gpu = results.device == "cuda"
    files = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if "tests.devices" in path.read_text("utf-8"))
    names = [str(path.relative_to(ROOT)) for path in files]
    chosen = names if on_gpu else [name for name in names if name.startswith(QUICK_TESTS)]
    marked = ["-m", "gpu"] if on_gpu else ["-k", "cpu"]
    # The machine may lack what other tests need; so nothing of conftest.py is loaded.
    options = ["-q", "--noconftest", "--continue-on-collection-errors", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *marked, *chosen],
                cwd=ROOT,
                env={**os.environ, "NEXTCHAR_CACHE": cache},
                capture_output=True,
                text=True,
                timeout=max(120, seconds),
                check=False,
            )
            status, shown = done.returncode, done.stdout.splitlines()[-40:]
        except subprocess.TimeoutExpired as error:
            status, shown = None, str(error).splitlines()
    results.add("tests", {"status": status, "seconds": round(time.perf_counter() - began, 1), "output": shown})


def measure_speeds(results: Results, seconds: float) -> None:
    """Time updates of ours and of the bare loop."""
    on_gpu = results.device == "cuda"
    device, ends = torch.device(results.device), time.perf_counter() + seconds
    sizes, streams = (SIZES, STREAMS) if on_gpu else (QUICK_SIZES, QUICK_STREAMS)
    precisions = PRECISIONS if on_gpu else ("float32", "bfloat16") if has_bfloat16(device) else ("float32",)
    loops: dict[str, Callable[..., Callable[[], None]]] = {"ours": our_update, "bare": bare_update}
    if on_gpu:
        loops["bare, CUDA graph"] = graphed_update
    cells = list(product(streams[::-1], sizes, precisions, loops))
    for left, (batch, hidden, precision, loop) in zip(range(len(cells), 0, -1), cells, strict=True):
        if (now := time.perf_counter()) > ends:
            results.add("speed", {"left_out": left})
            return
        allow_tf32(precision != "float32")
        try:
            update = loops[loop](hidden, batch, precision, device)
            speed = batch * WINDOW / seconds_of(update, device, 0.7 * (ends - now) / left)
            value: dict[str, Any] = {"characters_per_second": round(speed)}
        except RuntimeError as error:  # one that a GPU refuses, or has no memory for, is a result too
            value = {"error": str(error).splitlines()[0]}
        results.add("speed", {"hidden": hidden, "streams": batch, "precision": precision, "loop": loop, **value})
    allow_tf32(True)


def allow_tf32(allowed: bool) -> None:
    """Let products and layers of a GPU round their factors to TF32."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def seconds_of(update: Callable[[], None], device: torch.device, seconds: float) -> float:
    """Return the seconds of an ``update``, of at least three and about as many as fit into ``seconds``."""
    update()
    wait_for(device)
    made, began = 0, time.perf_counter()
    while made < 3 or time.perf_counter() - began < seconds:
        for _ in range(3):
            update()
        made += 3
        wait_for(device)
    return (time.perf_counter() - began) / made


def wait_for(device: torch.device) -> None:
    """Wait until ``device`` has computed everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def our_update(hidden: int, streams: int, precision: str, device: torch.device) -> Callable[[], None]:
    """Return an update of a run."""
    plan = Plan(
        hidden=(hidden,),
        embedding=32,
        input_dropout=0.0,
        dropout=0.0,
        feeding=Streams(batch=streams, window=WINDOW),
        shards=1 if device.type == "cuda" else available_threads(),
        steps=10**6,
        precision="bfloat16" if precision == "bfloat16" else "float32",
        initial_weights="keras",
        learning_rate=1e-6,
        warm_up=0,
        weight_decay=0.01,
        clip=1.0,
        checkpoint_every=100,
    )
    ids = np.random.default_rng(0).integers(0, VOCABULARY.size, 1_000_000).astype(np.uint8)
    updates = Updates(plan, Dataset(ids, ids[:0], VOCABULARY), 0, Compute(device, available_threads()))
    steps = iter(range(10**6))
    return lambda: void(updates.update(next(steps), 1e-6))


def void(_: object) -> None:
    """Return nothing."""


class Bare(nn.Module):
    """What anyone would write: embedding, cuDNN's LSTM, linear layer."""

    def __init__(self, hidden: int, streams: int, device: torch.device) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY.size, 32, device=device)
        self.lstm = nn.LSTM(32, hidden, device=device)
        self.output = nn.Linear(hidden, VOCABULARY.size, device=device)
        self.ids = torch.randint(VOCABULARY.size, (WINDOW + 1, streams), device=device)
        self.state = tuple(torch.zeros(1, streams, hidden, device=device) for _ in ("h", "c"))

    def forward(self, bfloat16: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the mean loss of the batch, and the state after it."""
        with torch.autocast(self.ids.device.type, torch.bfloat16, enabled=bfloat16, cache_enabled=False):
            x, after = self.lstm(self.embedding(self.ids[:-1]), self.state)  # (T, B, H)
            logits = self.output(x)  # (T, B, V)
        return nn.functional.cross_entropy(logits.float().flatten(0, 1), self.ids[1:].flatten()), after


def bare_update(
    hidden: int, streams: int, precision: str, device: torch.device, *, capturable: bool = False
) -> Callable[[], None]:
    """Return an update of the bare loop."""
    model = Bare(hidden, streams, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True, capturable=capturable)

    def update() -> None:
        optimizer.zero_grad(set_to_none=not capturable)
        loss, after = model(precision == "bfloat16")
        loss.backward()
        optimizer.step()
        for kept, value in zip(model.state, after, strict=True):
            kept.copy_(value.detach())

    return update


def graphed_update(hidden: int, streams: int, precision: str, device: torch.device) -> Callable[[], None]:
    """Return an update of the bare loop that a CUDA graph plays back."""
    update = bare_update(hidden, streams, precision, device, capturable=True)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            update()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        update()
    return graph.replay


def learn(results: Results, step: str, text: Path, seconds: float) -> None:
    """Train on ``text`` by the default recipe for so many ``seconds``; keep every scoring."""
    settings = TrainingSettings.model_validate(
        {"time": seconds, "device": results.device, "evaluations": 20, "sample_length": 1}
    )
    began, scored, found = time.perf_counter(), list[tuple[float, float]](), dict[str, Any]()
    with tempfile.TemporaryDirectory() as cache:
        for event in Run.new(None, Texts((str(text),), TextSettings()), settings, cache=Path(cache)).events():
            if isinstance(event, Planned):
                found["plan"] = event.plan.model_dump(mode="json")
                found["parameters"] = event.parameters
                found["seconds_before_training"] = round(time.perf_counter() - began, 1)
            elif isinstance(event, Note):
                found.setdefault("notes", []).append(event.message)
            elif isinstance(event, Progress):
                found["characters_per_second"] = round(event.characters_per_second)
            elif isinstance(event, Evaluated) and event.validation_bits_per_character is not None:
                scored.append((event.seconds, event.validation_bits_per_character * math.log(2)))
                found["epochs"] = round(event.epoch, 2)
                results.values["unfinished"] = {"step": step, "seconds": seconds, **found, "scored": scored}
                results.save()
    results.values.pop("unfinished", None)
    reached = [spent for spent, nats in scored if nats <= TARGET]
    results.add(
        step,
        {
            "seconds": seconds,
            "seconds_in_all": round(time.perf_counter() - began, 1),
            "best_nats": round(min(nats for _, nats in scored), 4),
            "seconds_to_target": round(reached[0], 1) if reached else None,
            **found,
            "scored": [(round(spent, 2), round(nats, 4)) for spent, nats in scored],
        },
    )


def learn_large(results: Results, text: Path, characters: int, seconds: float) -> None:
    """Train on about so many characters: words of ``text``, drawn by their frequency, in lines of ten."""
    words, counts = np.unique(text.read_text(encoding="utf-8").split(), return_counts=True)
    random, written = np.random.default_rng(0), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.txt"
        with path.open("w", encoding="utf-8") as file:
            while written < characters:
                drawn = random.choice(words, (10_000, 10), p=counts / counts.sum())
                written += file.write("\n".join(map(" ".join, drawn.tolist())) + "\n")
        learn(results, "large", path, seconds)


def find_text(given: Path | None) -> Path | None:
    """Return the text to learn from: the one given, or tinyshakespeare where texts are kept."""
    if given is not None:
        return given
    kept = os.environ.get("NEXTCHAR_CORPORA")
    folders = [*([Path(kept)] if kept else []), ROOT / "shared" / "corpora", ROOT.parent / "shared" / "corpora"]
    return next((folder / TEXT for folder in folders if (folder / TEXT).is_file()), None)


def tables(values: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the tables of what is measured so far."""
    yield f"{values['machine'][0]['machine']}\n"
    for value in values.get("tests", []):
        yield f"Tests: status {value['status']} after {value['seconds']} s: {value['output'][-1]}\n"
    speeds = [value for value in values.get("speed", []) if "loop" in value]
    columns = list(dict.fromkeys((value["precision"], value["loop"]) for value in speeds))
    if columns:
        yield row("units", "streams", *(f"{loop}, {precision}" for precision, loop in columns))
        yield row(*["---:"] * (2 + len(columns)))
    for hidden, streams in sorted({(value["hidden"], value["streams"]) for value in speeds}):
        cells = {
            (value["precision"], value["loop"]): value.get("characters_per_second")
            for value in speeds
            if (value["hidden"], value["streams"]) == (hidden, streams)
        }
        yield row(hidden, streams, *(f"{cells[key]:,}" if cells.get(key) else "–" for key in columns))
    yield ""
    learned = [(step, value) for step in ("small", "large") for value in values.get(step, []) if "plan" in value]
    if learned:
        heads = (
            "text",
            "seconds",
            "units",
            "streams",
            "characters/s",
            "passes",
            "best nats",
            f"s to {TARGET}",
            "in all",
        )
        yield row(*heads)
        yield row("---", *["---:"] * (len(heads) - 1))
    for step, value in learned:
        units, streams = " + ".join(map(str, value["plan"]["hidden"])), value["plan"]["feeding"]["batch"]
        speed, target = f"{value['characters_per_second']:,}", value["seconds_to_target"] or "–"
        measured = (speed, value["epochs"], value["best_nats"], target, value["seconds_in_all"])
        yield row(step, value["seconds"], units, streams, *measured)


def row(*cells: object) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def steps_of(results: Results, arguments: argparse.Namespace) -> Iterable[tuple[str, Callable[[], None]]]:
    """Return each step and what it does."""
    seconds, text = arguments.seconds, find_text(arguments.text)
    size = LARGE_TEXT if results.device == "cuda" else QUICK_TEXT
    yield "tests", lambda: run_tests(results, seconds)
    yield "speed", lambda: measure_speeds(results, 1.25 * seconds)
    if text is None:
        results.add("small", {"error": f"{TEXT} is not here: give it with --text"})
        return
    yield "small", lambda: learn(results, "small", text, 0.5 * seconds)
    yield "small", lambda: learn(results, "small", text, 1.5 * seconds)
    yield "large", lambda: learn_large(results, text, size, seconds)


def main() -> int:
    """Do every step, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json and gpu.md")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--only", nargs="+", choices=["tests", "speed", "small", "large"])
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA GPU here: --device cpu --seconds 5 shows that the benchmark works.", file=sys.stderr)
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.out, arguments.device)
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else "no GPU"
    results.add("machine", {"machine": f"{name}; {describe_machine()}"})
    for step, do in steps_of(results, arguments):
        if arguments.only is None or step in arguments.only:
            do()
    print((arguments.out / "gpu.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
