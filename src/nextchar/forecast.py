"""What training on a text would be like: the plan, its time and memory, and the bits per character to expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextchar.architecture import GATES
from nextchar.corpus import Corpus
from nextchar.plan import DEFAULT_SECONDS, Plan
from nextchar.preparation import choose, computing
from nextchar.settings import TrainingSettings

if TYPE_CHECKING:
    from nextchar.workers import Device

TRIAL_SECONDS = 3.0
"""Time budget of the trial run that the forecast of bits per character starts from."""
TRIAL_SCORED = 100_000
"""Held-out characters that the trial is scored on."""
FALL = 0.06
"""Bits per character fall about with this power of the time (benchmarks/forecast.py; texts differ by a few percent)."""
BASE_BYTES = 330_000_000
"""Resident memory of Python with torch loaded, before any network is made."""


@dataclass(frozen=True)
class Forecast:
    """What to expect of a run."""

    plan: Plan
    parameters: int
    seconds: float | None
    """Training time; None where nothing was measured."""
    memory: int
    """Peak resident memory, in bytes, roughly."""
    bits_per_character: float | None
    """On the held-out text, roughly; None where nothing is held out, and for the classic recipe."""
    notes: tuple[str, ...]


def forecast(corpus: Corpus, training: TrainingSettings) -> Forecast:
    """Choose the plan for ``corpus``, and train on it for some seconds to tell what the whole plan would reach.

    Raises:
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    device, threads = computing(training)  # tells where torch is missing
    from nextchar.trainer import measure_step

    chosen = choose(corpus, training, device, threads)
    seconds, bits = chosen.expected_seconds, None
    if training.recipe == "classic":
        seconds = chosen.plan.steps * measure_step(chosen.plan, corpus.vocabulary.size, device, threads)
    else:
        bits = _expected_bits(corpus, device, threads, seconds or training.time or DEFAULT_SECONDS)
    return Forecast(
        plan=chosen.plan,
        parameters=chosen.plan.architecture(corpus.vocabulary.size).parameter_count,
        seconds=seconds,
        memory=_memory(chosen.plan, corpus.vocabulary.size),
        bits_per_character=bits,
        notes=chosen.notes,
    )


def _expected_bits(corpus: Corpus, device: Device, threads: int, budget: float) -> float | None:
    """Return what ``budget`` seconds of training would reach, by a short trial."""
    from nextchar.trainer import Trainer

    trial_plan = choose(corpus, TrainingSettings(time=min(TRIAL_SECONDS, budget)), device, threads).plan
    held_out = corpus.validation[:TRIAL_SCORED]
    trial = Trainer(
        trial_plan,
        corpus.vocabulary.size,
        corpus.training,
        held_out,
        seed=0,
        unseen_bits=-corpus.vocabulary.unseen_log2_probability,
        start_id=corpus.vocabulary.start_id,
        device=device,
        threads=threads,
    )
    for _ in trial.run():
        pass
    trial.close()
    bits = trial.position.best_bits
    longer = max(1.0, budget / max(trial.position.seconds, 1e-3))
    return None if bits is None else bits * longer**-FALL


def _memory(plan: Plan, vocabulary_size: int) -> int:
    """Return the bytes of a run: weights, gradients, two moments, best and snapshot, and what a window keeps."""
    copies = 9
    activations = sum((2 * GATES + 4) * hidden for hidden in plan.hidden) + 4 * vocabulary_size
    values = copies * plan.architecture(vocabulary_size).parameter_count + plan.streams * plan.window * activations
    return BASE_BYTES + 4 * values
