"""From the classic recipe to the default one, step by step: what each is worth in seconds and bits.

Usage: python benchmarks/recipe_steps.py [--time 60] [--seeds 1] [--output FILE]

Nietzsche, lower-cased, the last 10 % held out. Every row changes one thing in the plan of the row before it and trains
for the same time, converted to steps by the speed measured just before. Bits per character are those of the best model
on the whole held-out text, with the state carried (or the window read) through it. The seconds are those until the
model first matches the Keras example after nine epochs, 2.178 bits.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from pathlib import Path

from machine import describe_machine

from nextchar.runs.plan_choice import choose_plan
from nextchar.runs.trainers import choose_compute
from nextchar.runs.training_text import encode
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.chooser import STREAMS
from nextchar.training.dataset import Dataset
from nextchar.training.events import Evaluated
from nextchar.training.feeding import Streams
from nextchar.training.measurement import measure_step
from nextchar.training.plan import Plan, checkpoint_every, training_work
from nextchar.training.recipes import recipe_of
from nextchar.training.trainer import Trainer

TARGET = 2.178
EVALUATIONS = 10


def steps(classic: Plan, default: Plan) -> list[tuple[str, dict[str, object]]]:
    """Return what changes from row to row."""
    regularised = {name: getattr(default, name) for name in ("dropout", "input_dropout", "weight_decay")}
    sized = {"hidden": default.hidden, "feeding": default.feeding, "learning_rate": default.learning_rate}
    return [
        ("the classic recipe", {}),
        (
            "predict every character, not only the one after a window; carry the state on",
            {"feeding": Streams(batch=classic.feeding.batch, window=classic.feeding.window)},
        ),
        (
            "32 places of the text side by side, not 128: more updates",
            {"feeding": Streams(batch=STREAMS, window=classic.feeding.window)},
        ),
        ("start from the frequencies of the characters", {"initial_weights": "frequencies"}),
        ("AdamW at its own rate, gradients clipped", {"optimizer": "adamw", "learning_rate": 0.015, "clip": 1.0}),
        ("warm up, then let the rate fall along a cosine", {"schedule": "cosine"}),
        (
            "an embedding of 32 instead of one-hot",
            {"embedding": default.embedding, "feeding": Streams(batch=STREAMS, window=default.feeding.window)},
        ),
        (f"the size that the time allows, {default.hidden[0]} units, at its rate", sized),
        ("dropout and weight decay", regularised),
        ("products in the precision that is the faster one", {"precision": default.precision}),
        ("the softmax temperature that the held-out text asks for", {"calibrated": default.calibrated}),
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    files = catalog.resolve(["nietzsche"], cache=default_cache_folder()).files
    text, cache = TextSettings(lowercase=True), default_cache_folder()
    compute = choose_compute(TrainingSettings())
    default_settings = TrainingSettings(time=arguments.time)
    classic_settings = TrainingSettings(recipe="classic", epochs=1)
    _, classic_settings = recipe_of(classic_settings).complete(text, classic_settings)
    corpus = encode(files, text, default_settings, cache)
    size = corpus.vocabulary.size
    dataset = Dataset(corpus.training, corpus.validation, corpus.vocabulary)
    default = choose_plan(corpus, default_settings, compute).plan
    plan = choose_plan(corpus, classic_settings, compute).plan
    rows = [
        describe_machine() + "\n",
        f"| step | updates in {arguments.time:g} s | characters predicted | bits/character | seconds to {TARGET} |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, changes in steps(plan, default):
        plan = plan.model_copy(update=changes)
        seconds = measure_step(plan, corpus.vocabulary, compute, 2.0)
        plan = with_length(plan, max(EVALUATIONS, int(arguments.time / seconds)), size)
        trainers = (
            Trainer(plan, dataset, seed=seed, evaluations=EVALUATIONS, compute=compute)
            for seed in range(arguments.seeds)
        )
        results = [train(trainer) for trainer in trainers]
        bits = statistics.median(result[0] for result in results)
        reached = statistics.median(result[1] for result in results)
        shown = f"{reached:.0f}" if reached < math.inf else "not reached"
        rows.append(f"| {name} | {plan.steps:,} | {plan.characters / 1e6:.1f} million | {bits:.3f} | {shown} |")
        print(rows[-1], file=sys.stderr, flush=True)
    result = "\n".join(rows) + "\n"
    print(result)
    if arguments.output:
        arguments.output.write_text(result, encoding="utf-8")


def with_length(plan: Plan, count: int, vocabulary_size: int) -> Plan:
    """Return ``plan`` with ``count`` updates."""
    work = (
        training_work(plan.hidden[0], plan.embedding or 0, vocabulary_size) * plan.feeding.batch * plan.feeding.window
    )
    warm_up = math.ceil(0.05 * count) if plan.schedule == "cosine" else 0
    changes = {"steps": count, "warm_up": warm_up, "checkpoint_every": checkpoint_every(count, work)}
    return plan.model_copy(update=changes)


def train(trainer: Trainer) -> tuple[float, float]:
    """Train; return bits per character and the seconds to `TARGET`."""
    reached = math.inf
    for event in trainer.run():
        if isinstance(event, Evaluated):
            bits = event.validation_bits_per_character
            if bits is not None and bits <= TARGET:
                reached = min(reached, event.seconds)
    bits = trainer.state.best_bits
    trainer.close()
    assert bits is not None
    return bits, reached


if __name__ == "__main__":
    main()
