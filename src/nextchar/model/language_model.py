"""A model for strings: it writes, predicts and scores them. Only adapting needs torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import UsageError, shortened
from nextchar.model.batch_scoring import BatchScorer, score_groups
from nextchar.model.continuation import Continuation, Prompt, write_rows
from nextchar.model.evaluation import Evaluation, score_pieces
from nextchar.model.known_entries import KnownEntries
from nextchar.model.label_scores import LabelScore, scores_by_label
from nextchar.model.list_settings import ListOptions, ListSettings
from nextchar.model.listing import Entry, Listing
from nextchar.model.loaded_model import LoadedModel
from nextchar.model.reranking import Ranking
from nextchar.model.sampling import SamplingOptions, next_distribution
from nextchar.model.scoring import Scorer, ScoresIds, character_scores
from nextchar.model.session import Session
from nextchar.model.text_score import TextScore, text_score
from nextchar.networks.architecture import Network
from nextchar.networks.blend import BlendNetwork, LineBlend
from nextchar.parallel import Threads, available_cores
from nextchar.randomness import choose_seed, random_stream
from nextchar.settings import Adapt, SamplingSettings, build
from nextchar.text.labels import SEPARATOR

R = TypeVar("R")

CHARACTERS = 10
"""Characters of an entry of a list, roughly."""


@dataclass(frozen=True, eq=False, repr=False)
class LanguageModel(LoadedModel):
    """A trained model: it predicts the next character, writes texts and scores them.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03}
    >>> model = nextchar.train(text="so it goes. " * 100, quiet=True, **tiny)
    >>> model.generate("so", length=22, temperature=0)
    ' it goes. so it goes. '
    >>> next(iter(model.next_character_distribution("so it g")))
    'o'
    >>> model.bits_per_character("so it goes. ") < model.bits_per_character("goes it so. ")
    True
    >>> expected, surprising, empty = model.score_many(["so it goes. ", "goes it so. ", ""]).tolist()
    >>> empty == 0 < expected < surprising
    True
    """

    def continuation(
        self, prompt: str | Prompt = "", *, strict: bool = False, text: int = 0, **options: Unpack[SamplingOptions]
    ) -> Continuation:
        """Return a text that continues ``prompt``, to be written by iterating over it.

        It also has the prompt as it was read, what was replaced, the seed, and at the end the reason why it ended.

        Args:
            prompt: the text to continue; characters the model does not know are replaced by the nearest it knows, or
                left out. Several texts that continue the same `fold_prompt` read it once.
            strict: raise an error instead of replacing characters; a folded prompt is taken as it is.
            text: number of the text among several of the same seed, from 0.
            **options: of `nextchar.settings.SamplingSettings`: length, temperature, top_k, top_p, min_p, stop, seed.
                The same seed gives the same text; without one it is different each time.

        Raises:
            UsageError: an option is unknown or its value is not allowed.
            UnknownCharacterError: ``strict`` is set and the prompt holds unknown characters.
        """
        settings = build(SamplingSettings, options)
        return Continuation(self._folded(prompt, settings, settings.length, strict=strict), settings, text)

    def generate(self, prompt: str | Prompt = "", *, strict: bool = False, **options: Unpack[SamplingOptions]) -> str:
        """Return text that continues ``prompt``, which is not repeated; arguments and errors as for `continuation`."""
        return "".join(self.continuation(prompt, strict=strict, **options))

    def stream(
        self, prompt: str | Prompt = "", *, strict: bool = False, text: int = 0, **options: Unpack[SamplingOptions]
    ) -> Iterator[str]:
        """Yield text that continues ``prompt``, each character as soon as it is drawn; arguments and errors as for
        `continuation`."""
        return itertools.chain.from_iterable(self.continuation(prompt, strict=strict, text=text, **options))

    def generate_many(
        self, prompt: str | Prompt, count: int, *, strict: bool = False, **options: Unpack[SamplingOptions]
    ) -> list[str]:
        """Return ``count`` texts that continue ``prompt``, written side by side on all cores.

        They are those of `continuation` for ``text`` = 0, 1, ..., up to rounding; options and errors are the same.
        """
        settings = build(SamplingSettings, options)
        folded = self._folded(prompt, settings, count * settings.length, strict=strict)
        seed = choose_seed(settings.seed)
        # One text at a time is read along, guarded, or begun with the end of the prompt.
        if settings.adapt or settings.max_copy is not None or folded.begun:
            seeded = settings.model_copy(update={"seed": seed})
            return ["".join(Continuation(folded, seeded, text)) for text in range(count)]
        randoms = [random_stream(seed, "sampling", text) for text in range(count)]
        shards = Threads(available_cores()).map_shards(lambda rows: write_rows(folded, settings, randoms[rows]), count)
        return [text for texts in shards for text in texts]

    def labelled(self, label: str, prompt: str = "") -> str:
        """Return ``prompt`` after ``label``, as the model of a list with labels reads it: what continues it is an entry
        of that kind, up to the line end.

        Raises:
            UsageError: the model knows no such label.
        """
        known = self.provenance.labels
        if label not in known:
            shown = ", ".join(known[:10]) + (f" and {len(known) - 10:,} more" if len(known) > 10 else "")
            instead = f"it knows {shown}" if known else "it was trained without labels (--label-column)"
            raise UsageError(f"The model knows no label {shortened(label)}: {instead}.")
        return f"{label}{SEPARATOR}{prompt}"

    def bits_by_label(self, text: str) -> dict[str, LabelScore]:
        """Return for each label of the lines of ``text``, the most frequent first, what its entries need, with their
        line ends, given the label."""
        lines = text.removesuffix("\n").split("\n")
        return scores_by_label(lines, self.surprises("".join(f"{line}\n" for line in lines)))

    def fold_prompt(
        self, prompt: str = "", *, characters: int = 0, strict: bool = False, adapt: bool = False
    ) -> Prompt:
        """Return ``prompt`` in characters that the model knows, for one text or several that continue it.

        Args:
            prompt: the text to continue.
            characters: to be written in all, by which the faster network is chosen.
            strict: raise an error instead of replacing characters.
            adapt: learn from the prompt; not from what is written after it.

        Raises:
            UnknownCharacterError: ``strict`` is set and the prompt holds unknown characters.
        """
        text, replacements = self.vocabulary.fold(self.provenance.normalized(prompt), strict=strict)
        network = self.network_for(characters)
        if adapt:
            # What the model writes it would learn to write again: soon, nothing else.
            network = self.adaptive_network_for(characters, learned=len(self.vocabulary.encode(text)))
        return Prompt(network, self.vocabulary, text, replacements, lambda: self.copy_index)

    def _folded(self, prompt: str | Prompt, settings: SamplingSettings, characters: int, *, strict: bool) -> Prompt:
        if isinstance(prompt, Prompt):
            return prompt
        return self.fold_prompt(prompt, characters=characters, strict=strict, adapt=settings.adapt)

    def list(self, **options: Unpack[ListOptions]) -> Iterator[Entry]:
        """Return entries like the lines that the model learned from, written side by side as they are asked for.

        Args:
            **options: of `nextchar.model.list_settings.ListSettings`: count (20 unless given), new, unique, min, max,
                label, starts, ends, contains, like, allowed, best, temperature (0.8 unless given), top_k, top_p, min_p,
                seed and max_draws. The same seed gives the same list.

        Returns:
            Each entry as a text and its bits: -log2 of the probability of the line, with its end, at temperature 1.

        Raises:
            ListError: after the last entry, if there are fewer than ``count``; it says why.
            UsageError: an option is unknown or its value is not allowed; the model has no line end; or ``new`` is given
                and the model file is without its training text.
            UnknownCharacterError: an option names characters that the model does not know.
        """
        return self.listing(build(ListSettings, options)).whole()

    def listing(self, settings: ListSettings, known: KnownEntries | None = None) -> Listing:
        """Return the list of ``settings``, to be written by iterating over it, once.

        Unlike `list`, it raises nothing at its end: ``shortfall`` says why there are fewer entries than asked for.

        Args:
            settings: how many entries, and which ones.
            known: the training list, if not that in the model file; errors are those of `list`.
        """
        if settings.new and known is None:
            known = self.known_entries
        if settings.label is not None:
            self.labelled(settings.label)  # an error if it is unknown
            known = known and known.without_labels()
        return Listing(self.file, self.network_for(CHARACTERS * settings.count), settings, known)

    def next_character_distribution(
        self, prompt: str = "", *, strict: bool = False, **options: Unpack[SamplingOptions]
    ) -> dict[str, float]:
        """Return the probability of each character to come after ``prompt``, the most probable first.

        Options are those of `continuation`, except that ``temperature`` is 1 unless given, which leaves the model's own
        distribution. The probabilities sum to one; characters that cannot be drawn have 0.
        """
        settings = build(SamplingSettings, {"temperature": 1.0, **options})
        folded = self.fold_prompt(prompt, strict=strict, adapt=settings.adapt)
        for _ in folded.read():
            pass
        guard, never = folded.guard(settings), set(self.vocabulary.never_drawn)
        refused = [*guard.always, *guard.forbidden()] if guard else []
        distribution = next_distribution(folded.next_logits(refused), settings)  # (V,)
        order = np.argsort(-distribution, kind="stable")
        probabilities: dict[str, float] = {}
        for id_, text in zip(order.tolist(), self.vocabulary.token_texts(order), strict=True):
            if id_ not in never:  # the same jamo may be one of a syllable, or stand alone
                probabilities[text] = probabilities.get(text, 0.0) + float(distribution[id_])
        return probabilities

    def evaluate(self, text: str | Iterable[str], *, adapt: Adapt = "none", parts: bool = False) -> Evaluation:
        """Score ``text``, whole or in pieces; a model trained on lower-cased text scores it lower-cased.

        Args:
            text: the text to score.
            adapt: score it a second time and learn from it: ``"counts"`` lets the counts, the output layer and the
                weights of the mixture learn, at some ten thousand characters a second; ``"weights"`` all weights of the
                network too, at some thousand characters a second, and needs torch. The model stays as it is.
            parts: also score it with what the model consists of: the network alone, and the counts alone.

        Raises:
            TextError: the text is empty.
            UsageError: ``adapt`` is something else.
            MissingDependencyError: ``adapt`` is ``"weights"`` and torch is not installed.
        """
        pieces = iter([text] if isinstance(text, str) else text)
        first = next(pieces, "")
        scorers = {"bits_per_character": self._scorer(len(first), "none")}
        if adapt != "none":
            scorers["adaptive_bits_per_character"] = self._scorer(len(first), adapt)
        blend = self.network_for(len(first))
        if parts and isinstance(blend, BlendNetwork | LineBlend):
            scorers["network_bits_per_character"] = self._plain_scorer(blend.network)
            scorers["counts_bits_per_character"] = self._plain_scorer(blend.ngrams)
        return score_pieces(scorers, self.pieces_as_trained(itertools.chain([first], pieces)), self.vocabulary)

    def bits_per_character(self, text: str) -> float:
        """Return the mean bits that the model needs for a character of ``text``; lower is better."""
        return self.evaluate(text).bits_per_character

    def score_many(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the bits that the model needs for each of ``texts``: the sum of -log2 p of its characters, shape (B,).

        Each is a text of its own: divided by the number of its characters, its bits are its `bits_per_character` up to
        rounding. An empty text has 0 bits. Texts of similar length are read side by side, on all cores. An iterator is
        read as it is needed, some thousand texts at a time, so that millions of texts need no memory but the result.

        Raises:
            UsageError: ``texts`` is a single string.
            UnknownCharacterError: a text has unknown characters and the model no unknown symbol.
        """
        scored = self._scored("score_many", texts, BatchScorer.score)
        return np.concatenate([np.zeros(0), *(bits[which] for _, which, bits in scored)])

    def surprises_many(self, texts: Iterable[str]) -> list[NDArray[np.float64]]:
        """Return for each of ``texts`` the bits of each of its characters, as `surprises` does: shape (t,) each.

        Texts are read side by side and errors are the same as in `score_many`.
        """
        scored = self._scored("surprises_many", texts, BatchScorer.surprises)
        return [bits[number].copy() for _, which, bits in scored for number in which]

    def text_scores(self, texts: Iterable[str], *, threads: int | None = None) -> Iterator[TextScore]:
        """Yield the score of each of ``texts`` in short: its bits, its most surprising character, and how odd it is.

        Texts are read side by side, in ``threads`` threads or on all cores, and errors are the same as in `score_many`.
        """
        scored = self._scored("text_scores", texts, BatchScorer.summarise, threads)
        for distinct, which, (bits, places, highest) in scored:
            found = zip(distinct, bits.tolist(), places.tolist(), highest.tolist(), strict=True)
            scores = [text_score(*of_text, self.provenance.held_out_lines) for of_text in found]
            yield from (scores[number] for number in which)

    def _scored(
        self,
        name: str,
        texts: Iterable[str],
        score: Callable[[BatchScorer, Sequence[str]], R],
        threads: int | None = None,
    ) -> Iterator[tuple[list[str], list[int], R]]:
        """Yield what ``score`` gives for ``texts``, as `score_groups` does."""

        def scorer_for(characters: int) -> BatchScorer:
            return BatchScorer(self.network_for(characters), self.vocabulary, Threads(threads or available_cores()))

        return score_groups(name, texts, self.as_trained, scorer_for, score)

    def rank(
        self,
        candidates: Iterable[str | Mapping[str, Any]],
        *,
        weights: Mapping[str, float] | None = None,
        per_character: bool = False,
    ) -> list[dict[str, Any]]:
        """Return ``candidates`` for the same text, the best first, each with its ``log_probability`` and ``total``.

        Args:
            candidates: texts, or objects with a ``text`` and scores of their own.
            weights: weight of each of these scores, by its name. The total is ln p of the text plus their weighted sum.
            per_character: divide ln p by the number of characters.

        Raises:
            CandidateError: a candidate has no text, or lacks a score that has a weight.
            UnknownCharacterError: a text has unknown characters and the model no unknown symbol.
        """
        ranking = Ranking(weights or {}, per_character)
        return ranking.rank([[ranking.as_candidate(candidate) for candidate in candidates]], self.score_many)[0]

    def session(self, prompt: str = "", *, characters: int = 10_000) -> Session:
        """Return the model's place after ``prompt``, which is read as the beginning of a text, for searches of your
        own.

        What is pushed to it costs what `evaluate` counts: the bits of ``prompt + text`` less those of ``prompt``.

        Args:
            prompt: the text before.
            characters: about how many are to be pushed in all, by which the faster network is chosen.

        Raises:
            UnknownCharacterError: the prompt has unknown characters and the model no unknown symbol.
        """
        return Session.begin(self.network_for(characters), self.vocabulary, prompt, self.as_trained)

    def surprises(self, text: str, *, adapt: Adapt = "none") -> NDArray[np.float64]:
        """Return -log2 p of each character of ``text`` given those before it, in bits, shape (T,).

        With ``adapt``, the model learns from each character after it is scored, as in `evaluate`.
        """
        return -self._score(self._scorer(len(text), adapt), text)

    def _scorer(self, characters: int, adapt: Adapt) -> ScoresIds:
        if adapt == "none":
            return self._plain_scorer(self.network_for(characters))
        if adapt == "counts":
            return Scorer(self.adaptive_network_for(characters), self.start_id, None)
        if adapt == "weights":
            from nextchar.model.adapting import dynamic_scorer

            self._check_reads_along()
            return dynamic_scorer(self.file, self.network_for, carry_state=self.carry_state, weights=self.weights)
        raise UsageError(f'adapt = {shortened(adapt)} is not allowed: give "none", "counts" or "weights".')

    def _plain_scorer(self, network: Network[Any]) -> Scorer:
        return Scorer(network, self.start_id, Threads(available_cores()))

    def _score(self, scorer: ScoresIds, text: str) -> NDArray[np.float64]:
        """Return log2 p of each character of ``text``, the next that ``scorer`` reads."""
        return character_scores(scorer, self.vocabulary.encode(self.as_trained(text)), self.vocabulary)
