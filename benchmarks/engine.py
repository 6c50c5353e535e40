"""Writing one text and many side by side: characters per second of each engine, and the limit of the machine.

Usage: python benchmarks/engine.py [--seconds 1] [--rounds 3] [--hidden 128] [--output FILE]
       python benchmarks/engine.py --few [--seconds 1] [--rounds 3] [--hidden 128]

Networks with random weights, 57 characters, one-hot; temperature 0.5; each character is drawn and fed back. One text at
a time on one core; 16 and 256 texts side by side on all cores. The limit of one text is reading the weights once per
character, at the rate at which one core reads an array of that size repeatedly. The limit of many texts is the
arithmetic, at the rate of a large float32 matrix product on all cores. Engines take turns; each figure is the best of
the rounds, because other work can only slow a round down.

`--few` writes 2, 4 and 8 texts side by side on one core, in NumPy's product and in our own loop for few texts.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from keras_worker import QUIET
from machine import describe_machine
from numba import njit
from threadpoolctl import threadpool_limits

from nextchar.model.generation import generate_ids, generate_rows
from nextchar.model.sampling import draw, next_distribution
from nextchar.model.scoring import Scorer
from nextchar.networks import compiled_network, kernels
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.engine import make_network
from nextchar.parallel import Threads, available_cores
from nextchar.settings import SamplingSettings

SETTINGS = SamplingSettings(temperature=0.5)
VOCABULARY = 57
PROMPT = np.arange(10)

Steps = Callable[[int], None]
"""Writes that many characters of every text."""


def rate(write: Steps, batch: int, seconds: float) -> float:
    """Return characters per second over about ``seconds``."""
    count = 64
    while True:
        began = time.perf_counter()
        write(count)
        took = time.perf_counter() - began
        if took > seconds / 4:
            return count * batch / took
        count *= 2


def ours(network: Network[Any], batch: int, threads: int | None = None) -> Steps:
    """Return a writer that uses nextchar, with ``threads`` or on all cores."""
    if batch == 1:

        def write_one(count: int) -> None:
            for _ in islice(generate_ids(network, PROMPT, SETTINGS, np.random.default_rng(0)), count):
                pass

        return write_one

    def write_rows(rows: slice, count: int) -> None:
        randoms = [np.random.default_rng(row) for row in range(batch)[rows]]
        settings = SETTINGS.model_copy(update={"length": count})
        for _ in islice(generate_rows(network, PROMPT, settings, randoms), count):
            pass

    def write_many(count: int) -> None:
        Threads(threads or available_cores()).map_shards(lambda rows: write_rows(rows, count), batch)

    return write_many


def stepwise(step: Callable[[np.ndarray, Any], tuple[np.ndarray, Any]], state: Any, batch: int) -> Steps:
    """Return a writer for a library that computes a ``step``: ids (B,) in, logits (B, V) out."""

    def write(count: int) -> None:
        random, ids, now = np.random.default_rng(0), np.zeros(batch, np.int64), state
        for _ in range(count):
            logits, now = step(ids, now)
            ids = draw(next_distribution(logits, SETTINGS), random.random(batch))

    return write


def with_torch(architecture: Architecture, parameters: Parameters, batch: int) -> Steps:
    """Return a writer that uses nn.LSTM, one step at a time."""
    import torch

    from nextchar.networks.torch_network import LSTM

    module = LSTM(architecture, parameters)

    @torch.inference_mode()
    def step(ids: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        logits, state = module(torch.from_numpy(ids)[None], state)
        return logits[0].numpy(), state

    return stepwise(step, module.initial_state(batch), batch)


def with_onnxruntime(architecture: Architecture, parameters: Parameters, batch: int) -> Steps:
    """Return a writer that uses onnxruntime with the graph that `nextchar convert` writes."""
    import onnxruntime

    from nextchar.convert.conversion import convert
    from nextchar.model.model_file import ModelFile
    from nextchar.text.vocabulary import Vocabulary

    characters = "".join(chr(65 + number) for number in range(VOCABULARY))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "model.safetensors"), Path(folder, "model.onnx")
        ModelFile(architecture, Vocabulary(characters, has_unknown=False), parameters).save(source)
        convert(source, target)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1 if batch == 1 else available_cores()
        session = onnxruntime.InferenceSession(target.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()][1:]

    def step(ids: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        logits, *after = session.run(None, {"ids": ids[:, None], **dict(zip(names, state, strict=True))})
        return np.asarray(logits)[:, 0], after

    zeros = [np.zeros((batch, size), np.float32) for size in architecture.hidden for _ in ("hidden", "cell")]
    return stepwise(step, zeros, batch)


def with_keras(architecture: Architecture, parameters: Parameters, batch: int, predict: bool) -> Steps:
    """Return a writer that uses a stateful Keras layer on torch: through ``predict``, or by calling the model."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    layers: list[Any] = [keras.Input((1, VOCABULARY), batch_size=batch)]
    last = architecture.layers - 1
    layers += [
        keras.layers.LSTM(size, stateful=True, return_sequences=number < last)
        for number, size in enumerate(architecture.hidden)
    ]
    model = keras.Sequential([*layers, keras.layers.Dense(VOCABULARY)])
    model.set_weights([array.T for array in parameters.values()])
    eye = np.eye(VOCABULARY, dtype=np.float32)

    def step(ids: np.ndarray, state: None) -> tuple[np.ndarray, None]:
        inputs = eye[ids][:, None]
        logits = (
            model.predict(inputs, batch_size=batch, verbose=QUIET) if predict else np.asarray(model(inputs).detach())
        )
        return logits, state

    return stepwise(step, None, batch)


@njit(fastmath=True)
def _sum(array: np.ndarray) -> float:
    total = np.float32(0)
    for number in range(len(array)):
        total += array[number]
    return float(total)


def bandwidth(size: int) -> float:
    """Return the bytes per second at which one core repeatedly reads an array of ``size`` bytes."""
    array = np.ones(size // 4, np.float32)
    _sum(array)
    times = max(1, int(2e8 / size))
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            _sum(array)
        best = min(best, time.perf_counter() - began)
    return size * times / best


def arithmetic(threads: int) -> float:
    """Return float32 operations per second of a large matrix product on ``threads`` cores."""
    one = np.ones((1024, 1024), np.float32)
    best = float("inf")
    with threadpool_limits(threads, "blas"):
        for _ in range(8):
            began = time.perf_counter()
            np.matmul(one, one)
            best = min(best, time.perf_counter() - began)
    return 2 * 1024**3 / best


def limit(architecture: Architecture, batch: int) -> float:
    """Return the characters per second that the machine's memory or arithmetic allow."""
    if batch > 1:
        return arithmetic(available_cores()) / (2 * architecture.multiplications)
    size = 4 * architecture.multiplications
    return bandwidth(size) / size


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hidden", type=int, action="append")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.few:
        few(arguments.hidden or (128, 256, 384, 512), arguments.seconds, arguments.rounds)
        return
    rows = [
        describe_machine() + "\n",
        f"One core: {arithmetic(1) / 1e9:.0f} GFLOP/s; {available_cores()} cores: "
        f"{arithmetic(available_cores()) / 1e9:.0f} GFLOP/s; reading {bandwidth(1 << 18) / 1e9:.0f} GB/s from 256 KiB, "
        f"{bandwidth(1 << 22) / 1e9:.0f} from 4 MiB, {bandwidth(1 << 28) / 1e9:.0f} from 256 MiB.\n",
        "| hidden | batch | compiled | NumPy | torch | onnxruntime | Keras call | Keras predict | limit | of it |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for hidden in arguments.hidden or (128, 256, 512, 1024):
        for layers in (1, 2):
            for batch in (1, 16, 256):
                rows.append(row((hidden,) * layers, batch, arguments.seconds, arguments.rounds))
                print(rows[-1], flush=True)
    rows += ["", *parts(), "", *scoring()]
    result = "\n".join(rows) + "\n"
    print(result)
    if arguments.output:
        arguments.output.write_text(result, encoding="utf-8")


def row(hidden: tuple[int, ...], batch: int, seconds: float, rounds: int) -> str:
    """Return the rates of one network and batch as a row of the table."""
    import torch

    torch.set_num_threads(1 if batch == 1 else available_cores())
    architecture, parameters = random_weights(hidden)
    engines: list[Steps | None] = [
        ours(make_network(architecture, parameters, compiled=True), batch),
        ours(make_network(architecture, parameters), batch),
        with_torch(architecture, parameters, batch),
        with_onnxruntime(architecture, parameters, batch) if importlib.util.find_spec("onnxruntime") else None,
        with_keras(architecture, parameters, batch, predict=False) if importlib.util.find_spec("keras") else None,
        with_keras(architecture, parameters, batch, predict=True) if importlib.util.find_spec("keras") else None,
    ]
    rates: list[list[float]] = [[] for _ in engines]
    threads = 1 if batch == 1 else available_cores()
    with threadpool_limits(threads, "blas"):
        for _ in range(rounds):
            for engine, found in zip(engines, rates, strict=True):
                if engine is not None:
                    found.append(rate(engine, batch, seconds))
    best = [max(found, default=0.0) for found in rates]
    allowed = statistics.median(limit(architecture, batch) for _ in range(3))
    cells = " | ".join(f"{value:,.0f}" if value else "" for value in best)
    return f"| {' + '.join(map(str, hidden))} | {batch} | {cells} | {allowed:,.0f} | {best[0] / allowed:.0%} |"


def few(sizes: Sequence[int], seconds: float, rounds: int) -> None:
    """Print a table: few texts on one core, in NumPy's product and in our own loop, beside one text."""
    print(describe_machine() + "\n")
    print("| hidden | texts | one alone | NumPy's product | our loop | ratio |\n|---:|---:|---:|---:|---:|---:|")
    limits = {"numpy": 0, "ours": compiled_network.FEW}
    for hidden in sizes:
        network = make_network(*random_weights((hidden,)), compiled=True)
        for batch in (2, 4, 8):
            found: dict[str, list[float]] = {"alone": [], "numpy": [], "ours": []}
            with threadpool_limits(1, "blas"):
                for _ in range(rounds):
                    found["alone"].append(rate(ours(network, 1), 1, seconds))
                    for name, most in limits.items():
                        compiled_network.FEW = most
                        found[name].append(rate(ours(network, batch, threads=1), batch, seconds))
            alone, numpy, own = (max(rates) for rates in found.values())
            print(f"| {hidden} | {batch} | {alone:,.0f} | {numpy:,.0f} | {own:,.0f} | {own / numpy:.2f} |", flush=True)


def random_weights(hidden: tuple[int, ...]) -> tuple[Architecture, Parameters]:
    """Return a network of those sizes with random weights, as large as real ones before training."""
    architecture = Architecture(vocabulary_size=VOCABULARY, embedding=None, hidden=hidden)
    random, bound = np.random.default_rng(0), hidden[0] ** -0.5
    shapes = architecture.parameter_shapes().items()
    return architecture, {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes}


@njit
def _repeat_product(times: int, vector: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> None:
    for _ in range(times):
        kernels.add_product(vector, matrix, out)


@njit
def _repeat_cell(times: int, gates: np.ndarray, h: np.ndarray, c: np.ndarray) -> None:
    for _ in range(times):
        kernels.update_cell(gates, h, c)


@njit
def _repeat_draw(times: int, logits: np.ndarray, how: kernels.Draw) -> int:
    total = 0
    for number in range(times):
        total += kernels.draw_id(logits, how, 0, number / times)
    return total


def parts() -> list[str]:
    """Return where the time of a character goes, in microseconds."""
    rows = [
        "| hidden | product of the hidden weights | its rate, GB/s | gates and cell | logits | draw | together |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    random = np.random.default_rng(0)
    for hidden in (128, 256, 512, 1024):
        h, c, gates = (random.normal(0, 0.1, size).astype(np.float32) for size in (hidden, hidden, 4 * hidden))
        weight = random.normal(0, 0.01, (hidden, 4 * hidden)).astype(np.float32)
        output, logits = random.normal(0, 0.01, (hidden, 64)).astype(np.float32), np.zeros(64, np.float32)
        how = kernels.Draw(0.5, *Allowed.always(np.ones(VOCABULARY, np.bool_), 1), np.empty(VOCABULARY))
        took = [
            microseconds(lambda times: _repeat_product(times, h, weight, gates)),  # noqa: B023 (called at once)
            microseconds(lambda times: _repeat_cell(times, gates, h, c)),  # noqa: B023
            microseconds(lambda times: _repeat_product(times, h, output, logits)),  # noqa: B023
            microseconds(lambda times: _repeat_draw(times, logits, how)),  # noqa: B023
        ]
        product, cell, output_product, draw_one = took
        rows.append(
            f"| {hidden} | {product:.2f} | {weight.nbytes / product / 1e3:.0f} | {cell:.2f} | {output_product:.2f} | "
            f"{draw_one:.2f} | {sum(took):.2f} |"
        )
    return rows


def microseconds(work: Callable[[int], object], times: int = 2000) -> float:
    """Return the minimum time of one ``work``, repeated ``times`` times."""
    work(1)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        work(times)
        best = min(best, time.perf_counter() - began)
    return best / times * 1e6


def scoring() -> list[str]:
    """Return the rate at which a long text is scored."""
    rows = [
        "| scoring, hidden | compiled, all cores | compiled, one core | NumPy, all cores |",
        "|---:|---:|---:|---:|",
    ]
    ids = np.random.default_rng(0).integers(VOCABULARY, size=300_000)
    for hidden in (128, 256, 512):
        architecture, parameters = random_weights((hidden,))
        cells: list[str] = []
        for compiled, threads in ((True, available_cores()), (True, 1), (False, available_cores())):
            network = make_network(architecture, parameters, compiled=compiled)
            best = float("inf")
            with threadpool_limits(threads, "blas"):
                for _ in range(2):
                    began = time.perf_counter()
                    Scorer(network, 0, Threads(threads)).score(ids)
                    best = min(best, time.perf_counter() - began)
            cells.append(f"{len(ids) / best:,.0f}")
        rows.append(f"| {hidden} | {' | '.join(cells)} |")
    return rows


if __name__ == "__main__":
    main()
