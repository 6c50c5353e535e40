"""What an entry of a list may be: the ids that may come next, and whether a finished entry is allowed.

Lengths and texts are those of the characters of an entry, whatever its tokens are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import UnknownCharacterError, UsageError, shortened
from nextchar.model.known_entries import KnownEntries, fold_case
from nextchar.model.list_settings import ListSettings
from nextchar.text.labels import SEPARATOR, labelled
from nextchar.text.tokenizer import Tokenizer, describe_characters
from nextchar.text.vocabulary import CODE_POINTS, code_points
from nextchar.text.whole_characters import NEVER, WHOLE, WholeCharacters

Refusal = Literal["short", "long", "character", "start", "end", "part", "pattern", "known", "repeat"]
"""Why an entry is refused."""

REFUSALS: dict[Refusal, str] = {
    "short": "too short",
    "long": "too long",
    "character": "with a character that is not allowed",
    "start": "with another start",
    "end": "with another end",
    "part": "without what they should contain",
    "pattern": "unlike the pattern",
    "known": "in the training list",
    "repeat": "repeats",
}
"""The same in words, after "N were"."""


class Position(NamedTuple):
    """A place in an entry, as far as it decides what may come next."""

    length: int
    """Characters that have begun before it."""
    state: int = WHOLE
    """Of `nextchar.text.whole_characters`."""
    missing: tuple[str, ...] = ()
    """What is left of each of the starts that the entry may still have; none once it has one."""


class ListConstraints:
    """The constraints of a list. What has been accepted is remembered: an entry may be a repeat."""

    def __init__(self, vocabulary: Tokenizer, settings: ListSettings, known: KnownEntries | None = None) -> None:
        """Prepare the constraints.

        Args:
            vocabulary: the tokens of the model.
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
        self._whole = WholeCharacters.of(vocabulary)
        self._following, self._lengths = self._whole
        for name in ("starts", "ends", "contains"):
            for part in getattr(settings, name):
                self._check_known(name, part)
        self._allowed = None if settings.allowed is None else allowed_points(settings.allowed)
        self._letters = self._letters_allowed()
        self._find: Callable[[str], object] | None = None if settings.like is None else _pattern(settings.like)
        self._mask = cache(self._mask_of)
        self._fits = cache(self._fits_of)

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """What entries start with, none of which another one starts with; a single empty text if that is free."""
        given = sorted(set(self.settings.starts or ("",)), key=lambda start: (len(start), start))
        return tuple(start for number, start in enumerate(given) if not start.startswith(tuple(given[:number])))

    @property
    def has_many_spellings(self) -> bool:
        """Whether several sequences of ids may be the same entry."""
        return self._whole.has_many_spellings

    @property
    def read(self) -> tuple[str, ...]:
        """The texts after which entries are drawn: the starts, or nothing where the ids of a start may be others than
        those that it is read as. There, ids that fit none of the starts are not allowed."""
        return ("",) if self.has_many_spellings else self.starts

    @property
    def forbidden(self) -> tuple[int, ...]:
        """Ids that are never drawn, whatever the constraints."""
        return self.vocabulary.never_drawn

    def after_read(self, text: str) -> Position:
        """Return the position after ``text``, one of those `read`."""
        return Position(len(text), missing=() if text in self.starts else self.starts)

    def after(self, position: Position, token: int) -> Position:
        """Return the position after ``token``, which may come at ``position``."""
        missing = position.missing
        if missing:
            text = self._texts[token]
            # None is left once the entry has a start: no start begins with another one.
            missing = tuple(rest[len(text) :] for rest in missing if rest != text and rest.startswith(text))
        state = int(self._following[position.state, token])
        return Position(position.length + int(self._lengths[token]), state, missing)

    def allowed(self, position: Position) -> NDArray[np.bool_]:
        """Return whether each id may come at ``position``, shape (V,)."""
        room = min(self.settings.max - position.length, self._longest)
        may_end = position.length >= self.settings.min and not position.missing
        return self._mask(position.state, room, may_end, position.missing)

    def too_long(self, position: Position) -> NDArray[np.bool_]:
        """Return whether each id makes an entry longer than it may be, shape (V,)."""
        return self._letters & (self._lengths > self.settings.max - position.length)

    def text(self, ids: Sequence[int]) -> str | None:
        """Return the entry of ``ids``; None if these are not those that it is read as."""
        text = self.vocabulary.decode(ids)
        if self.has_many_spellings and self.vocabulary.encode(text).tolist() != [*ids]:
            return None
        return text

    def refusal(self, entry: str) -> Refusal | None:
        """Return why the finished ``entry`` is refused; None if it is accepted, which makes it known from then on.

        Its start and its length are not looked at: `allowed` has seen to them.
        """
        settings = self.settings
        if self._allowed is not None and self._whole.has_parts and not self._allowed[code_points(entry)].all():
            return "character"
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

    @cached_property
    def _texts(self) -> list[str]:
        return self.vocabulary.token_texts(range(self.vocabulary.size))

    @cached_property
    def _longest(self) -> int:
        return int(self._lengths.max())

    def _mask_of(self, state: int, room: int, may_end: bool, missing: tuple[str, ...]) -> NDArray[np.bool_]:
        may_come = self._following[state] != NEVER  # (V,)
        mask = self._letters & may_come & (self._lengths <= room)
        if missing:
            mask &= self._fits(missing)
        mask[self.line_end] = may_end and may_come[self.line_end]
        return mask

    def _fits_of(self, missing: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return whether each id begins with one of ``missing``, or one of these with it, shape (V,)."""
        whole, begun = {*missing}, {rest[:length] for rest in missing for length in range(1, 1 + len(rest))}
        return np.array(
            [text in begun or any(text[:length] in whole for length in range(1, len(text))) for text in self._texts]
        )

    def _letters_allowed(self) -> NDArray[np.bool_]:
        """Return whether each id may stand in an entry, shape (V,)."""
        letters = np.ones(self.vocabulary.size, np.bool_)
        if self._allowed is not None:
            letters = self._spells(self._allowed)
        if self.settings.label is not None:
            letters &= [SEPARATOR not in text for text in self._texts]
        letters[list(self.forbidden)] = False
        letters[self.line_end] = False
        if self._allowed is None:
            return letters
        if not letters.any():
            raise UnknownCharacterError(
                f"The model knows none of the characters of --allowed {shortened(self.settings.allowed)}: "
                "nextchar info shows those that it knows."
            )
        for start in self.starts:
            if not self._allowed[code_points(start)].all():
                raise UsageError(
                    f"--starts {shortened(start)} has characters that --allowed leaves out: add them to it."
                )
        return letters

    def _spells(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether each id is of ``allowed`` characters, or a part of one, shape (V,)."""
        if not self._whole.has_parts:
            return np.array([allowed[code_points(text)].all() for text in self._texts])
        spells = np.zeros(self.vocabulary.size, np.bool_)
        spells[self.vocabulary.encode("".join(map(chr, np.flatnonzero(allowed).tolist())))] = True
        return spells

    def _check_known(self, name: str, part: str) -> None:
        unknown = [character for character in part if not self.vocabulary.knows(character)]
        if unknown:
            near, _ = self.vocabulary.fold(part)
            hint = f" It knows {shortened(near)}." if near else ""
            raise UnknownCharacterError(
                f"--{name} {shortened(part)}: the model does not know {describe_characters(unknown[0])}.{hint}"
            )


def allowed_points(allowed: str) -> NDArray[np.bool_]:
    """Return which code points ``allowed`` names, by themselves or in a range like ``a-z``; a - at either end is a -.

    Shape (0x110000,); a surrogate is never named.

    Raises:
        UsageError: a range is backwards.

    >>> "".join(map(chr, np.flatnonzero(allowed_points("a-cx-"))))
    '-abcx'
    """
    points = np.zeros(CODE_POINTS, np.bool_)
    for match in re.finditer(r"(.)-(.)|(.)", allowed, re.DOTALL):
        first, last = match[1] or match[3], match[2] or match[3]
        if first > last:
            raise UsageError(f"--allowed {shortened(match[0])} is a range backwards: write it the other way round.")
        points[ord(first) : ord(last) + 1] = True
    points[0xD800:0xE000] = False
    return points


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
