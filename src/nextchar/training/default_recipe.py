"""The default recipe: parallel streams, and every size chosen from the text, the time and the speed of the machine.

Its rules come from training on Nietzsche, tinyshakespeare, Korean stories, first names, Python code and slices of War
and Peace for 5 to 180 seconds on two cores. docs/learning.md has the evidence, benchmarks/learning.py repeats the
measurements.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial

from nextchar.randomness import random_stream
from nextchar.settings import Precision, TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.chooser import Chooser
from nextchar.training.exchange import asked_way, choose_way
from nextchar.training.plan import Budget, ChosenPlan, Measure, Plan

REFERENCE_SIZE, GPU_REFERENCE_SIZE = 128, 512
"""Hidden size whose training speed is measured first, on a processor and on a GPU."""
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
"""Each is timed, and the faster one is used. A processor with instructions for bfloat16 is about 1.5 times as fast with
it, any other many times slower; the result is as good."""
ROUNDS = 3
"""Timings of the reference size, in each precision in turn. The fastest counts: other work only slows."""
ROUNDS_OF_GIVEN_SIZE = 2
"""The same where the size is given: it is timed once more in the end."""
MAX_SLOWDOWN = 4.0
"""How many times as long as the fastest precision one may take to be timed again."""
DEFAULT_SECONDS = 60.0
USABLE_SHARE = 0.99
"""Share of the time given to plan for; the rest is for a machine that slows down in the last moment."""
_NO_TEXT = re.compile("[\ufffd\ud800-\udfff]")
"""What stands for unknown characters, and for bytes that are not UTF-8."""
PROMPT = 40
"""Most characters of the text that every sample of a run continues."""
FALL = 0.06
"""Bits per character fall about with this power of the time (benchmarks/forecast.py; texts differ by a few percent)."""


class DefaultRecipe:
    """The recipe `default` (`nextchar.training.recipe.Recipe`)."""

    has_plan = True
    has_unknown = True
    starts_from_models = True
    reads_lists = True
    is_prompt_fixed = False
    fall: float | None = FALL

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings, with a memory and with the text in the model file unless they are refused."""
        unsaid = [name for name in ("memory", "keep_text") if getattr(training, name) is None]
        return text, training.model_copy(update=dict.fromkeys(unsaid, True)) if unsaid else training

    def choose_plan(
        self,
        characters: int,
        vocabulary_size: int,
        settings: TrainingSettings,
        threads: int,
        measure: Measure,
        *,
        measure_exchange: Measure | None = None,
        device: str = "cpu",
        processes: int = 1,
    ) -> ChosenPlan:
        """Return the plan for a text, a length of training and a machine; options given in ``settings`` are kept.

        Args:
            characters: of the training text.
            vocabulary_size: V.
            settings: the length as ``time``, ``epochs`` or ``steps`` (a minute if none is given), and any size.
            threads: threads that compute in parallel.
            measure: times an update of a plan; called only to turn a time budget into steps.
            measure_exchange: times an exchange between processes; None where there are no others.
            device: the kind of the device: cpu, cuda or mps.
            processes: processes that share each update.

        Raises:
            UsageError: there are fewer streams than processes.
        """
        chooser = Chooser(characters, vocabulary_size, settings, threads, processes, device=device).for_all_processes()
        if settings.steps is not None or settings.epochs is not None:
            chooser = replace(chooser, way=asked_way(settings.exchange))
            steps = settings.steps or chooser.steps_of(settings.epochs or 0)
            hidden = settings.hidden or chooser.size_for(lambda _: steps * chooser.predicted)
            notes = (f"The processes exchange {chooser.way}.",) if processes > 1 else ()
            return ChosenPlan(chooser.plan(hidden, steps, settings.precision or "float32"), None, notes)
        return _plan_for_time(chooser, USABLE_SHARE * (settings.time or DEFAULT_SECONDS), measure, measure_exchange)

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:  # noqa: ARG002 (the same for any plan)
        """Return the `start_of_line` for ``seed``."""
        return start_of_line(corpus, seed)


def _plan_for_time(chooser: Chooser, seconds: float, measure: Measure, measure_exchange: Measure | None) -> ChosenPlan:
    """Return the plan that fills ``seconds`` of training."""
    settings = chooser.settings
    hidden = settings.hidden or (GPU_REFERENCE_SIZE if chooser.on_gpu else REFERENCE_SIZE)
    step_seconds, precision = _fastest_precision(chooser, hidden, measure)
    timed: Measure = measure

    def step_seconds_of(chooser: Chooser, size: int) -> float:
        return timed(chooser.plan(size, 1, precision))

    def characters_of(chooser: Chooser, size: int) -> float:
        return seconds / step_seconds_of(chooser, size) * chooser.predicted

    if chooser.on_gpu:
        hidden, chooser = chooser.widened(step_seconds_of, hidden).largest_timed(characters_of)
        characters = characters_of(chooser, hidden)
    else:
        speed = chooser.predicted / step_seconds * chooser.cost(hidden)
        hidden = settings.hidden or chooser.size_for(lambda size: seconds * speed / chooser.cost(size))
        characters = seconds * speed / chooser.cost(hidden)
    notes: tuple[str, ...] = ()
    if measure_exchange is not None:
        trial = chooser.plan(hidden, 1, precision)
        chosen = choose_way(trial, timed(trial), measure_exchange, settings.exchange)
        chooser, notes = replace(chooser, way=chosen.way), (chosen.note,)
        timed = partial(chosen.step_seconds, measure=measure)
    chooser = chooser.widened(step_seconds_of, hidden)
    # Measured again with the final dropout, which takes time too and depends on the number of steps.
    expected = max(1, int(characters / chooser.predicted))
    step_seconds = timed(chooser.plan(hidden, expected, precision))
    affordable = max(1, int(seconds / step_seconds))
    budget = Budget(seconds=seconds, max_steps=chooser.max_steps(hidden, affordable))
    steps = min(affordable, budget.max_steps)
    if steps < affordable:
        passes = steps * chooser.predicted / chooser.characters
        why = "The text is short" if settings.from_ is None else "The text is soon learned from a model"
        notes = (
            *notes,
            f"{why}, so training takes less than the time given: after {passes:.0f} passes the model would begin to "
            "memorise it. (Use --epochs or --steps for more.)",
        )
    return ChosenPlan(chooser.plan(hidden, steps, precision), steps * step_seconds, notes, budget)


def _fastest_precision(chooser: Chooser, hidden: int, measure: Measure) -> tuple[float, Precision]:
    """Return the seconds of an update at a hidden size in the precision in which it is fastest, and that precision."""
    given = chooser.settings.precision
    contenders: list[Precision] = list(PRECISIONS if given is None else (given,))
    taken: dict[Precision, float] = dict.fromkeys(contenders, math.inf)
    for _ in range(ROUNDS_OF_GIVEN_SIZE if chooser.settings.hidden else ROUNDS):
        for precision in contenders:
            taken[precision] = min(taken[precision], measure(chooser.plan(hidden, 1, precision)))
        contenders = [name for name in contenders if taken[name] <= MAX_SLOWDOWN * min(taken.values())]
        if len(contenders) == 1 and chooser.settings.hidden:
            break  # no size is chosen by its speed, which is timed again
    fastest = min(taken, key=taken.__getitem__)
    return taken[fastest], fastest


def start_of_line(corpus: Corpus, seed: int) -> str:
    """Return the start of a random line of the held-out text, or of the training text if nothing is held out; nothing
    for a list, whose lines are written from their beginning."""
    if corpus.is_list:
        return ""
    held_out = len(corpus.validation) > PROMPT
    ids = corpus.held_out_excerpt(1 << 16) if held_out else corpus.training[: 1 << 16]
    text = _NO_TEXT.sub("", corpus.vocabulary.decode(ids))
    lines = [line for line in text.split("\n") if len(line) >= PROMPT // 2] or [text.partition("\n")[2] or text]
    random = random_stream(seed, "evaluation")
    return lines[int(random.integers(len(lines)))][:PROMPT]
