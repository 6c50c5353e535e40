"""Re-ranking: candidates for the same text, ordered by what a model gives them and by scores they come with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import NextcharError, shortened

ADDED = ("log_probability", "total")
"""What is added to each candidate."""


class CandidateError(NextcharError):
    """A candidate cannot be ranked."""


@dataclass(frozen=True)
class Ranking:
    """How candidates are ordered: by ln p of the model plus the weighted sum of their own scores, the highest first."""

    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """Weight of each score, by the field of the candidate that holds it; a cost has a negative weight."""
    per_character: bool = False
    """Whether ln p is divided by the number of characters, so that long candidates are not at a disadvantage."""
    line_end: bool = False
    """Whether the line end after a candidate counts too, so that one that breaks off is less probable."""
    text_field: str = "text"
    """The field that holds the text of a candidate."""

    def as_candidate(self, given: object) -> dict[str, Any]:
        """Return ``given``, a text or a JSON object with one, as an object.

        Raises:
            CandidateError: it is neither, or one of its scores is missing or not a number.
        """
        is_object = isinstance(given, Mapping)
        candidate = dict(cast("Mapping[str, Any]", given)) if is_object else {self.text_field: given}
        if not isinstance(candidate.get(self.text_field), str):
            raise CandidateError(
                f"A candidate is a string, or an object with a string {self.text_field!r}, not {shortened(given)}."
            )
        for name in ADDED:
            if name in candidate:
                raise CandidateError(f"A candidate has a field {name!r} already: rename it, ranking adds its own.")
        for name in self.weights:
            value = candidate.get(name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                has = f"has {name!r} = {shortened(value)}" if name in candidate else f"has no {name!r}"
                raise CandidateError(f"A candidate {has}: its weight asks for a number there.")
        return candidate

    def rank(
        self,
        groups: Sequence[Sequence[Mapping[str, Any]]],
        score_many: Callable[[Sequence[str]], NDArray[np.float64]],
    ) -> list[list[dict[str, Any]]]:
        """Return each of ``groups`` of candidates, the best candidate first; equal ones stay in their order.

        Args:
            groups: candidates from `as_candidate`.
            score_many: returns the bits of each of some texts, shape (B,): `LanguageModel.score_many`.
        """
        end = "\n" if self.line_end else ""
        texts = [candidate[self.text_field] + end for group in groups for candidate in group]
        log_probabilities = iter((-math.log(2) * score_many(texts)).tolist())
        scored = [[self._with_total(candidate, next(log_probabilities)) for candidate in group] for group in groups]
        return [sorted(group, key=lambda candidate: -candidate["total"]) for group in scored]

    def _with_total(self, candidate: Mapping[str, Any], log_probability: float) -> dict[str, Any]:
        characters = max(1, len(candidate[self.text_field]) + self.line_end)
        own = sum(weight * candidate[name] for name, weight in self.weights.items())
        total = own + log_probability / (characters if self.per_character else 1)
        return {**candidate, "log_probability": log_probability, "total": total}
