"""Runs beside each other: what they were told, what came of it, and whether their scores can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextchar.files.file_size import describe_size
from nextchar.model.comparison import Comparison
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_path import find_model, model_name
from nextchar.networks.kinds import kind_of
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import RunRecord
from nextchar.settings import SamplingSettings, Weights
from nextchar.training.feeding import Lines, Streams, Windows
from nextchar.training.plan import Plan

NOT_CHOICES = {
    *("steps", "revisions", "warm_up", "checkpoint_every", "shards", "threads", "device", "save_every"),
    *("gpu_memory_fraction", "streams", "layers", "from_", "feeding", "line_end"),
}
"""Entries of settings that follow from others or from the machine, or that stand in the plan in other words."""
PLANNED = {*Plan.model_fields, *Streams.model_fields, *Windows.model_fields, *Lines.model_fields}
"""Entries that only runs with a plan have."""
MIN_RUNS, MAX_RUNS = 2, 12


@dataclass(frozen=True)
class HeldOut:
    """What identifies the text that a score was measured on."""

    sha256: str | None
    """Hash of the whole text, of which it is a part."""
    training_characters: int | None
    """Characters of the rest."""
    characters: int | None
    """Those scored."""
    lowercase: bool
    is_of_lines: bool
    """Whether lines of a list were held out, not its end."""


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A run, or a model file without one."""

    name: str
    model: LanguageModel
    model_bytes: int
    record: RunRecord | None
    """What happened in the run; None of a model file."""

    @classmethod
    def read(cls, path: Path, *, carry_state: bool = False, weights: Weights = "float32") -> ComparedRun:
        """Read a run folder, or a model file; one that lies in its run folder stands for the run.

        Raises:
            ModelFileError: there is no model, or it is damaged.
            RunFolderError: the run is damaged, or a newer version wrote it.
        """
        file = find_model(path)
        folder = RunFolder(file.parent)
        is_run = folder.exists and folder.model_path == file
        return cls(
            name=str(path),
            model=LanguageModel.load(file, carry_state=carry_state, weights=weights),
            model_bytes=file.stat().st_size,
            record=RunRecord.read(folder) if is_run else None,
        )

    @property
    def short_name(self) -> str:
        """The name of its folder, or of its file."""
        return model_name(Path(self.name))

    @property
    def bits_per_character(self) -> float | None:
        """Bits per character on its held-out text; None if nothing was held out."""
        return self.model.provenance.validation_bits_per_character

    @property
    def held_out(self) -> HeldOut:
        """The text that this was measured on."""
        known = self.model.provenance
        counts = known.training_characters, known.validation_characters
        return HeldOut(known.corpus_sha256, *counts, known.lowercase, self.model.is_of_lines)

    @property
    def seconds(self) -> float | None:
        """Training time: of the whole run, or of a model file up to its weights."""
        whole = self.record.seconds if self.record is not None else None
        return self.model.provenance.training_seconds if whole is None else whole

    @property
    def parameters(self) -> int:
        """Parameters of the network, or n-grams of a model that counts."""
        architecture = self.model.file.architecture
        return kind_of(architecture).parameter_count(architecture)

    @property
    def step(self) -> int | None:
        """Updates made in the run, or to the weights of a model file."""
        return self.model.provenance.step if self.record is None else self.record.step or None

    @property
    def unfinished(self) -> str | None:
        """What is left to do in a run that is still training or was interrupted; None otherwise."""
        if self.record is None or self.record.is_finished:
            return None
        plan = self.record.settings.plan
        return f"not finished: step {self.record.step:,}" + (f" of {plan.steps:,}" if plan else "")

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that was chosen for it, by readable names: the plan, and options that no plan records."""
        known = self.model.provenance
        chosen: dict[str, Any] = {
            "texts": ", ".join(known.corpus) or None,
            "started_from": known.started_from or "nothing",
            "recipe": known.recipe,
            "seed": known.seed,
            "lowercase": known.lowercase,
        }
        plan: dict[str, Any] = known.plan
        if self.record is not None:
            settings = self.record.settings
            options = settings.text.model_dump(mode="json") | settings.training.model_dump(mode="json")
            chosen |= {name: value for name, value in options.items() if name not in PLANNED}
            plan = settings.plan.model_dump(mode="json") if settings.plan is not None else {}
        feeding = dict(plan.get("feeding") or {})
        if "kind" in feeding:
            feeding["reads"] = feeding.pop("kind")
        chosen |= plan | feeding
        return {name.replace("_", " "): value for name, value in chosen.items() if name not in NOT_CHOICES}


def differing_settings(runs: Sequence[ComparedRun]) -> dict[str, list[Any]]:
    """Return the settings in which ``runs`` differ, each with its value in every run.

    None is off, or not known of that run. What a run cannot have, like the sizes of a network where it only counts, is
    no difference.
    """
    settings = [run.settings for run in runs]
    names = dict.fromkeys(name for chosen in settings for name in chosen)
    found = {name: [chosen[name] for chosen in settings if name in chosen] for name in names}
    differing = [name for name, values in found.items() if any(value != values[0] for value in values)]
    return {name: [chosen.get(name) for chosen in settings] for name in differing}


def same_held_out(runs: Iterable[ComparedRun]) -> bool | None:
    """Return whether the scores of ``runs`` were measured on the same text; None if that is not known of all."""
    texts = [run.held_out for run in runs]
    if any(text != texts[0] for text in texts):
        return False
    return None if texts[0].sha256 is None or texts[0].characters is None else True


def about_held_out(runs: Sequence[ComparedRun]) -> list[str]:
    """Return what to know before the bits of ``runs`` are compared."""
    if all(run.bits_per_character is None for run in runs):
        return ["Nothing was held out, so there are no bits to compare: --text FILE scores all on one text."]
    same = same_held_out(runs)
    if same is None:
        return ["Whether all were scored on the same held-out text is not known: --text FILE scores all on one text."]
    if not same:
        return [
            "The held-out texts are not the same, so the bits cannot be compared: --text FILE scores all on one text."
        ]
    return []


def sample_prompt(runs: Iterable[ComparedRun]) -> str:
    """Return the prompt of the samples of the first run that has one; "" if none has."""
    return next((run.record.settings.prompt for run in runs if run.record is not None), "")


def write_samples(runs: Iterable[ComparedRun], prompt: str, settings: SamplingSettings) -> list[str]:
    """Return what each model writes after ``prompt`` with the same random numbers, the seed of ``settings``.

    Each reads the prompt in the characters that it knows.
    """
    return ["".join(run.model.continuation(prompt, **settings.model_dump())) for run in runs]


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Runs beside each other, with what they write, and their scores on one text."""

    runs: Sequence[ComparedRun]
    prompt: str
    sampling: SamplingSettings
    samples: Sequence[str]
    """What each model wrote after the prompt."""
    text: str | None
    """The name of the text that all were scored on."""
    scores: Comparison | None
    """Their scores on it."""

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "runs": [{**_as_json(run), "sample": text} for run, text in zip(self.runs, self.samples, strict=True)],
            "differing_settings": differing_settings(self.runs),
            "same_held_out_text": same_held_out(self.runs),
            "prompt": self.prompt,
            "sampling": self.sampling.model_dump(include={"length", "temperature", "seed"}),
            "text": self.text,
            "scores": None if self.scores is None else self.scores.as_json(),
        }


def facts_in_words(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str]]]:
    """Return what came of ``runs``: the name of each fact, and its text for every run."""
    return [
        ("bits per character", [_or_dash(run.bits_per_character, ".3f") for run in runs]),
        ("held-out text", [_or_dash(run.held_out.characters, ",") for run in runs]),
        ("training", [_or_dash(run.seconds, ",.1f", " s") for run in runs]),
        ("updates", [_or_dash(run.step, ",") for run in runs]),
        ("parameters", [describe_count(run.parameters) for run in runs]),
        ("model file", [describe_size(run.model_bytes) for run in runs]),
    ]


def describe_count(count: int) -> str:
    """Return ``count`` in at most seven characters: 92,897, 1.23 M."""
    return f"{count:,}" if count < 1_000_000 else f"{count / 1e6:,.3g} M" if count < 1e9 else f"{count / 1e9:,.3g} G"


def _as_json(run: ComparedRun) -> dict[str, Any]:
    return {
        "name": run.name,
        "finished": None if run.record is None else run.record.is_finished,
        "validation_bits_per_character": run.bits_per_character,
        "validation_characters": run.held_out.characters,
        "training_seconds": run.seconds,
        "step": run.step,
        "parameters": run.parameters,
        "model_bytes": run.model_bytes,
    }


def _or_dash(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"
