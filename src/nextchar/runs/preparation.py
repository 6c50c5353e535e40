"""Everything before training: find and encode the texts and choose a plan, or read a saved run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.errors import RunFolderError
from nextchar.model.blending import MIN_HELD_OUT, most_counted
from nextchar.runs.duration import seconds_beside_training
from nextchar.runs.folder import RunFolder
from nextchar.runs.plan_choice import choose_plan, evaluations_of, plan_of_run
from nextchar.runs.run_settings import RunSettings, plan_of
from nextchar.runs.start import Start, find_start, named_model
from nextchar.runs.texts import Texts, check_tokens, events_of_text, find, notice_lists
from nextchar.runs.trainers import (
    Preparation,
    Prepared,
    choose_compute,
    dataset_of,
    import_trainer,
    make_trainer,
)
from nextchar.runs.training_text import corpus_of_run, moved_text
from nextchar.settings import NOTHING, TrainingSettings
from nextchar.training.events import BaseRead, Event, Note, Planned
from nextchar.training.recipes import recipe_of
from nextchar.training.transfer import Transfer

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute


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
    training = training if like is None else _like(training, like)
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
    yield from events_of_text(corpus)
    compute = choose_compute(training)
    yield from _notes_about(compute, training)
    chosen = plan_of_run(like, corpus) if like else choose_plan(corpus, start.training, compute)
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
        evaluations=training.evaluations or evaluations_of(chosen),
        prompt=recipe.choose_prompt(corpus, chosen.plan, training.seed),
        base=base and base.record,
    )
    started = base and base.transfer(corpus)
    trainer = make_trainer(settings, corpus, compute.processes, initial=started and started.parameters)
    prepared = Prepared(settings, corpus, trainer)
    yield from _events_of_start(start, started, prepared)
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


def _events_of_start(start: Start, started: Transfer | None, prepared: Prepared) -> Iterator[Event]:
    """Yield what to know about the model that training starts from, of which ``started`` is what went over."""
    yield from (Note(message=message) for message in start.notes)
    if start.base is None or started is None:
        return
    trainer = prepared.trainer
    yield BaseRead(
        name=start.base.name,
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
