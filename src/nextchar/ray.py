"""Scoring and writing on a cluster: datasets of Ray in, datasets of Ray out.

    import ray
    import nextchar.ray

    lines = ray.data.read_text("lines/")
    nextchar.ray.score(lines, "mybook.safetensors", "text").write_parquet("scores/")

A dataset is read, scored and written in blocks, so that it never has to fit into memory. Each worker is an actor that
loads the model once and computes on one thread; Ray starts as many as the cluster has free processors. The model
travels to them with the job: its file is needed here alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from nextchar.errors import MissingDependencyError, UsageError, shortened
from nextchar.model.language_model import LanguageModel
from nextchar.model.sampling import SamplingOptions
from nextchar.settings import SamplingSettings, build

if TYPE_CHECKING:
    from ray.data import Dataset

T = TypeVar("T")

BATCH = 4096
"""Texts that a worker scores at a time: enough to find many of similar length."""
WRITTEN = 64
"""Texts that a worker writes before it hands them on."""
Model = LanguageModel | str | PathLike[str]


def score(
    dataset: Dataset, model: Model, column: str = "text", *, workers: int | None = None, batch_size: int = BATCH
) -> Dataset:
    """Return ``dataset`` with three more columns: ``bits``, ``bits_per_character`` and ``characters`` of each text.

    Each text is scored by itself, as by `LanguageModel.score_many`. An empty text has 0 bits and no bits per character;
    where there is no text, there are no scores.

    Args:
        dataset: has a column of texts. Nothing is computed before the result is used.
        model: the model, or where it is: a run folder or a model file.
        column: name of that column.
        workers: number of actors, each on a processor of its own; fewer than there are processors, since reading needs
            one too. As many as are free if None.
        batch_size: texts that an actor scores at a time.

    Raises:
        ModelFileError: there is no model.
        MissingDependencyError: Ray is not installed.
        UsageError: while the dataset is computed, which Ray reports: there is no such column, it holds no text, or the
            dataset has columns of these names already.
    """
    return _map_batches(dataset, ScoringWorker, model, workers=workers, batch_size=batch_size, column=column)


def generate(
    dataset: Dataset,
    model: Model,
    column: str = "prompt",
    *,
    into: str = "text",
    numbers: str | None = None,
    workers: int | None = None,
    **options: Unpack[SamplingOptions],
) -> Dataset:
    """Return ``dataset`` with a column more: a text that continues each prompt, which is not repeated.

    Args:
        dataset: has a column of prompts. Nothing is computed before the result is used.
        model: the model, or where it is: a run folder or a model file.
        column: name of that column.
        into: name of the new column.
        numbers: a column of whole numbers. With a seed, a text depends on its prompt and this number, 0 if there is no
            such column; so rows of the same prompt need numbers to get different texts.
        workers: as for `score`.
        **options: of `nextchar.settings.SamplingSettings`: length, temperature, top_k, top_p, min_p, stop, seed.

    Raises:
        UsageError: an option is unknown or its value is not allowed; or as for `score`.
        ModelFileError: there is no model.
        MissingDependencyError: Ray is not installed.
    """
    build(SamplingSettings, options)
    return _map_batches(
        dataset,
        WritingWorker,
        model,
        workers=workers,
        batch_size=WRITTEN,
        column=column,
        into=into,
        numbers=numbers,
        options=options,
    )


def _map_batches(
    dataset: Any, worker: type[Any], model: Model, *, workers: int | None, batch_size: int, **arguments: object
) -> Any:
    """Return ``dataset`` as actors of the class ``worker`` change it, batch by batch."""
    try:
        from ray.data import ActorPoolStrategy
    except ImportError as error:
        raise MissingDependencyError('This needs Ray, which is not installed: pip install "nextchar[ray]".') from error
    if not isinstance(model, LanguageModel):
        model = LanguageModel.load(model)
    # Without the networks that it may have made: each actor makes its own.
    model = LanguageModel(model.file, model.carry_state, model.weights)
    return dataset.map_batches(
        worker,
        batch_format="pyarrow",
        batch_size=batch_size,
        fn_constructor_kwargs={"model": model, **arguments},
        compute=ActorPoolStrategy(min_size=1) if workers is None else ActorPoolStrategy(size=workers),
        num_cpus=1,
        udf_modifying_row_count=False,
        runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}},
    )


class ScoringWorker:
    """An actor that scores the texts of a column."""

    def __init__(self, model: LanguageModel, column: str) -> None:
        self._model, self._column = model, column

    def __call__(self, table: Any) -> Any:
        """Return ``table``, of Arrow, with the columns of the scores."""
        texts = _texts(table, self._column)
        bits: list[float] = self._model.score_many(text or "" for text in texts).tolist()
        lengths = [len(self._model.as_trained(text or "")) for text in texts]
        rates = [total / length if length else None for total, length in zip(bits, lengths, strict=True)]
        table = _with_column(table, "bits", "float64", _where_known(texts, bits))
        table = _with_column(table, "bits_per_character", "float64", rates)
        return _with_column(table, "characters", "int64", _where_known(texts, lengths))


class WritingWorker:
    """An actor that continues the prompts of a column."""

    def __init__(
        self, model: LanguageModel, *, column: str, into: str, numbers: str | None, options: SamplingOptions
    ) -> None:
        self._model, self._column, self._into, self._numbers, self._options = model, column, into, numbers, options

    def __call__(self, table: Any) -> Any:
        """Return ``table``, of Arrow, with the column of the texts."""
        prompts = _texts(table, self._column)
        numbers = [0] * len(prompts) if self._numbers is None else _column(table, self._numbers)
        texts = [
            None if prompt is None else "".join(self._model.stream(prompt, text=number, **self._options))
            for prompt, number in zip(prompts, numbers, strict=True)
        ]
        return _with_column(table, self._into, "string", texts)


def _column(table: Any, name: str) -> list[Any]:
    if name not in table.column_names:
        raise UsageError(f"There is no column {shortened(name)}: the dataset has {', '.join(table.column_names)}.")
    return table.column(name).to_pylist()


def _texts(table: Any, name: str) -> list[str | None]:
    """Return the texts of the column ``name``; None where there is none."""
    texts = _column(table, name)
    other = next((text for text in texts if not (text is None or isinstance(text, str))), None)
    if other is not None:
        raise UsageError(f"The column {name!r} holds no text but {type(other).__name__}, like {other!r:.80}.")
    return texts


def _where_known(texts: Sequence[str | None], values: Sequence[T]) -> list[T | None]:
    return [None if text is None else value for text, value in zip(texts, values, strict=True)]


def _with_column(table: Any, name: str, kind: str, values: Sequence[object]) -> Any:
    if name in table.column_names:
        raise UsageError(f"The dataset has a column {name!r} already: rename it with rename_columns.")
    return table.append_column(name, import_module("pyarrow").array(values, kind))
