"""A model as an estimator of scikit-learn: for its pipelines, its cross-validation, and outliers among texts.

from nextchar.sklearn import CharacterModel

model = CharacterModel(recipe="counts").fit(lines)
strangest = min(others, key=lambda line: model.score_samples([line])[0])
"""

# scikit-learn has hardly any types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUntypedBaseClass=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar import api
from nextchar.errors import MissingDependencyError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.settings import RecipeName
from nextchar.text.line_survey import MIN_LINES

try:
    from sklearn.base import BaseEstimator, DensityMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingDependencyError(
        'This needs scikit-learn, which is not installed: pip install "nextchar[sklearn]".'
    ) from error


class CharacterModel(DensityMixin, BaseEstimator):
    """A character-level language model that learns from texts and gives the log-likelihood of others.

    Its input is an iterable of strings, each a text of its own, not an array of numbers. Pickled, it is its parameters
    and the bytes of its model file, as `model_.save` writes them.

    >>> from nextchar.sklearn import CharacterModel
    >>> model = CharacterModel(recipe="counts").fit(["so it goes", "so they go", "so we go"] * 20)
    >>> usual, odd = model.score_samples(["so we go", "we os ge"])
    >>> bool(usual > odd)
    True
    """

    def __init__(
        self,
        *,
        recipe: RecipeName = "default",
        time: float | str | None = None,
        epochs: float | None = None,
        steps: int | None = None,
        from_: str | None = None,
        hidden: int | None = None,
        lowercase: bool = False,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        per_character: bool = False,
    ) -> None:
        """Choose how to learn.

        Args:
            recipe: "default", "classic", or "counts", which takes a second and needs no torch.
            time: to learn for, in seconds or like "60s"; a minute unless time, epochs or steps are given.
            epochs: passes over the texts, instead of a time.
            steps: updates, instead of a time.
            from_: a model to start from.
            hidden: units of each LSTM layer.
            lowercase: lower-case the texts.
            seed: of everything random.
            options: other options of `nextchar.train` by name.
            per_character: let `score_samples` divide by the number of characters of each text.
        """
        self.recipe: RecipeName = recipe
        self.time, self.epochs, self.steps = time, epochs, steps
        self.from_, self.hidden, self.lowercase, self.seed = from_, hidden, lowercase, seed
        self.options, self.per_character = options, per_character

    def fit(self, X: Iterable[str], y: object = None) -> CharacterModel:  # noqa: N803, ARG002 (scikit-learn's names)
        """Learn from the texts ``X``, each a line of the training text; ``y`` means nothing.

        Raises:
            ValueError: ``X`` is a single string, or has something else among its texts.
            NextcharError: the texts cannot be learned from, or an option is not allowed.
        """
        given = {"epochs": self.epochs, "steps": self.steps, "hidden": self.hidden, "from_": self.from_}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.time is not None:
            options["time"] = self.time
        options |= {"recipe": self.recipe, "lowercase": self.lowercase, "seed": self.seed, **(self.options or {})}
        texts = _texts(X)
        if len({*texts}) >= MIN_LINES and self.recipe != "classic" and not any("\n" in text for text in texts):
            options.setdefault("lines", True)  # each is a text of its own
        self.model_ = api.train(text=_joined(texts), quiet=True, **options)
        return self

    def score_samples(self, X: Iterable[str]) -> NDArray[np.float64]:  # noqa: N803
        """Return the log-likelihood of each of the texts ``X`` in nats, shape (B,); with ``per_character``, divided by
        the number of its characters, and NaN for an empty text.

        Raises:
            ValueError: ``X`` is a single string, or has something else among its texts.
            NotFittedError: `fit` has not been called.
        """
        texts = _texts(X)
        nats = -math.log(2) * self._fitted().score_many(texts)
        lengths = self._lengths(texts)
        return (
            np.divide(nats, lengths, out=np.full(len(nats), np.nan), where=lengths > 0) if self.per_character else nats
        )

    def score(self, X: Iterable[str], y: object = None) -> float:  # noqa: N803, ARG002
        """Return the mean log-likelihood of a character of the texts ``X``, in nats: higher is better, and comparable
        between lists of any length. ``y`` means nothing; errors are those of `score_samples`."""
        texts = _texts(X)
        return float(-math.log(2) * self._fitted().score_many(texts).sum() / self._lengths(texts).sum())

    def _fitted(self) -> LanguageModel:
        check_is_fitted(self, "model_")
        return self.model_

    def _lengths(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the number of characters of each text as the model reads it: (B,)."""
        return np.array([len(self.model_.as_trained(text)) for text in texts], np.int64)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "model_": self.model_.file.to_bytes()} if "model_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            state = {**state, "model_": LanguageModel(ModelFile.from_bytes(state["model_"]))}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        tags.no_validation = True
        return tags


def _texts(given: Iterable[str]) -> list[str]:
    texts = [] if isinstance(given, str) else list(given)
    other = next((text for text in texts if not isinstance(text, str)), None)  # pyright: ignore[reportUnnecessaryIsInstance]
    if isinstance(given, str) or other is not None:
        found = "a single string" if isinstance(given, str) else f"{type(other).__name__} among its texts"
        raise ValueError(f"CharacterModel takes a list of strings, and got {found}.")
    return texts


def _joined(texts: list[str]) -> str:
    """Return the training text: a text on each line."""
    return "".join(f"{text}\n" for text in texts)
