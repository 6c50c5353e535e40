"""Who wrote it: which of several models a text is most like, how sure that is, and whether it is like none of them.

Each model gives a text bits. Taken as they are, their differences make almost certain what is only likely: errors of a
model come together, where a text is about something else than what it learned from. So a bit counts for less the longer
the text is. With b_k bits for n characters under model k, the posterior is

    p(k) = softmax_k(-ln 2 · w(n) · b_k)        w(n) = weight / (1 + n / length)

It assumes that the models are equally likely beforehand. Of several forms tried (a constant w, an offset for each
model, a limit to the bits of a character) this one is the best on texts that it was not fitted on
(docs/measurements/2026-11-28-who.md), and the same two numbers suit most models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import TextError, UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.model.spread import Spread

MAX_DEVIATIONS = 3.0
"""Standard deviations above the mean of its own held-out text from which a text is not like those of a model: one or
two in a hundred held-out stretches."""
STRETCHES, STRETCH = 8, 256
"""Stretches of a held-out text that a law is fitted on, and characters of each: more give no better law."""
LENGTHS = (32, 64, 128, 256)
"""Characters of the pieces of a stretch that are attributed for the fit."""
MEASURED = 1024
"""Characters of each of the stretches that a spread is measured on."""
PRIOR = 1e-3
"""Nats for a factor of e between a number of the law and the usual one."""

Bits = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """What bits are worth as evidence: w(n) = ``weight`` / (1 + n / ``length``) for a text of n characters."""

    weight: float = 0.6
    """Of the bits of a very short text."""
    length: float = 200.0
    """Characters of a text whose bits count half as much."""

    def posterior(self, bits: Bits, characters: NDArray[np.number[Any]] | int) -> Bits:
        """Return the probability of each of K models, from the ``bits`` (..., K) of texts of ``characters`` (...)."""
        return np.exp(self._log_posterior(bits, characters))

    def _log_posterior(self, bits: Bits, characters: NDArray[np.number[Any]] | int) -> Bits:
        each = self.weight / (1 + np.asarray(characters) / self.length)  # (...)
        evidence = -np.log(2) * each[..., None] * (bits - bits.min(-1, keepdims=True))  # (..., K)
        return evidence - np.log(np.exp(evidence).sum(-1, keepdims=True))

    def nats(self, pieces: Sequence[_Pieces]) -> float:
        """Return the mean of -ln p of the true author: over pieces, then over authors and lengths."""
        means = [-self._log_posterior(some.bits, some.characters)[:, some.author].mean() for some in pieces]
        return float(np.mean(means))


USUAL = Law()
"""The law where there is nothing to fit one on."""


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Pieces of one author's text, all of one length."""

    author: int
    characters: int
    bits: Bits
    """Of each piece under each model: (N, K)."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """Whose text a text, or a line of it, is."""

    names: tuple[str, ...]
    """Of the models, K of them."""
    characters: int
    bits: Bits
    """Bits of the text under each model, shape (K,)."""
    probabilities: Bits
    """Of each model, given that it is one of them, shape (K,); nan for an empty line."""
    deviations: Bits
    """Standard deviations above the mean of the model's own held-out text, shape (K,); nan where that is unknown."""

    @property
    def none_of_them(self) -> bool:
        """Whether all models are more surprised than by nearly all of their own held-out text."""
        return bool((self.deviations > MAX_DEVIATIONS).all())

    @property
    def author(self) -> str | None:
        """The most likely model; None for none of them, or for an empty line."""
        return None if self.none_of_them or not self.characters else self.likeliest

    @property
    def likeliest(self) -> str:
        """The most likely model, if it is one of them."""
        return self.names[int(self.probabilities.argmax())]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object (docs/who.md)."""
        per_character = self.bits / self.characters if self.characters else np.full(len(self.names), np.nan)
        return {
            "author": self.author,
            "none_of_them": self.none_of_them,
            "characters": self.characters,
            "posterior": self._by_name(self.probabilities),
            "bits_per_character": self._by_name(per_character),
            "deviations": self._by_name(self.deviations),
        }

    def _by_name(self, values: Bits) -> dict[str, float | None]:
        return {name: None if np.isnan(v) else v for name, v in zip(self.names, values.tolist(), strict=True)}


@dataclass(frozen=True, eq=False)
class AttributedText(Attribution):
    """Whose text a text is, as a whole and line by line."""

    text: str
    lines: tuple[tuple[str, Attribution], ...]
    """Each line, without its line end, and whose it is; it is read after the lines before it."""

    def as_json(self, *, lines: bool = True) -> dict[str, Any]:
        """Return it as a JSON object, with or without its lines (docs/who.md)."""
        whole = super().as_json()
        if not lines:
            return whole
        return {**whole, "lines": [{"text": text, **line.as_json()} for text, line in self.lines]}


@dataclass(frozen=True, eq=False)
class Authors:
    """Several models, by name, that a text is compared with.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03, "quiet": True}
    >>> goes = nextchar.train(text="so it goes. " * 200, **tiny)
    >>> asks = nextchar.train(text="who is it? " * 200, **tiny)
    >>> authors = nextchar.Authors({"goes": goes, "asks": asks})
    >>> answer = authors.attribute("so it goes. so it goes.\\nwho is it? who is it?")
    >>> [line.author for _, line in answer.lines]
    ['goes', 'asks']
    >>> int(answer.lines[1][1].probabilities.argmax()), round(float(answer.lines[1][1].probabilities.sum()), 3)
    (1, 1.0)
    """

    models: Mapping[str, LanguageModel]
    law: Law = USUAL
    spreads: Mapping[str, Spread] | None = None
    """How surprised each model is by texts like its own; None takes what the model files say."""

    def __post_init__(self) -> None:
        if not self.models:
            raise UsageError("Give at least one model to compare with.")
        if len({model.provenance.lowercase for model in self.models.values()}) > 1:
            lower = next(name for name, model in self.models.items() if model.provenance.lowercase)
            raise UsageError(
                f"{lower} was trained on lower-cased text and others were not, so their bits cannot be compared: train "
                "all of them with --lowercase, or none."
            )
        forms = {name: model.provenance.normalize for name, model in self.models.items()}
        if len({*forms.values()}) > 1:
            normalized = next(name for name, form in forms.items() if form)
            raise UsageError(
                f"{normalized} was trained on text in Unicode's form {forms[normalized]} and others on text in another "
                "form, or as it was, so their bits cannot be compared: train all of them with --normalize "
                f"{forms[normalized]}, or none."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the K models."""
        return tuple(self.models)

    @cached_property
    def known_spreads(self) -> dict[str, Spread]:
        """The spreads there are: those given, and those in the model files."""
        recorded = {name: model.provenance.held_out_spread for name, model in self.models.items()}
        return {name: spread for name, spread in recorded.items() if spread} | dict(self.spreads or {})

    def measured(self, texts: Mapping[str, str]) -> Authors:
        """Return the same with the spread of each model measured on one of ``texts``, held-out text of its author.

        Raises:
            UsageError: there is no model of that name, or a text is too short.
        """
        self._check_names(texts)
        spreads = dict(self.spreads or {})
        for name, text in texts.items():
            spread = Spread.of(np.concatenate(self.models[name].surprises_many(_stretches(text, MEASURED))))
            if spread is None:
                raise UsageError(f"The text to calibrate {name} with is too short: {len(text):,} characters.")
            spreads[name] = spread
        return replace(self, spreads=spreads)

    def fitted(self, texts: Mapping[str, str]) -> Authors:
        """Return the same with the law that suits ``texts`` best: held-out text of some or all authors, by name.

        Every model reads `STRETCHES` stretches of `STRETCH` characters of each text.

        Raises:
            UsageError: there is no model of that name.
        """
        self._check_names(texts)
        pieces = [some for name, text in texts.items() for some in self._pieces(name, text)]
        return replace(self, law=_fit(pieces)) if pieces and len(self.models) > 1 else self

    def attribute(self, text: str) -> AttributedText:
        """Return whose text ``text`` is, as a whole and line by line.

        Raises:
            TextError: it is empty.
            UnknownCharacterError: it has unknown characters, and a model no unknown symbol.
        """
        if not text:
            raise TextError("An empty text has no author: give at least one character.")
        surprises = [model.surprises(text) for model in self.models.values()]
        return self.from_surprises(text, surprises)

    def from_surprises(self, text: str, surprises: Sequence[Bits]) -> AttributedText:
        """Return whose text ``text`` is, from the bits of its characters under each of the K models."""
        lines = text.split("\n")
        # Lower-cased, a text may have more characters, but not more lines.
        models = self.models.values()
        each_model = [_line_bits(model.as_trained(text), bits) for model, bits in zip(models, surprises, strict=True)]
        bits = np.stack(each_model, 1)  # (L, K)
        whole = self._attribution(bits.sum(0), len(text))
        each = tuple(
            (line, self._attribution(of_line, len(line) + (number < len(lines) - 1) if line else 0))
            for number, (line, of_line) in enumerate(zip(lines, bits, strict=True))
        )
        return AttributedText(**vars(whole), text=text, lines=each[:-1] if not lines[-1] else each)

    def _attribution(self, bits: Bits, characters: int) -> Attribution:
        """Return whose a text of ``characters`` is that costs ``bits`` (K,)."""
        deviations = np.full(len(bits), np.nan)
        for number, name in enumerate(self.names):
            if characters and name in self.known_spreads:
                deviations[number] = self.known_spreads[name].deviations(bits[number] / characters, characters)
        probabilities = self.law.posterior(bits, characters) if characters else deviations
        return Attribution(self.names, characters, bits, probabilities, deviations)

    def _pieces(self, name: str, text: str) -> list[_Pieces]:
        """Return pieces of ``text``, which is by the author ``name``, with their bits under all models."""
        stretches = _stretches(text, STRETCH)
        by_model = [model.surprises_many(stretches) for model in self.models.values()]  # K × S × (T,)
        found: list[_Pieces] = []
        for length in LENGTHS:
            bits = [
                np.stack([of_model[: count * length].reshape(count, length).sum(1) for of_model in of_stretch], 1)
                for of_stretch in zip(*by_model, strict=True)
                if (count := min(map(len, of_stretch)) // length)
            ]
            if bits:
                found.append(_Pieces(self.names.index(name), length, np.concatenate(bits)))
        return found

    def _check_names(self, names: Mapping[str, Any]) -> None:
        for name in names:
            if name not in self.models:
                raise UsageError(f"There is no model {name!r} to calibrate: the models are {', '.join(self.names)}.")


def who(text: str, models: Mapping[str, LanguageModel], *, held_out: Mapping[str, str] | None = None) -> AttributedText:
    """Return which of ``models`` a text is most like, and how sure that is, as a whole and line by line.

    Args:
        text: the text.
        models: the models by name.
        held_out: texts of some or all of the authors, by name, that their models have not learned from: some thousand
            characters of each. The probabilities are calibrated on them; without any, the usual law is used.

    Raises:
        TextError: the text is empty.
        UsageError: a name in ``held_out`` is none of the models, or some models learned from lower case and others not.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03, "quiet": True}
    >>> goes = nextchar.train(text="so it goes. " * 200, **tiny)
    >>> asks = nextchar.train(text="who is it? " * 200, **tiny)
    >>> nextchar.who("it goes. so it", {"goes": goes, "asks": asks}).likeliest
    'goes'
    """
    authors = Authors(models)
    if held_out:
        authors = authors.measured(held_out).fitted(held_out)
    return authors.attribute(text)


def _stretches(text: str, size: int) -> list[str]:
    """Return up to `STRETCHES` stretches of ``size`` from all over ``text``; all of it where it is shorter."""
    count = min(STRETCHES, max(1, len(text) // size))
    starts = np.linspace(0, max(0, len(text) - size), count).astype(int).tolist()
    return [text[start : start + size] for start in starts]


def _line_bits(text: str, bits: Bits) -> Bits:
    """Return the bits (L,) of each line of ``text``, with its line end, from those of its characters (T,)."""
    lengths = [len(line) + 1 for line in text.split("\n")]
    sums = np.concatenate([[0.0], np.cumsum(bits)])  # (T + 1,)
    ends = np.minimum(np.cumsum(lengths), len(bits))
    return np.diff(sums[np.concatenate([[0], ends])])


def _fit(pieces: Sequence[_Pieces]) -> Law:
    """Return the law that needs the fewest nats for the true authors of ``pieces``, near the usual one in doubt."""

    def cost(law: Law) -> float:
        away = np.log([law.weight / USUAL.weight, law.length / USUAL.length])
        return law.nats(pieces) + PRIOR * float(away @ away)

    factors = np.exp(np.linspace(-3, 3, 13)).tolist()  # from a twentieth to twenty times
    return min((Law(USUAL.weight * a, USUAL.length * b) for a in factors for b in factors), key=cost)
