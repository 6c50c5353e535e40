"""Everything before training: find and encode the texts and choose a plan, or read a saved run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from nextchar.errors import RunFolderError, TextError, UsageError
from nextchar.model.blending import MIN_HELD_OUT, most_counted
from nextchar.runs.base_models import StartingModel
from nextchar.runs.duration import seconds_beside_training
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import MAX_EVALUATIONS, RunSettings, plan_of
from nextchar.runs.start import find_start, named_model
from nextchar.runs.trainers import (
    Preparation,
    Prepared,
    choose_compute,
    dataset_of,
    import_trainer,
    make_trainer,
    measure,
)
from nextchar.runs.training_text import corpus_of_run, find_texts, moved_text
from nextchar.settings import NOTHING, TextSettings, TrainingSettings, flag
from nextchar.text.corpus import Corpus
from nextchar.text.decomposition import ADVICE, NOTICED, decomposed_share
from nextchar.text.files import TextFile
from nextchar.text.line_survey import are_lists
from nextchar.text.text_file import NotTextError
from nextchar.training.events import BaseRead, Event, Note, Planned, TextRead
from nextchar.training.feeding import Lines, Streams, Windows
from nextchar.training.plan import ChosenPlan, Plan
from nextchar.training.recipes import recipe_of
from nextchar.training.transfer import Transfer

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute


@dataclass(frozen=True)
class Texts:
    """The texts to learn from."""

    names: tuple[str, ...]
    """Files, folders, catalogue names, or ``-`` for ``standard_input``."""
    settings: TextSettings
    standard_input: BinaryIO | None = None


def prepare(
    texts: Texts,
    training: TrainingSettings,
    cache: Path,
    like: RunSettings | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Preparation:
    """Read ``texts`` and choose a plan for them, or take the recipe, plan and threads of the run ``like``.

    Raises:
        TextError: a text cannot be used.
        TrainingError: the device is not available.
        MissingDependencyError: torch is not installed.
    """
    began = clock()
    if like is not None:
        training = _like(training, like)
    recipe = recipe_of(training)
    text, training = recipe.complete(texts.settings, training)
    named = named_model(training)
    text = text if named is None else named.text_like(text)
    check_tokens(text, training)
    files = yield from find(texts, text, cache)
    text, noticed = notice_lists(files, text, training)
    yield from (Note(message=message) for message in noticed)
    start = find_start(files, text, training, cache, named)
    corpus, base = start.corpus, start.base
    yield text_read(corpus)
    yield from notes_on_text(corpus)
    compute = choose_compute(training)
    yield from _notes_about(compute, training)
    planned = like and plan_of(like)
    chosen = ChosenPlan(_for_text(planned, corpus), None) if planned else choose_plan(corpus, start.training, compute)
    settings = RunSettings(
        corpus=tuple(file.place for file in files),
        names=corpus.names,
        corpus_key=corpus.key,
        text=text,
        training=training,
        plan=chosen.plan,
        budget=chosen.budget,
        device=str(compute.device),
        threads=like.threads if like else compute.threads,
        evaluations=training.evaluations or _evaluations(chosen),
        prompt=recipe.choose_prompt(corpus, chosen.plan, training.seed),
        base=base and base.record,
    )
    started = None if base is None else base.transfer(corpus)
    trainer = make_trainer(settings, corpus, compute.processes, initial=started and started.parameters)
    prepared = Prepared(settings, corpus, trainer)
    yield from (Note(message=message) for message in start.notes)
    if base is not None and started is not None:
        yield _base_read(base, started, prepared)
    yield from (Note(message=message) for message in (*chosen.notes, *_notes_on(prepared)))
    yield _planned(prepared, chosen.expected_seconds, clock() - began)
    return prepared


def _notes_on(prepared: Prepared) -> Iterator[str]:
    """Yield what else to know before training."""
    settings, held_out = prepared.settings, len(prepared.trainer.scored)
    if settings.training.memory and held_out < MIN_HELD_OUT:
        yield (
            f"The model will have no memory: {held_out} characters are held out, and its weights are fitted on "
            f"{MIN_HELD_OUT} or more."
        )
    if recipe_of(settings.training).is_prompt_fixed:
        yield f"Every sample continues {settings.prompt!r}."


def _notes_about(compute: Compute, training: TrainingSettings) -> Iterator[Note]:
    """Yield what to know about the processes and the device, and which options have no effect there."""
    device, processes = compute.device, compute.processes
    if processes.count > 1:
        yield Note(
            message=f"{processes.count} processes train together, each with {compute.threads // processes.count} "
            "threads; this one, process 0, decides and writes."
        )
    elif training.exchange is not None:
        yield Note(message="--exchange has no effect: one process trains alone.")
    if training.gpu_memory_fraction is not None and device.type != "cuda":
        yield Note(message=f"--gpu-memory-fraction has no effect: training is on {device.type}, not on a CUDA GPU.")


def _like(training: TrainingSettings, run: RunSettings) -> TrainingSettings:
    """Return ``training`` with the recipe of ``run``, from what that started from."""
    same = {"recipe": run.training.recipe}
    if run.base is not None:
        named = run.training.from_ or run.base.name
        same |= {"from_": named, "keep_characters": run.training.keep_characters}
    elif recipe_of(run.training).starts_from_models:
        same["from_"] = NOTHING
    return training.model_copy(update=same)


def find(texts: Texts, text: TextSettings, cache: Path) -> Generator[Event, None, Sequence[TextFile]]:
    """Find ``texts``; yield notes about them, and return their files."""
    try:
        found = find_texts(texts.names, text, cache, stdin=texts.standard_input)
    except NotTextError as error:
        raise TextError(f"{error} To learn its bytes as they are, whatever they mean: --tokens bytes.") from error
    yield from (Note(message=message) for message in found.notes)
    return found.files


def notice_lists(
    files: Sequence[TextFile], text: TextSettings, training: TrainingSettings
) -> tuple[TextSettings, Sequence[str]]:
    """Return ``text`` with the decision whether ``files`` are lists, and what to say if they are noticed to be.

    Raises:
        UsageError: they are to be read as lists by a recipe that cannot.
    """
    if text.label_column is not None:
        text = text.model_copy(update={"lines": True})
    if not recipe_of(training).reads_lists:
        if text.lines:
            option = "--lines" if text.label_column is None else "--label-column"
            raise UsageError(f"The {training.recipe} recipe reads running text: leave {option} out.")
        return text, ()
    if text.lines is None and are_lists(files):
        message = (
            "The text is a list: each line is learned as an entry of its own, whatever stands before it (--prose: as "
            "running text)."
        )
        return text.model_copy(update={"lines": True}), (message,)
    return text, ()


def check_tokens(text: TextSettings, training: TrainingSettings) -> None:
    """Refuse tokens other than characters where the recipe reads characters.

    Raises:
        UsageError: they are.
    """
    if training.recipe == "classic" and text.token_kind != "characters":
        raise UsageError(f"The classic recipe reads characters: leave --tokens {text.tokens} out.")


def _base_read(base: StartingModel, started: Transfer, prepared: Prepared) -> BaseRead:
    """Return the event of a model that training starts from."""
    trainer = prepared.trainer
    return BaseRead(
        name=base.name,
        known=started.known,
        new=started.new,
        left_out=started.left_out,
        validation_bits_per_character=trainer.state.best_bits,
        scored_characters=len(trainer.scored),
    )


def _planned(prepared: Prepared, seconds: float | None, before: float) -> Planned:
    """Return the event of a chosen plan, with ``seconds`` of training expected, after the seconds ``before`` it."""
    settings = prepared.settings
    return Planned(
        plan=prepared.trainer.plan,
        parameters=prepared.trainer.architecture.parameter_count,
        device=settings.device,
        seed=settings.training.seed,
        tokens=prepared.corpus.vocabulary.kind,
        expected_seconds=seconds,
        expected_total_seconds=_total_seconds(prepared, seconds, before),
    )


def _total_seconds(prepared: Prepared, training: float | None, before: float) -> float | None:
    """Return the expected seconds of the whole run: ``before``, ``training``, and everything else."""
    if training is None:
        return None
    settings, corpus = prepared.settings, prepared.corpus
    has_memory = settings.training.memory and len(prepared.trainer.scored) >= MIN_HELD_OUT
    return (
        before
        + training
        + seconds_beside_training(
            prepared.trainer.plan,
            prepared.trainer.architecture,
            training,
            evaluations=settings.evaluations,
            held_out=len(dataset_of(corpus).validation),
            sample_length=settings.training.sample_length,
            counted=most_counted(len(corpus.training), settings.training.memory_size) if has_memory else 0,
        )
    )


def resume(folder: RunFolder, cache: Path, moved: Sequence[str] = ()) -> Preparation:
    """Read the run in ``folder`` as it was last saved.

    Args:
        folder: the run folder.
        cache: folder of encoded texts.
        moved: where its texts are now, which is then recorded; empty if they are where the run recorded them.

    Raises:
        RunFolderError: there is no run, it is damaged, its text has changed, or ``moved`` is another text.
        TextError: its text is missing.
        TrainingError: the device that it was trained on is not available.
    """
    recorded, checkpoint = folder.settings(), folder.checkpoint()
    settings = moved_text(recorded, moved, cache) if moved else recorded
    corpus = corpus_of_run(settings, cache)
    try:
        if checkpoint is None and settings.base is not None:
            raise ValueError("its first weights are missing")
        if checkpoint is not None:  # before memory is allocated for what may be another network
            import_trainer().check_weights(checkpoint, plan_of(settings), corpus.vocabulary.size)
        processes = choose_compute(settings.training).processes
        trainer = make_trainer(settings, corpus, processes, checkpoint=checkpoint)
    except ValueError as error:
        raise RunFolderError(
            f"The state saved in {folder.path} is damaged, edited, or of another run or version of nextchar: {error}. "
            "The run cannot be resumed, but its model can still be used."
        ) from error
    prepared = Prepared(settings, corpus, trainer)
    if settings != recorded:
        folder.save_settings(settings)
    done = trainer.state
    folder.forget_after(done.step, done.recoveries)
    yield Note(message=f"Continuing at step {done.step:,} of {trainer.plan.steps:,}.")
    return prepared


def check_agreement(recorded: RunSettings, texts: Texts, training: TrainingSettings) -> None:
    """Check that a command to train asks for the run that is there.

    Args:
        recorded: settings of the run.
        texts: what the command asks to learn from; files are compared by their paths, not by their content.
        training: how it asks to train.

    Raises:
        UsageError: they differ; the message names the first difference.
    """
    text, completed = recipe_of(training).complete(texts.settings, training)
    for name in ("memory", "keep_text"):  # a run from before there were such options has neither
        if getattr(recorded.training, name) is None and not getattr(training, name):
            completed = completed.model_copy(update={name: None})
    for asked, known in ((text, recorded.text), (completed, recorded.training)):
        for name in type(asked).model_fields:
            given, had = getattr(asked, name), getattr(known, name)
            if name == "lines" and given is None:  # the run has looked whether the text is a list
                continue
            if name == "tokens" and given == "auto":  # the run has the tokens that suit it, or those of its base
                continue
            if given != had:
                raise UsageError(
                    f"The run that is there does not agree with this command: {flag(name)} is "
                    f"{_shown(had)} in the run and {_shown(given)} here. Give the command that began "
                    "it, or choose another --out."
                )
    paths = [Path(name).absolute() for name in texts.names if Path(name).exists()]
    strange = [path for path in recorded.corpus if not any(Path(path).is_relative_to(given) for given in paths)]
    if strange and len(paths) == len(texts.names):
        raise UsageError(
            f"The run that is there does not agree with this command: it learns from {strange[0]}, which is not among "
            f"{', '.join(texts.names)}. Give the command that began it, or choose another --out."
        )


def choose_plan(corpus: Corpus, training: TrainingSettings, compute: Compute) -> ChosenPlan:
    """Return the plan for ``corpus`` for which this machine is timed."""
    processes, vocabulary = compute.processes.count, corpus.vocabulary
    chosen = recipe_of(training).choose_plan(
        len(corpus.training),
        vocabulary.size,
        training,
        compute.threads if compute.device.type == "cpu" else processes,
        lambda plan: measure(_for_list(plan, corpus), vocabulary, compute),
        measure_exchange=(lambda plan: measure(plan, vocabulary, compute, "exchange")) if processes > 1 else None,
        device=compute.device.type,
        processes=processes,
    )
    return replace(chosen, plan=_for_list(chosen.plan, corpus))


def _for_list(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan`` with lines in place of streams where ``corpus`` is a list, about as many characters an update."""
    if corpus.line_end is None or not isinstance(plan.feeding, Streams):
        return plan
    feeding = Lines.instead_of(plan.feeding, corpus.training, corpus.line_end)
    shards = max(1, min(plan.shards, feeding.batch))
    return plan.model_copy(update={"feeding": feeding, "shards": shards, "exchange": "float32", "average_every": 1})


def _for_text(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan``, perhaps made for another text, with as many windows as this text has.

    Raises:
        TextError: the text is too short for a window.
    """
    if isinstance(plan.feeding, Lines) != corpus.is_list:
        given, fits = ("running text", "a list") if corpus.is_list else ("a list", "running text")
        raise TextError(
            f"The plan is for {given}, and the text is {fits}: give --{'prose' if corpus.is_list else 'lines'}, or "
            "another plan."
        )
    feeding = plan.feeding.over(len(corpus.training))
    if isinstance(feeding, Lines) and corpus.line_end is not None:
        feeding = feeding.model_copy(update={"line_end": corpus.line_end})
    if isinstance(feeding, Windows) and feeding.count == 0:
        raise TextError(
            f"The text has {len(corpus.training):,} characters to learn from, but the plan reads windows of "
            f"{feeding.window}: give a longer text or another plan."
        )
    return plan.model_copy(update={"feeding": feeding})


def _evaluations(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, otherwise so rarely that it takes a small share
    of the time."""
    epoch_steps = chosen.plan.feeding.epoch_steps
    if epoch_steps is not None:
        return min(MAX_EVALUATIONS, math.ceil(chosen.plan.steps / epoch_steps))
    seconds = chosen.expected_seconds
    return 8 if seconds is None else max(4, min(12, round(0.8 * math.sqrt(seconds))))


def text_read(corpus: Corpus) -> TextRead:
    """Return the event of an encoded text."""
    of_figure = dataset_of(corpus).validation
    return TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=corpus.training_characters,
        validation_characters=int(corpus.vocabulary.token_lengths(of_figure).sum()),
        held_out_characters=corpus.characters - corpus.training_characters,
        tokens=corpus.vocabulary.kind,
        token_count=len(corpus.ids),
        unknown_characters=corpus.count_unknown(of_figure),
        content_sha256=corpus.content_sha256,
        lines=int(np.count_nonzero(corpus.ids == corpus.line_end)) if corpus.is_list else None,
    )


def notes_on_text(corpus: Corpus) -> Iterator[Note]:
    """Yield what to know about an encoded text."""
    share = decomposed_share(corpus.ids, corpus.vocabulary)
    if share > NOTICED:
        yield Note(
            message=f"{share:.1%} of the characters are decomposed, letters apart from their marks or jamo: {ADVICE}."
        )


def _shown(value: object) -> str:
    """Return the value of an option as a person reads it."""
    return "not given" if value is None else str(value)
