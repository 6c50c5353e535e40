"""What a list must not draw again: a tree of prefixes, each with the share of its probability that is excluded.

Drawing from what is left is the same as drawing from all and refusing what is excluded: the distribution is that of the
model, conditioned on the constraints. But no draw is wasted on the same entry, or on the same dead end, twice, and it
shows when nothing is left.

With k(c | h) the probability of writing c after the prefix h and staying allowed, and d(h) that of a character that is
not allowed there, so that d(h) + sum over c of k(c | h) = 1, the excluded share of h is

    E(h) = d(h) + sum over c of k(c | h) E(h c)

1 after the line end of an excluded entry, and 0 for a prefix that is not in the tree. From h, c is drawn in proportion
to k(c | h) (1 - E(h c)).

Source: Shi, Bieber and Singh, "Incremental sampling without replacement for sequence models" (2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MAX_PREFIXES = 100_000
"""Most prefixes in a tree, some 40 MB; what does not fit can be drawn, and refused, again."""
WORTH = 1e-5
"""Share of what is left from which on excluding pays: what is rarer is hardly drawn again."""
ROUNDING = 1e-6
"""Share of a prefix that counts as nothing: float32 knows no probability better."""


class Prefix:
    """A prefix in the tree."""

    __slots__ = ("_kept", "children", "dead", "excluded")

    def __init__(self, excluded: float = 0.0) -> None:
        self.excluded = excluded
        """E of this prefix."""
        self.dead = 0.0
        """d of this prefix."""
        self.children: dict[int, tuple[float, Prefix]] = {}
        """For each next id in the tree, its k and its prefix."""
        self._kept: tuple[list[int], list[float]] | None = None

    @property
    def kept(self) -> tuple[list[int], list[float]]:
        """The next ids in the tree, and the share of each that is left."""
        if self._kept is None:
            self._kept = list(self.children), [1 - child.excluded for _, child in self.children.values()]
        return self._kept

    def update(self) -> None:
        """Compute E and the kept shares again."""
        excluded = self.dead + sum(share * child.excluded for share, child in self.children.values())
        self.excluded = 1.0 if excluded > 1 - ROUNDING else excluded
        self._kept = None
        if self.excluded == 1:
            self.children = {}


class ExclusionTree:
    """The prefixes of what is excluded."""

    def __init__(self, max_prefixes: int = MAX_PREFIXES) -> None:
        self.root: Prefix | None = None
        """The empty prefix, once something is excluded."""
        self._left = max_prefixes

    @property
    def excluded(self) -> float:
        """E of the empty prefix."""
        return self.root.excluded if self.root else 0.0

    def exclude(self, ids: Sequence[int], shares: Sequence[float], dead: Sequence[float]) -> None:
        """Exclude an entry, or only what is not allowed after its prefixes, if it is probable enough to come again.

        Args:
            ids: of the entry, with the line end (T,), or of its part before a dead end (T - 1,).
            shares: k of each of ``ids`` after those before it.
            dead: d of each prefix, from the empty one on, shape (T,).
        """
        probability = math.prod(shares) * (1 if len(ids) == len(dead) else dead[-1])
        if len(dead) > self._left or probability < WORTH * (1 - self.excluded):
            return
        if self.root is None:
            self.root = Prefix()
        prefix, trail = self.root, list[Prefix]()
        for depth, share_of_dead_ends in enumerate(dead):
            if prefix.excluded == 1:  # as a whole: what is below it is forgotten
                return
            prefix.dead = share_of_dead_ends
            trail.append(prefix)
            if depth == len(ids):
                break
            is_whole = depth == len(dead) - 1
            known = prefix.children.get(ids[depth])
            if known is None or is_whole:
                known = shares[depth], Prefix(1.0 if is_whole else 0.0)
                prefix.children[ids[depth]] = known
                self._left -= 1
            prefix = known[1]
        for prefix in reversed(trail):
            prefix.update()
