"""Factored rows: what is learned of a syllable of Hangul is learned of its letters, too.

A Korean text of a few hundred pages has a thousand different syllables, and most of them seldom. But a syllable is put
together from two or three letters, and what comes before and after it depends on them. So the row of a syllable in the
embedding and in the output layer is the sum of a row of its own and of the rows of its factors, each of which learns
from all syllables that have it.

Only the sums are kept: an update changes the rows of the factors, from zero, by the sum of the gradients of their
syllables, and adds the changes to the rows of these. So the network is one like any other.

Source: Alexandrescu and Kirchhoff, "Factored neural language models" (2006); letters of Hangul as factors: Stratos, "A
sub-character architecture for Korean language processing" (2017).
"""

# torch types some of its functions as partly unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import accumulate, chain

import torch
from torch import Tensor
from torch.nn import functional

from nextchar.text.vocabulary import HANGUL

FACTORED = ("embedding", "output.weight", "output.bias")
"""The weights that have a row for each id."""
NAME = "{}.factors"
"""Name of their factors, among the weights that an optimizer changes."""


def factors_of(text: str) -> tuple[str, ...]:
    """Return the factors of a token: of a syllable of Hangul its initial, its medial, its final, which may be "", and
    initial and medial together; none of others.

    >>> [len(factor) for factor in factors_of("각")], factors_of("가")[2], factors_of("a")
    ([1, 1, 1, 2], '', ())
    """
    if len(text) != 1 or ord(text) not in HANGUL:
        return ()
    letters = unicodedata.normalize("NFD", text)
    return letters[0], letters[1], letters[2:], letters[:2]


class Factors:
    """The factors of some tokens, and how the weights of these follow them."""

    def __init__(self, texts: Sequence[str], weights: dict[str, Tensor]) -> None:
        """Find the factors.

        Args:
            texts: what each id stands for, (V,).
            weights: those of the network by name; those of `FACTORED` are changed in `apply`.
        """
        found = [factors_of(text) for text in texts]
        factors = {factor: number for number, factor in enumerate(sorted(set(chain.from_iterable(found))))}
        factors_of_rows = [[factors[factor] for factor in of_row] for of_row in found]
        rows_of_factors: list[list[int]] = [[] for _ in factors]
        for row, of_row in enumerate(factors_of_rows):
            for factor in of_row:
                rows_of_factors[factor].append(row)
        self._rows, self._factors = _Sums(rows_of_factors, weights), _Sums(factors_of_rows, weights)
        self._factored = {name: weights[name] for name in FACTORED if name in weights} if factors else {}
        self.changes = {
            NAME.format(name): weight.new_zeros((len(factors), *weight.shape[1:]))
            for name, weight in self._factored.items()
        }
        """The rows of the factors for an optimizer to change, (F, ...) for each weight; empty if there are none."""

    @torch.no_grad()
    def gather(self) -> None:
        """Give the factors, which are zero, the sums of the gradients of the rows that have them."""
        for weight, change in zip(self._factored.values(), self.changes.values(), strict=True):
            assert weight.grad is not None, "an update has gradients"
            change.zero_()
            change.grad = self._rows.of(weight.grad)

    @torch.no_grad()
    def apply(self) -> None:
        """Add what an optimizer has made of the factors to the rows that have them."""
        for weight, change in zip(self._factored.values(), self.changes.values(), strict=True):
            weight.add_(self._factors.of(change))


class _Sums:
    """Sums of rows of a matrix, always in the same order, on any device."""

    def __init__(self, members: Sequence[Sequence[int]], weights: dict[str, Tensor]) -> None:
        """Prepare to sum the rows ``members`` of each of N sums, on the device of ``weights``."""
        device = next(iter(weights.values())).device
        self._members = torch.tensor([*chain.from_iterable(members)], dtype=torch.long, device=device)
        starts = accumulate((len(some) for some in members[:-1]), initial=0)
        self._starts = torch.tensor([*starts][: len(members)], dtype=torch.long, device=device)

    def of(self, values: Tensor) -> Tensor:
        """Return the sums (N, ...) of rows of ``values`` (M, ...); of no row it is 0."""
        matrix = values.reshape(len(values), -1)
        sums = functional.embedding_bag(self._members, matrix, self._starts, mode="sum")
        return sums.view(-1, *values.shape[1:])
