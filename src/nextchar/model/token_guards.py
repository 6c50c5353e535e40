"""Guards against copying for models whose tokens are parts of characters, or several: the limit is one of characters.

The training text is looked up character by character, as for any model (`nextchar.model.copying`). A guard here says
which ids would complete a character that must not come, or could only go on to such characters.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from nextchar.model.copying import CopyIndex
from nextchar.model.copying import Guard as CharacterGuard
from nextchar.model.generation import Guard
from nextchar.text.byte_tokenizer import ESCAPE, VALUES
from nextchar.text.jamo import FINAL, INITIAL, MEDIAL, OTHER, JamoTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.word_tokenizer import WordTokenizer

LOOK_UP = 64
"""To look up a string in the text takes as long as to read so many at known places."""


def guard_of(index: CopyIndex, tokens: Tokenizer, longest: int, text: str, begun: str = "") -> Guard:
    """Return a guard against runs of more than ``longest`` characters.

    Args:
        index: that of the training text.
        tokens: those of the model.
        longest: most characters that may be copied in a row.
        text: what was read so far: whole characters that the model knows.
        begun: the end of ``text`` that the first id, if it is a longer token, begins with.
    """
    if isinstance(tokens, WordTokenizer):
        return WordGuard(index, tokens, longest, text, begun)
    whole = tokens.decode(tokens.encode(text))  # what is no byte is read as another character
    characters = index.guard(longest, index.encode(whole))
    if isinstance(tokens, JamoTokenizer):
        return PartGuard(index, characters, partial(_jamo_after, tokens))
    return PartGuard(index, characters, _bytes_after) if tokens.kind == "bytes" else characters


@dataclass(frozen=True)
class Steps:
    """What may come after the beginning of a character."""

    own: Mapping[int, tuple[str, str]]
    """The ids that go on with it: the character that each completes, or "" and what is begun then."""
    closed: str | None
    """What is written if any other id comes; None if none may, or nothing is begun."""

    @property
    def is_text(self) -> bool:
        """Whether it is a character also if it is closed, not bytes that are wrong."""
        return self.closed is not None and not "\udc80" <= self.closed < "\udd00"


class PartGuard:
    """A guard where tokens are parts of characters: bytes, or jamo."""

    always: Sequence[int] = ()

    def __init__(self, index: CopyIndex, characters: CharacterGuard, steps_after: Callable[[str], Steps]) -> None:
        """Use `guard_of`."""
        self._index, self._characters, self._steps_after = index, characters, steps_after
        self._begun = ""

    def read(self, token: int) -> None:
        """Take note of the next id of the text."""
        steps = self._steps_after(self._begun)
        if token not in steps.own:
            self._characters = self._characters.after(steps.closed or "")
            steps = self._steps_after("")
        character, self._begun = steps.own[token]
        self._characters = self._characters.after(character)

    def forbidden(self) -> Sequence[int]:
        """Return the ids that must not come next.

        As for characters, those with which a run would end within a word are among them as long as others are left. So
        are bytes that would leave a character unfinished where one that finishes it is forbidden: a run should end with
        another character, not with wrong bytes.
        """
        refused, is_left = self._refused(CharacterGuard.forbidden)
        if not is_left:
            refused, _ = self._refused(CharacterGuard.too_long)
        steps = self._steps_after(self._begun)
        if steps.closed and not steps.is_text and not refused.isdisjoint(steps.own):
            refused |= self._steps_after("").own.keys() - steps.own.keys()
        return sorted(refused)

    def _refused(self, rule: Callable[[CharacterGuard], Sequence[int] | set[int]]) -> tuple[set[int], bool]:
        """Return the ids that must not come next where ``rule`` says which characters must not, and whether any other
        may."""
        steps, guard = self._steps_after(self._begun), self._characters
        characters = self._texts(rule(guard))
        refused, may_come = self._among(steps.own, characters), set(steps.own)
        if steps.closed is not None:
            anew = self._steps_after("").own
            others, is_closed = anew.keys() - steps.own.keys(), True
            for character in steps.closed:
                is_closed = is_closed and character not in characters
                guard = guard.after(character)
                characters = self._texts(rule(guard)) if is_closed else characters
            refused |= others & self._among(anew, characters) if is_closed else others
            may_come |= others
        return refused, len(refused) < len(may_come)

    def _texts(self, ids: Sequence[int] | set[int]) -> set[str]:
        return {self._index.characters[id_] for id_ in ids}

    def _among(self, steps: Mapping[int, tuple[str, str]], characters: set[str]) -> set[int]:
        """Return those of ``steps`` that complete one of ``characters``, or can only go on to them."""
        if not characters:
            return set()
        return {
            id_
            for id_, (character, begun) in steps.items()
            if (character in characters if character else self._leads_only_to(characters, begun))
        }

    def _leads_only_to(self, characters: set[str], begun: str) -> bool:
        steps = self._steps_after(begun)
        if steps.is_text and steps.closed not in characters:
            return False
        return all(
            character in characters if character else self._leads_only_to(characters, more)
            for character, more in steps.own.values()
        )


@lru_cache(maxsize=4096)
def _bytes_after(begun: str) -> Steps:
    """Return what may come after ``begun``, bytes of a character, as the lone surrogates that they are if it ends."""
    own: dict[int, tuple[str, str]] = {}
    for byte in range(VALUES):
        decoder = codecs.getincrementaldecoder("utf-8")(ESCAPE)
        text = decoder.decode(begun.encode("utf-8", ESCAPE) + bytes([byte]))
        if not begun or not "\udc80" <= text[:1] < "\udd00":
            own[byte] = text, decoder.getstate()[0].decode("utf-8", ESCAPE)
    return Steps(own, begun or None)


@lru_cache(maxsize=4096)
def _jamo_after(tokens: JamoTokenizer, begun: str) -> Steps:
    """Return what may come after ``begun``, the first symbols of a syllable."""
    succession, symbols = tokens.succession, tokens.symbols.token_texts(range(tokens.size))
    assert succession is not None, "jamo have an order"
    kinds = [[OTHER, INITIAL], [MEDIAL], [FINAL]][len(begun)]
    kinds = [kind for kind in kinds if begun or succession.may_follow[OTHER, kind]]
    own: dict[int, tuple[str, str]] = {}
    for id_, kind in enumerate(succession.classes.tolist()):
        if kind in kinds and id_ not in tokens.never_drawn:
            spelled = begun + symbols[id_]
            own[id_] = ("", spelled) if tokens.unfinished(spelled) else (tokens.join(spelled), "")
    return Steps(own, tokens.join(begun) if len(begun) == 2 else None)


class WordGuard:
    """A guard where tokens are words: one is forbidden if a run becomes too long anywhere in it."""

    def __init__(self, index: CopyIndex, tokens: WordTokenizer, longest: int, text: str, begun: str) -> None:
        """Use `guard_of`."""
        self._index, self._tokens, self._longest, self._begun = index, tokens, longest, begun
        self._characters = index.guard(longest, index.encode(text))
        self._text = text[-longest:]

    @property
    def always(self) -> Sequence[int]:
        """The tokens that alone are too long a run, once nothing is begun."""
        if self._begun:
            return ()
        known = self._index.forbidden_words
        if self._longest not in known:
            known[self._longest] = tuple(self._long_runs())
        return known[self._longest]

    def read(self, token: int) -> None:
        """Take note of the next id of the text."""
        text = self._tokens.texts[token][len(self._begun) :]
        self._characters, self._begun = self._characters.after(text), ""
        self._text = (self._text + text)[-self._longest :]

    def forbidden(self) -> Sequence[int]:
        """Return the ids that must not come next."""
        found = set(self._long_runs()) if self._begun else set[int]()
        least = max(1, self._longest + 1 - (self._tokens.longest - len(self._begun)))
        for length in range(least, self._characters.copied(least) + 1):
            found |= self._too_long_after(length)
        return sorted(found)

    def _too_long_after(self, length: int) -> set[int]:
        """Return the ids that continue the last ``length`` characters to a run that is just too long."""
        begun, more = self._begun, self._longest + 1 - length
        ids = self._tokens.ids_by_beginning(len(begun) + more)
        places = self._characters.places(length)
        if len(places) <= LOOK_UP * len(ids):
            beginnings = {begun + string for string in self._index.strings(places, more)}
        else:
            last = self._text[-length:]
            beginnings = {b for b in ids if b.startswith(begun) and self._index.has(last + b[len(begun) :])}
        return {id_ for beginning in beginnings for id_ in ids.get(beginning, ())}

    def _long_runs(self) -> Sequence[int]:
        """Return the ids that are too long a run whatever is before, of those that begin with what is begun."""
        begun, size = self._begun, self._longest + 1
        candidates = self._tokens.ids_by_beginning(len(begun) + size)
        found: list[int] = []
        for id_ in (id_ for beginning, ids in candidates.items() if beginning.startswith(begun) for id_ in ids):
            text = self._tokens.texts[id_][len(begun) :]
            if any(self._index.has(text[first : first + size]) for first in range(len(text) - size + 1)):
                found.append(id_)
        return found
