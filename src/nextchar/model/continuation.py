"""A prompt becoming a text: the one way to write, for Python, the terminal, the server and the samples of a run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nextchar.model.copying import CopyIndex
from nextchar.model.generation import BLOCK, Guard, Writer, allowed_ids, draw_blocks, draws_many, generate_rows
from nextchar.model.sampling import draw, next_distribution
from nextchar.model.scoring import log2_softmax
from nextchar.model.token_guards import guard_of
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.randomness import choose_seed, random_stream
from nextchar.settings import SamplingSettings
from nextchar.text.tokenizer import Replacement, Tokenizer

CHUNK = 512
"""Ids of a prompt read at once: memory is proportional to it, and other work can run between two chunks."""

SLOW_BLOCK = 8
"""Most ids drawn in one step by a network without its own loop, which may take milliseconds for each."""

FinishReason = Literal["length", "stop", "max_copy"]
"""Why a text ended: it was as long as asked for, a text to stop before came, or every character that could have come
next would have copied too much."""


@dataclass(frozen=True, eq=False)
class Spelling:
    """A way to spell with several ids what a prompt has begun."""

    first: int
    """The first of these."""
    log_probability: float
    """ln p of those after it."""
    logits: Floats
    """Logits (1, V) of what comes after them all."""
    state: Any
    """State of the network after them."""


def spellings_of(network: Network[Any], tokens: Tokenizer, begun: str, state: Any) -> dict[int, Spelling]:
    """Return the ways to spell what is ``begun`` with several ids after ``state``, by the first of these: its
    characters, as those of a rare word, and as it would be if no more letters followed."""

    def spelling(ids: Ids) -> Spelling:
        logits, after = network.forward(ids[None], state)  # (1, T, V)
        log_probability = float(log2_softmax(logits[0, :-1], ids[1:]).sum() * np.log(2))
        return Spelling(int(ids[0]), log_probability, logits[:, -1].copy(), after)

    ways = [tokens.encode(begun).tolist(), [int(tokens.encode(character)[0]) for character in begun]]
    return {ids[0]: spelling(np.array(ids)) for ids in {tuple(way) for way in ways} if len(ids) > 1}


def logits_of_begun(
    tokens: Tokenizer, begun: str, logits: NDArray[np.float64], spellings: Iterable[Spelling]
) -> NDArray[np.float64]:
    """Return the ``logits`` (V,) of ids that stand for a token that begins with ``begun``, or are the first of
    ``spellings``; -inf for the others."""
    logits = logits.copy()
    fits = np.array([text.startswith(begun) for text in tokens.token_texts(range(tokens.size))])
    for spelling in spellings:
        logits[spelling.first] += spelling.log_probability
        fits[spelling.first] = True
    return np.where(fits, logits, -np.inf)


class Prompt:
    """A prompt in the characters of a model. It is read once, however many texts continue it."""

    def __init__(
        self,
        network: Network[Any],
        vocabulary: Tokenizer,
        text: str,
        replacements: Iterable[Replacement] = (),
        copy_index: Callable[[], CopyIndex] | None = None,
    ) -> None:
        """Prepare a prompt whose characters are known; nothing is read yet.

        Args:
            network: reads the prompt, and writes the texts that continue it.
            vocabulary: the tokens of the network.
            text: the prompt as it is read; where it is empty, the vocabulary's start id is read.
            replacements: what was replaced in the prompt to get ``text``.
            copy_index: returns the index of the training text, which settings with ``max_copy`` need.
        """
        self.network, self.vocabulary = network, vocabulary
        self.text, self.replacements = text, tuple(replacements)
        self._copy_index = copy_index
        self.logits: Floats = np.empty(0, np.float32)
        """Logits (V,) of the next character, once the prompt is read."""
        self.state: Any = network.initial_state(1)
        """State of the network after the ids read so far."""
        self.begun = text[len(text) - vocabulary.begun(text) :]
        """The end of the prompt that may be the beginning of a token: what is drawn first begins with or spells it."""
        # A network whose context is n ids needs no more than the last n.
        self._unread = self.ids[-(network.context_length or 0) :]

    @property
    def ids(self) -> Ids:
        """The ids that stand for the prompt, but for the end that is `begun`: shape (T,), at least one."""
        # Encoded together: what is before a word may be cut in another way where nothing follows it.
        ids, begun = (self.vocabulary.encode(text).astype(np.intp) for text in (self.text, self.begun))
        return ids[: len(ids) - len(begun)] if len(ids) > len(begun) else np.array([self.vocabulary.start_id])

    def allowed(self, batch: int = 1) -> Allowed:
        """Return which ids may be drawn in ``batch`` texts that continue the prompt, once nothing is begun."""
        tokens = self.vocabulary
        return allowed_ids(tokens.size, tokens.never_drawn, tokens.succession, batch=batch)

    def next_logits(self, refused: Sequence[int] = ()) -> NDArray[np.float64]:
        """Return the logits (V,) of what comes next, once the prompt is read: -inf for what cannot, and ``refused``.

        Where something is begun, an id stands for a token that begins with that, or is the first of `spellings`.
        """
        allowed, logits = self.allowed(), self.logits.astype(np.float64)
        if self.begun:
            logits = logits_of_begun(self.vocabulary, self.begun, logits, self.spellings.values())
        may = allowed.rows[allowed.last[0]]  # (V,)
        may[list(refused)] = False
        return np.where(may, logits, -np.inf)

    @cached_property
    def spellings(self) -> dict[int, Spelling]:
        """The `spellings_of` what is `begun`, once the prompt is read."""
        return spellings_of(self.network, self.vocabulary, self.begun, self.state)

    def guard(self, settings: SamplingSettings) -> Guard | None:
        """Return a new guard for a text that continues the prompt; None if ``settings`` do not limit copying.

        Raises:
            UsageError: the model is without its training text.
        """
        if settings.max_copy is None:
            return None
        assert self._copy_index is not None, "the prompt is from a language model"
        return guard_of(self._copy_index(), self.vocabulary, settings.max_copy, self.text, self.begun)

    def read(self) -> Iterator[None]:
        """Read what is not read yet, chunk by chunk; yield after each chunk."""
        while len(self._unread) > 0:
            chunk, self._unread = self._unread[:CHUNK], self._unread[CHUNK:]
            logits, self.state = self.network.forward(chunk[None], self.state)  # (1, t, V)
            self.logits = logits[0, -1].copy()
            yield


class Continuation:
    """A text that continues a prompt. Iterating writes it piece by piece; iterating again writes the same text again.

    The same seed gives the same text in Python, on the terminal and over HTTP.
    """

    def __init__(self, prompt: Prompt, settings: SamplingSettings, index: int | None = 0) -> None:
        """Prepare the text; nothing is written yet.

        Args:
            prompt: the text to continue.
            settings: how to draw; without a seed, one is drawn.
            index: number of the text among several of the same seed, from 0; None is a text apart from these, as the
                samples of a run are.
        """
        prompt.guard(settings)  # so that an error comes before anything is written
        self._prompt, self._settings = prompt, settings
        self._path = () if index is None else (index,)
        self.seed = choose_seed(settings.seed)
        """Seed that gives this text again."""
        self.finish_reason: FinishReason | None = None
        """Why the text ended; None until it has."""
        self._cut_short = False

    @property
    def prompt(self) -> str:
        """The prompt as the model reads it."""
        return self._prompt.text

    @property
    def replacements(self) -> tuple[Replacement, ...]:
        """What was replaced in the prompt."""
        return self._prompt.replacements

    def __iter__(self) -> Iterator[str]:
        """Yield the text in pieces of one or more characters, each as soon as it is drawn."""
        return filter(None, self._write(BLOCK if draws_many(self._prompt.network, self._settings) else 1))

    def steps(self) -> Iterator[str]:
        """Yield the text in pieces, one for each step of work: "" after a step that adds nothing to the text yet.

        A step draws 1, 2, 4, ... ids, up to `BLOCK` or `SLOW_BLOCK`: the first one comes at once, and a long text takes
        few steps.
        """
        return self._write(BLOCK if isinstance(self._prompt.network, Writer) else SLOW_BLOCK)

    def _write(self, max_block: int) -> Iterator[str]:
        self.finish_reason, self._cut_short = None, False
        for _ in self._prompt.read():
            yield ""
        stopped = yield from until_stop(self._pieces(max_block), self._settings.stop)
        self.finish_reason = "stop" if stopped else "max_copy" if self._cut_short else "length"

    def _pieces(self, max_block: int) -> Iterator[str]:
        """Yield the text, whatever it should stop before, in blocks that grow to ``max_block`` ids."""
        prompt, random = self._prompt, random_stream(self.seed, "sampling", *self._path)
        guard, decoder = prompt.guard(self._settings), prompt.vocabulary.decoder()
        logits, state, missing = prompt.logits[None], prompt.state, self._settings.length  # (1, V)
        if prompt.begun and missing:
            piece, logits, state = self._finish_begun(random, guard)
            missing -= len(piece[:missing])
            yield piece[: self._settings.length]
        blocks = draw_blocks(
            prompt.network, logits, state, self._settings, random, allowed=prompt.allowed(), guard=guard
        )
        ids, size = chain.from_iterable(blocks), 1
        while missing > 0 and not self._cut_short:
            wanted = min(size, missing)
            block = list(islice(ids, wanted))
            self._cut_short = len(block) < wanted
            whole = decoder.push(block) + (decoder.finish() if self._cut_short else "")
            piece = whole[:missing]  # a token may have several characters, or a part of one
            missing, size = missing - len(piece), min(2 * size, max_block)
            yield prompt.vocabulary.displayed(piece)

    def _finish_begun(self, random: np.random.Generator, guard: Guard | None) -> tuple[str, Floats, Any]:
        """Draw how what the prompt has begun goes on; return the text beyond it, the logits (1, V) after that, and the
        state."""
        prompt = self._prompt
        logits = prompt.next_logits(guard.forbidden() if guard else ())
        drawn = draw(next_distribution(logits[None], self._settings), random.random(1))  # (1,)
        if guard is not None:
            guard.read(int(drawn[0]))
        spelling = prompt.spellings.get(int(drawn[0]))
        if spelling is not None:
            return "", spelling.logits, spelling.state
        following, state = prompt.network.forward(drawn[None], prompt.state)  # (1, 1, V)
        return prompt.vocabulary.token_texts(drawn)[0][len(prompt.begun) :], following[:, -1], state


def write_rows(prompt: Prompt, settings: SamplingSettings, randoms: Sequence[np.random.Generator]) -> list[str]:
    """Return a text for each of ``randoms`` that continues ``prompt``, written side by side, without adapting or a
    guard: each of the length asked for or up to its stop. No more is drawn once all are whole."""
    tokens = prompt.vocabulary
    drawn = generate_rows(
        prompt.network, prompt.ids, settings, randoms, tokens.never_drawn, succession=tokens.succession
    )
    texts, decoders = [""] * len(randoms), [tokens.decoder() for _ in randoms]

    def is_whole(text: str) -> bool:
        return len(text) >= settings.length or any(stop in tokens.displayed(text) for stop in settings.stop if stop)

    while not all(map(is_whole, texts)):
        rows = np.stack(list(islice(drawn, min(BLOCK, settings.length))), axis=1)  # (B, t)
        texts = [text + decoder.push(row) for text, decoder, row in zip(texts, decoders, rows.tolist(), strict=True)]
    displayed = (tokens.displayed(text[: settings.length]) for text in texts)
    return ["".join(until_stop(iter(text), settings.stop)) for text in displayed]


def until_stop(pieces: Iterable[str], stops: Sequence[str]) -> Generator[str, None, bool]:
    """Yield ``pieces`` of a text up to the first of ``stops`` in it; return whether there is one.

    Characters that may begin a stop are held back until it is known whether they do: "" is yielded in their place.
    """
    stops = [stop for stop in stops if stop]
    held = ""
    for piece in pieces:
        held += piece
        # Of several stops the one that is complete first counts; of those complete at once, the longest.
        ends = [(start + len(stop), start) for stop in stops if (start := held.find(stop)) >= 0]
        if ends:
            yield held[: min(ends)[1]]
            return True
        shown = len(held) - _begun_stop(held, stops)
        yield held[:shown]
        held = held[shown:]
    yield held
    return False


def _begun_stop(text: str, stops: Sequence[str]) -> int:
    """Return the length of the longest end of ``text`` that one of ``stops`` begins with."""
    longest = min(len(text), max(map(len, stops), default=1) - 1)
    return next((n for n in range(longest, 0, -1) if any(stop.startswith(text[-n:]) for stop in stops)), 0)
