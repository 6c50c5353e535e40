"""The record of a classic run that docs/classic.md shows, gathered from its folder and kept as docs/classic.json."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

import nextchar
from nextchar.model.language_model import LanguageModel
from nextchar.report.temperature_effect import temperature_effect
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import RunRecord
from nextchar.settings import SAMPLE_TEMPERATURES
from nextchar.training.events import Evaluated, Sampled, TextRead

SEED = 0
"""The seed of every draw: the page shows the first texts that came."""
TEMPERATURE, STEPS, LIKELY = 0.5, 6, 8
"""For writing one character at a time: temperature, number of characters, and how many of each distribution are
shown."""
WRITTEN, LENGTH = (0.0, 0.5, 1.0), 400
"""Temperatures to compare, and the number of characters written at each."""
LONGEST_SEARCH = 20_000
"""Maximum of characters written greedily to find the loop."""
SHOWN_EPOCHS = (1, 3, 6, 9)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Part):
    """A character being written."""

    read: str
    characters: str
    """The most probable next characters, most probable first."""
    probabilities: tuple[float, ...]
    drawn: str
    drawn_probability: float


class Written(_Part):
    """A text written at one temperature."""

    temperature: float
    text: str
    surprises: tuple[float, ...]
    """Surprise of each character in bits, by the model's own distribution."""


class Loop(_Part):
    """Where greedy writing begins to repeat itself."""

    begins: int
    """Index of the first repeated character in the written text."""
    period: int
    """Length of the loop in characters."""


class Effect(_Part):
    """One distribution at several temperatures."""

    read: str
    characters: str
    temperatures: tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...]
    entropies: tuple[float, ...]


class Record(_Part):
    """Everything that the page shows of a run."""

    text: TextRead
    prompt: str
    context_length: int
    versions: dict[str, str]
    threads: int
    evaluations: tuple[Evaluated, ...]
    """One for each epoch."""
    validation_bits: float
    """Exact bits per character of the kept model."""
    kept_epoch: int
    samples: tuple[Sampled, ...]
    """Samples of the epochs that the page shows."""
    steps: tuple[Step, ...]
    written: tuple[Written, ...]
    loop: Loop
    effect: Effect


def gather(folder: RunFolder) -> Record:
    """Return what the page shows of the run in ``folder``, a finished run of the classic recipe.

    Raises:
        RunFolderError: there is no run in it.
    """
    run, model = RunRecord.read(folder), nextchar.load(folder.path)
    context, bits, prompt = model.file.architecture.context_length, run.validation_bits, run.settings.prompt
    if run.text is None or run.best is None or context is None or bits is None:
        raise SystemExit(f"{folder.path} is not a finished run of the classic recipe with a held-out text.")
    return Record(
        text=run.text,
        prompt=prompt,
        context_length=context,
        versions=model.provenance.versions,
        threads=run.settings.threads,
        evaluations=run.evaluations,
        validation_bits=bits,
        kept_epoch=round(run.best.epoch),
        samples=tuple(
            sample for row in run.samples.values() for sample in row.values() if round(sample.epoch) in SHOWN_EPOCHS
        ),
        steps=tuple(write_slowly(model, prompt)),
        written=tuple(write(model, prompt, temperature) for temperature in WRITTEN),
        loop=find_loop(model.generate(prompt, temperature=0, length=LONGEST_SEARCH), context),
        effect=effect_of_temperature(model, prompt),
    )


def write_slowly(model: LanguageModel, prompt: str) -> list[Step]:
    """Return the first characters written after ``prompt``, each with its distribution."""
    text, steps = prompt, list[Step]()
    for drawn in model.stream(prompt, temperature=TEMPERATURE, length=STEPS, seed=SEED):
        likely = model.next_character_distribution(text, temperature=TEMPERATURE)
        first = list(likely)[:LIKELY]
        steps.append(
            Step(
                read=text,
                characters="".join(first),
                probabilities=tuple(round(likely[character], 5) for character in first),
                drawn=drawn,
                drawn_probability=round(likely[drawn], 5),
            )
        )
        text += drawn
    return steps


def write(model: LanguageModel, prompt: str, temperature: float) -> Written:
    """Return what is written after ``prompt``."""
    text = model.generate(prompt, temperature=temperature, length=LENGTH, seed=SEED)
    surprises = model.surprises(prompt + text)[len(prompt) :]
    return Written(temperature=temperature, text=text, surprises=tuple(round(bits, 3) for bits in surprises.tolist()))


def find_loop(text: str, context: int) -> Loop:
    """Return where ``text``, written greedily by a model that reads ``context`` characters, repeats itself.

    It must repeat: the same characters are always followed by the same character. So once as many characters as the
    model reads come a second time, everything after them repeats forever.
    """
    seen: dict[str, int] = {}
    for start in range(len(text) - context + 1):
        first = seen.setdefault(text[start : start + context], start)
        if first < start:
            period = start - first
            while first > 0 and text[first - 1] == text[first - 1 + period]:
                first -= 1
            return Loop(begins=first, period=period)
    raise SystemExit(
        f"No {context} characters come a second time in {len(text):,}: look for the loop in a longer text."
    )


def effect_of_temperature(model: LanguageModel, prompt: str) -> Effect:
    """Return the prediction inside ``prompt`` that shows the effect of temperature best."""
    ids = model.vocabulary.encode(prompt)
    effect = temperature_effect(model.network, ids, SAMPLE_TEMPERATURES, forbidden=model.vocabulary.never_drawn)
    return Effect(
        read=model.vocabulary.decode(ids[: effect.read]),
        characters=model.vocabulary.decode(effect.ids),
        temperatures=effect.temperatures,
        probabilities=tuple(tuple(round(share, 5) for share in row) for row in effect.probabilities.tolist()),
        entropies=tuple(round(bits, 4) for bits in effect.entropies.tolist()),
    )
