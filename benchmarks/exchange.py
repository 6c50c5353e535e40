"""What two processes learn from as many characters, by what they exchange.

    python benchmarks/exchange.py tinyshakespeare.txt [--characters 1500000] [--hidden 128] [--out measured.json]

Trains the default recipe's network in two processes on this machine, each time on the same number of characters: with
gradients in float32 and bfloat16, with weights that are averaged after every 4 and every 16 updates, and with as many
more streams instead, which need as much less exchange (the learning rate and the warm-up grow with their root, as the
default recipe has it). Prints the held-out bits per character after a third, two thirds and all of them. Nothing is
timed: the characters decide.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from nextchar.networks.torch_processes import join_processes
from nextchar.networks.torch_threads import Compute
from nextchar.runs.trainers import dataset_of
from nextchar.runs.training_text import encode
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.chooser import STREAMS
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.events import Evaluated
from nextchar.training.exchange import WAYS, Way
from nextchar.training.plan import Plan
from nextchar.training.trainer import Trainer

TRIALS = [*((way, STREAMS) for way in WAYS), (WAYS[0], 4 * STREAMS), (WAYS[0], 16 * STREAMS), (WAYS[-1], 4 * STREAMS)]
"""Ways to exchange, and streams of an update in all."""


def never(plan: Plan) -> float:
    """Nothing is timed."""
    raise AssertionError(plan)


def plan_of(corpus: Corpus, way: Way, streams: int, arguments: argparse.Namespace) -> Plan:
    """Return the default recipe's plan, with so many streams and the exchange of ``way``."""
    root = math.sqrt(streams / STREAMS)
    characters, vocabulary = len(corpus.training), corpus.vocabulary.size
    settings = TrainingSettings(
        epochs=arguments.characters / characters, hidden=arguments.hidden, streams=streams, exchange=way.exchange
    )
    plan = DefaultRecipe().choose_plan(characters, vocabulary, settings, 2, never, processes=2).plan
    return plan.model_copy(
        update={
            "learning_rate": root * plan.learning_rate,
            "warm_up": math.ceil(min(0.2, 0.05 * root) * plan.steps),
            "average_every": way.every,
        }
    )


def learn(corpus: Corpus, way: Way, streams: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the held-out bits per character, three times in the course of training."""
    compute = Compute(threads=2, processes=join_processes())
    plan = plan_of(corpus, way, streams, arguments)
    trainer = Trainer(plan, dataset_of(corpus), seed=0, evaluations=3, compute=compute)
    bits = [event.validation_bits_per_character for event in trainer.run() if isinstance(event, Evaluated)]
    trainer.close()
    return {"exchange": str(way), "streams": streams, "steps": plan.steps, "bits_per_character": bits}


def main() -> None:
    """Train by each way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--characters", type=int, default=1_500_000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--out", type=Path, help="where to write the results as JSON, a line each, as they come")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.rank:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.run([sys.executable, *launcher, __file__, *sys.argv[1:], "--rank"], check=True)
        return
    files = catalog.resolve([arguments.text], cache=default_cache_folder()).files
    corpus = encode(files, TextSettings(), TrainingSettings(), default_cache_folder())
    is_first = join_processes().is_first
    if is_first:
        print("| exchange | streams | updates | bits/character after 1/3 | 2/3 | all |\n|---|---:|---:|---:|---:|---:|")
    for way, streams in TRIALS:
        result = learn(corpus, way, streams, arguments)
        if is_first:
            bits = " | ".join(f"{value:.3f}" for value in result["bits_per_character"])
            print(f"| {way} | {streams} | {result['steps']:,} | {bits} |", flush=True)
            if arguments.out is not None:
                with arguments.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
