"""Speed of training: characters per second of our loop and of a bare nn.LSTM loop, and the machine's matrix rate.

Usage: python benchmarks/training.py [--sizes 128,192,256,384,512] [--seconds 3] [--rounds 3]

Both train the default recipe's plan for a size, one after the other in each round; the best round of each counts. The
bare loop is the obvious one: nn.Embedding, nn.LSTM, nn.Linear, cross-entropy, torch.optim.AdamW, in float32, with
torch's own threads. The matrix rate is the best of float32 products of 2048 × 2048 matrices on all cores. Then some
runs of the command itself, stage by stage: the start (everything before the first update: Python, torch, the text,
measuring the machine), training, validation, samples, and the rest, which is saving and the report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from torch import nn
from torch.nn import functional

from nextchar.networks.torch_threads import Compute
from nextchar.settings import TrainingSettings
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.measurement import measure_step
from nextchar.training.plan import Plan, training_work

VOCABULARY, CHARACTERS = 65, 1_000_000
STAGES = ("start", "training", "validation", "samples", "rest")
RUNS = (("nietzsche", 5), ("nietzsche", 20), ("tinyshakespeare", 60), ("war-and-peace", 60), ("hongloumeng", 60))
"""Texts and seconds for the breakdown of the whole command."""


def plan_of(size: int, threads: int, precision: str) -> Plan:
    """Return the plan that the default recipe makes for a text like tinyshakespeare and a size."""
    settings = TrainingSettings.model_validate({"hidden": size, "steps": 1000, "precision": precision})
    return DefaultRecipe().choose_plan(CHARACTERS, VOCABULARY, settings, threads, lambda _: 1.0).plan


def matrix_rate(threads: int) -> float:
    """Return floating-point operations per second of a large float32 product."""
    torch.set_num_threads(threads)
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(8):
        began = time.perf_counter()
        torch.matmul(a, b)
        best = min(best, time.perf_counter() - began)
    return 2 * 2048**3 / best


def bare_loop(plan: Plan, threads: int, seconds: float) -> float:
    """Return characters per second of a bare loop of the same sizes."""
    torch.set_num_threads(threads)
    size, embedding = plan.hidden[0], plan.embedding or VOCABULARY
    layers = nn.Embedding(VOCABULARY, embedding), nn.LSTM(embedding, size), nn.Linear(size, VOCABULARY)
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-12, fused=True)
    ids = torch.from_numpy(
        np.random.default_rng(0).integers(VOCABULARY, size=(plan.feeding.window + 1, plan.feeding.batch))
    )
    state, times = None, []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        outputs, state = layers[1](layers[0](ids[:-1]), state)
        loss = functional.cross_entropy(layers[2](outputs).flatten(0, 1), ids[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        state = tuple(part.detach() for part in state)
        times.append(time.perf_counter() - began)
    return plan.feeding.predicted / float(np.median(times))


def stages(text: str, budget: int) -> dict[str, float]:
    """Return how the seconds of one `nextchar train` are spent."""
    with tempfile.TemporaryDirectory() as folder:
        worker = [sys.executable, str(Path(__file__).with_name("stages_worker.py")), repr(time.time())]
        options = ["--from", "none", "--time", f"{budget}s", "--out", str(Path(folder) / "run"), "--quiet"]
        done = subprocess.run([*worker, text, *options], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="128,192,256,384,512")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    vocabulary = Vocabulary("".join(map(chr, range(VOCABULARY))), has_unknown=False)
    rate = matrix_rate(threads)
    print(f"\n{describe_machine()}\n\nfloat32 matrix rate: {rate / 1e9:.0f} GFLOP/s on {threads} threads\n")
    print("| hidden | streams × window | bare nn.LSTM | ours, float32 | ours, bfloat16 | to bare | share of the rate |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for size in map(int, arguments.sizes.split(",")):
        best = {"bare": 0.0, "float32": 0.0, "bfloat16": 0.0}
        plans = {name: plan_of(size, threads, "float32" if name == "bare" else name) for name in best}
        for _ in range(arguments.rounds):
            for name, before in best.items():
                plan = plans[name]
                if name == "bare":
                    speed = bare_loop(plan, threads, arguments.seconds)
                else:
                    step_seconds = measure_step(plan, vocabulary, Compute(threads=threads), arguments.seconds)
                    speed = plan.feeding.predicted / step_seconds
                best[name] = max(before, speed)
        fastest = max(best["float32"], best["bfloat16"])
        plan = plans["float32"]
        share = fastest * training_work(size, plan.embedding or VOCABULARY, VOCABULARY) / rate
        print(
            f"| {size} | {plan.feeding.batch} × {plan.feeding.window} | {best['bare']:,.0f} | {best['float32']:,.0f} | "
            f"{best['bfloat16']:,.0f} | {fastest / best['bare']:.2f} | {share:.0%} |",
            flush=True,
        )
    print("\n| text | time | " + " | ".join(STAGES) + " | validation and samples, of the training time |")
    print("|---|---:|" + "---:|" * (len(STAGES) + 1))
    for text, budget in RUNS:
        spent = stages(text, budget)
        share = (spent["validation"] + spent["samples"]) / spent["training"]
        shown = " | ".join(f"{spent[stage]:.2f}" for stage in STAGES)
        print(f"| {text} | {budget} s | {shown} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
