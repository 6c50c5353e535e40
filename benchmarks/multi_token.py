"""Whether predicting several characters at once helps: as extra targets in training, and to draft when writing.

Usage: python benchmarks/multi_token.py [--texts NAME ...] [--hidden 128] [--steps 2000] [--seeds 0 1] [--heads 1 2 4]
       python benchmarks/multi_token.py --drafting [--hidden 128 512]

Extra targets: beside the next character, heads of their own predict those after it, from the same outputs; their loss
has a weight that shrinks to nothing over the run (annealed) or stays. Bits per character of the network alone after the
same number of updates, and the time that an update takes, as a share of that without extra heads.

Drafting: characters that are drafted have to be read by the network before they can be accepted. An LSTM reads them one
after another, as it does when it writes; only the output layer can take them at once. So the time to read a text, with
the logits of all its characters computed at once, over the time to write one is the most that drafting could gain, with
drafts that are never wrong and cost nothing.

NEXTCHAR_CORPORA names the folder with the texts.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nextchar.model.scoring import Scorer
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.engine import make_network
from nextchar.networks.torch_network import LSTM
from nextchar.parallel import Threads, available_cores
from nextchar.randomness import random_stream
from nextchar.runs.training_text import encode, find_texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.chooser import Chooser
from nextchar.training.initial_weights import initial_parameters
from nextchar.training.schedule import Schedule

TEXTS = ("nietzsche", "tinyshakespeare", "korean-stories")
WEIGHT = 0.5
"""Weight of the loss of each extra head at the beginning, or always."""
CHARACTERS = 20_000
"""Characters that are written and read to compare the speeds."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="+", default=list(TEXTS))
    parser.add_argument("--hidden", nargs="+", type=int, default=[128])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--heads", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--drafting", action="store_true")
    options = parser.parse_args(arguments)
    print(f"{platform.machine()}, {available_cores()} cores, torch {torch.__version__}")
    if options.drafting:
        for hidden in options.hidden:
            for vocabulary in (100, 4000):
                _drafting(hidden, vocabulary)
        return
    print("text             heads  extra targets   bits (one for each seed)   time of an update")
    for name in options.texts:
        text, training, cache = TextSettings(), TrainingSettings(), default_cache_folder()
        corpus = encode(find_texts([name], text, cache).files, text, training, cache)
        alone = 0.0
        for heads in options.heads:
            for annealed in (True, False) if heads > 1 else (True,):
                found = [
                    _train(corpus, options.hidden[0], options.steps, seed=seed, heads=heads, annealed=annealed)
                    for seed in options.seeds
                ]
                seconds = min(seconds for _, seconds in found)
                alone = alone or seconds
                kind = "none" if heads == 1 else "annealed" if annealed else "to the end"
                bits = " ".join(f"{bits:.3f}" for bits, _ in found)
                print(f"{name:<16} {heads:>5}  {kind:<13}   {bits:<24}   {seconds / alone:.2f}", flush=True)


def _train(corpus: Corpus, hidden: int, steps: int, *, seed: int, heads: int, annealed: bool) -> tuple[float, float]:
    """Return the bits per character of the network alone, and the seconds of an update."""
    plan = Chooser(len(corpus.training), corpus.vocabulary.size, TrainingSettings(), 1).plan(hidden, steps, "float32")
    architecture = plan.architecture(corpus.vocabulary.size)
    module = LSTM(architecture, initial_parameters(architecture, random_stream(seed, "weights"), corpus.training))
    torch.manual_seed(seed)
    extra = [nn.Linear(hidden, corpus.vocabulary.size) for _ in range(heads - 1)]
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    weights += [weight for head in extra for weight in head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=plan.learning_rate, betas=(0.9, 0.99), weight_decay=plan.weight_decay)
    batches, schedule = plan.feeding.batches(corpus.training, seed), Schedule(plan)
    state: Any = module.initial_state(plan.feeding.batch)
    began = time.perf_counter()
    for step in range(steps):
        inputs, targets = (torch.from_numpy(np.array(ids, np.int64)) for ids in batches.batch(step))  # (T, B)
        outputs, after = module.read(inputs, state)
        loss = functional.cross_entropy(module.output(outputs).flatten(0, 1), targets.flatten())
        weight = WEIGHT * (1 - step / steps if annealed else 1)
        for ahead, head in enumerate(extra, 1):
            predicted = head(outputs[:-ahead]).flatten(0, 1)
            loss = loss + weight * functional.cross_entropy(predicted, targets[ahead:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, plan.clip or 1.0)
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate(step)
        optimizer.step()
        state = tuple((h.detach(), c.detach()) for h, c in after)
    seconds = (time.perf_counter() - began) / steps
    network = make_network(architecture, module.export_parameters(), compiled=True)
    scores = Scorer(network, corpus.vocabulary.start_id, Threads(available_cores())).score(corpus.validation)
    bits = corpus.vocabulary.unknown_cost(corpus.validation) - scores
    return float(bits.sum() / corpus.vocabulary.token_lengths(corpus.validation).sum()), seconds


def _drafting(hidden: int, vocabulary: int) -> None:
    """Print how much faster a network reads a text, with all logits at once, than it writes one."""
    random = np.random.default_rng(0)
    architecture = Architecture(vocabulary_size=vocabulary, embedding=64, hidden=(hidden,))
    shapes = architecture.parameter_shapes()
    parameters = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    network = CompiledNetwork(architecture, parameters)
    allowed, uniforms = Allowed.always(np.ones(vocabulary, np.bool_), 1), random.random((CHARACTERS, 1))
    logits, state = network.forward(np.zeros((1, 1), np.int64), network.initial_state(1))
    write, read = [], []
    for _ in range(5):
        began = time.perf_counter()
        ids, _, _ = network.write(logits[:, -1], state, 1.0, allowed, uniforms)
        write.append(time.perf_counter() - began)
        began = time.perf_counter()
        network.read_outputs(ids[:, 0], state)
        read.append(time.perf_counter() - began)
    print(
        f"{hidden} units, {vocabulary:,} ids: writes {CHARACTERS / min(write):,.0f} a second; at most "
        f"{min(write) / min(read):.2f} times as fast with drafts"
    )


if __name__ == "__main__":
    main()
