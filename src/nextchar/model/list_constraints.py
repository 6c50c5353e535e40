"""What an entry of a list may be: the characters that may come next, and whether a finished entry is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import UnknownCharacterError, UsageError, shortened
from nextchar.model.known_entries import KnownEntries, fold_case
from nextchar.model.list_settings import ListSettings
from nextchar.text.labels import SEPARATOR, labelled
from nextchar.text.tokenizer import describe_characters
from nextchar.text.vocabulary import Vocabulary

Refusal = Literal["short", "long", "character", "end", "part", "pattern", "known", "repeat"]
"""Why an entry is refused."""

REFUSALS: dict[Refusal, str] = {
    "short": "too short",
    "long": "too long",
    "character": "with a character that is not allowed",
    "end": "with another end",
    "part": "without what they should contain",
    "pattern": "unlike the pattern",
    "known": "in the training list",
    "repeat": "repeats",
}
"""The same in words, after "N were"."""


class ListConstraints:
    """The constraints of a list. What has been accepted is remembered: an entry may be a repeat."""

    def __init__(self, vocabulary: Vocabulary, settings: ListSettings, known: KnownEntries | None = None) -> None:
        """Prepare the constraints.

        Args:
            vocabulary: that of the model.
            settings: the options of the list.
            known: the training list, which ``settings.new`` needs.

        Raises:
            UsageError: the model has no line end, or the constraints exclude each other.
            UnknownCharacterError: they name characters that the model does not know.
        """
        if not vocabulary.knows("\n"):
            raise UsageError(
                "The model knows no line end, so it cannot write a list: train on a text with an entry on each line."
            )
        self.vocabulary, self.settings = vocabulary, settings
        self.line_end = int(vocabulary.encode("\n")[0])
        """Id of the line end, which ends an entry."""
        self.before = self.vocabulary.encode("" if settings.label is None else labelled(settings.label, ""))
        """Ids of what stands before each entry on its line, shape (T,): its label, if one is given."""
        self._known = known if settings.new else None
        self._accepted: set[str] = set()
        for name in ("starts", "ends", "contains"):
            for part in getattr(settings, name):
                self._check_known(name, part)
        self._letters = self._letters_allowed()
        self._find: Callable[[str], object] | None = None if settings.like is None else _pattern(settings.like)
        self.allowed = cache(self._allowed)
        """Return whether each id may come after so many characters of an entry, shape (V,)."""

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """What entries start with, none of which another one starts with; a single empty text if that is free."""
        given = sorted(set(self.settings.starts or ("",)), key=lambda start: (len(start), start))
        return tuple(start for number, start in enumerate(given) if not start.startswith(tuple(given[:number])))

    @property
    def forbidden(self) -> tuple[int, ...]:
        """Ids that are never drawn, whatever the constraints."""
        return self.vocabulary.never_drawn

    def refusal(self, entry: str) -> Refusal | None:
        """Return why the finished ``entry`` is refused; None if it is accepted, which makes it known from then on.

        Its characters and its length are not looked at: `allowed` has seen to them.
        """
        settings = self.settings
        if settings.ends and not entry.endswith(settings.ends):
            return "end"
        if settings.contains and not any(part in entry for part in settings.contains):
            return "part"
        if self._find is not None and self._find(entry) is None:
            return "pattern"
        if self._known is not None and entry in self._known:
            return "known"
        if settings.unique:
            folded = fold_case(entry)
            if folded in self._accepted:
                return "repeat"
            self._accepted.add(folded)
        return None

    def _allowed(self, length: int) -> NDArray[np.bool_]:
        allowed = self._letters & (length < self.settings.max)
        allowed[self.line_end] = length >= self.settings.min
        return allowed

    def _letters_allowed(self) -> NDArray[np.bool_]:
        """Return whether each id may stand in an entry, shape (V,)."""
        letters = np.ones(self.vocabulary.size, np.bool_)
        if self.settings.allowed is not None:
            known = "".join(characters_in(self.settings.allowed, self.vocabulary.characters))
            if not known:
                raise UnknownCharacterError(
                    f"The model knows none of the characters of --allowed {shortened(self.settings.allowed)}: "
                    "nextchar info shows those that it knows."
                )
            for start in self.starts:
                if not set(known).issuperset(start):
                    raise UsageError(
                        f"--starts {shortened(start)} has characters that --allowed leaves out: add them to it."
                    )
            letters[:] = False
            letters[self.vocabulary.encode(known)] = True
        if self.settings.label is not None:
            letters[self.vocabulary.encode(SEPARATOR)] = False
        letters[list(self.forbidden)] = False
        letters[self.line_end] = False
        return letters

    def _check_known(self, name: str, part: str) -> None:
        unknown = [character for character in part if not self.vocabulary.knows(character)]
        if unknown:
            near, _ = self.vocabulary.fold(part)
            hint = f" It knows {shortened(near)}." if near else ""
            raise UnknownCharacterError(
                f"--{name} {shortened(part)}: the model does not know {describe_characters(unknown[0])}.{hint}"
            )


def characters_in(allowed: str, characters: str) -> Iterator[str]:
    """Yield those of ``characters`` that ``allowed`` names, by themselves or in a range like ``a-z``; a - at either end
    is a -.

    Raises:
        UsageError: a range is backwards.

    >>> "".join(characters_in("a-cx-", "-abcdefx"))
    '-abcx'
    """
    matches = list(re.finditer(r"(.)-(.)|.", allowed, re.DOTALL))
    for backwards in (match for match in matches if match[1] and match[1] > match[2]):
        raise UsageError(f"--allowed {shortened(backwards[0])} is a range backwards: write it the other way round.")
    single = {match[0] for match in matches if match[1] is None}
    ranges = {(match[1], match[2]) for match in matches if match[1] is not None}
    for character in characters:
        if character in single or any(first <= character <= last for first, last in ranges):
            yield character


def _pattern(like: str) -> Callable[[str], object]:
    """Return what finds the regular expression ``like``, in time proportional to the text.

    Raises:
        UsageError: it is not one.
    """
    re2: Any = import_module("re2")  # Python's own would take for ever on a few patterns, and a server with it
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(like, options=options).search
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else "it is not a text"
        raise UsageError(f"--like {shortened(like)} is not a regular expression of RE2: {reason}.") from None
