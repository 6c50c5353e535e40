"""What a run starts from: the model that it names, or an installed base model where that pays for the text, or nothing.

A base model pays where it predicts a sample of the text nearly as well as counts of the text do, before it has learned
anything of it (docs/base-models.md has the evidence). Of several, the one that predicts the sample best is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from nextchar.errors import ModelFileError, UsageError
from nextchar.model.model_file import ModelFile
from nextchar.model.model_path import installed_bases
from nextchar.model.scoring import bits_per_id
from nextchar.networks.architecture import Network
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads, available_cores
from nextchar.runs.base_models import StartingModel, read_base
from nextchar.runs.training_text import encode
from nextchar.settings import NOTHING, TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.text_file import TextFile
from nextchar.text.vocabulary import Inherited
from nextchar.training.recipes import recipe_of
from nextchar.training.validation import excerpts

MIN_GAIN = -0.3
"""Bits per character by which a base model must predict a sample better than counts do: it may be a little worse."""
MIN_KNOWN = 0.9
"""Share of the characters of the sample that a base model must know."""
COUNTED, ORDER = 250_000, 6
"""Characters from the end of the training text of which nine tenths are counted, and the longest context."""
SAMPLE = 2048
"""Characters of the sample, from the last tenth of those."""


@dataclass(frozen=True)
class Trial:
    """An installed base model, tried on a sample of a text."""

    name: str
    bits: float
    """Bits per character that it needs."""
    counted: float
    """Those that counts of the text need."""

    @property
    def pays(self) -> bool:
        """Whether training should start from it."""
        return self.counted - self.bits >= MIN_GAIN

    def __str__(self) -> str:
        figures = f"it needs {self.bits:.2f} bits/character on a sample of it, counts of the text {self.counted:.2f}"
        if self.pays:
            return f"{self.name} suits the text: {figures} (--from none: start from nothing)."
        return f"Starting from nothing, as {self.name} does not suit the text: {figures}."


@dataclass(frozen=True)
class Start:
    """What a run starts from."""

    corpus: Corpus
    """The text, with the characters that the base knows."""
    training: TrainingSettings
    """How it is trained, with the name and the sizes of the base."""
    base: StartingModel | None = None
    trial: Trial | None = None
    """The best of the installed base models, where the choice was among them."""
    damaged: tuple[str, ...] = ()
    """What is wrong with those that cannot be read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say about the choice."""
        return (*self.damaged, *([] if self.trial is None else [str(self.trial)]))


def named_model(training: TrainingSettings) -> StartingModel | None:
    """Return the model that ``training`` names to start from, if it names one; errors are those of `find_start`."""
    return None if training.from_ is None or training.from_ == NOTHING else read_base(training.from_)


def find_start(
    files: Sequence[TextFile],
    text: TextSettings,
    training: TrainingSettings,
    cache: Path,
    named: StartingModel | None = None,
) -> Start:
    """Encode ``files`` and return what training on them starts from.

    Args:
        files: the texts, read as ``named`` reads texts.
        text: how they were read.
        training: how to train on them.
        cache: folder of encoded texts.
        named: the model that is named to start from; None if none is.

    Raises:
        TextError: a text cannot be read or has too little to learn from.
        UsageError: there is no such model, or the sizes asked for do not fit it.
        ModelFileError: it is damaged, or has no LSTM of characters.
    """
    if named is not None:
        return Start(encode(files, text, training, cache, named.record), named.fixed(training), named)
    corpus = encode(files, text, training, cache)
    nothing = training.model_copy(update={"from_": None})
    of_characters = text.token_kind == "characters"  # as all installed base models
    if training.from_ == NOTHING or not of_characters or not recipe_of(training).starts_from_models:
        return Start(corpus, nothing)
    sample, damaged = _Sample(corpus), list[str]()
    tried = [(sample.bits_of(base), base) for base in _candidates(sample, training, damaged)]
    if not tried:
        return Start(corpus, nothing, damaged=tuple(damaged))
    bits, base = min(tried, key=itemgetter(0))
    trial = Trial(base.name, bits, sample.bits_of_counts())
    if not trial.pays:
        return Start(corpus, nothing, None, trial, tuple(damaged))
    inherited = Inherited.of(base.characters, keep=training.keep_characters)
    if corpus.rare or set(inherited.syllables) - set(corpus.vocabulary.characters):
        corpus = encode(files, text, training, cache, base.record)  # what is rare here, the base may know
    return Start(corpus, base.fixed(training), base, trial, tuple(damaged))


def _candidates(sample: _Sample, training: TrainingSettings, damaged: list[str]) -> Iterator[StartingModel]:
    """Yield the installed base models that know the characters of the text and have the sizes asked for; add to
    ``damaged`` what is wrong with those that cannot be read."""
    for name, path in sorted(installed_bases().items()):
        try:
            base = StartingModel(name, ModelFile.load(path))
            base.fixed(training)
            if sample.known_share(base) >= MIN_KNOWN:
                yield base
        except UsageError:
            pass  # it has other sizes
        except ModelFileError as error:
            damaged.append(f"The base model {name} is left out: {error}")


class _Sample:
    """A sample of a training text, and what stands before it."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        ids = np.asarray(corpus.training[-COUNTED:])
        tenth = max(1, len(ids) // 10)
        self._before, self._ids = ids[:-tenth], excerpts(ids[-tenth:], SAMPLE)

    def known_share(self, base: StartingModel) -> float:
        """Return the share of the characters that ``base`` knows."""
        known = set(base.characters)
        return float(np.mean([character in known for character in self._corpus.vocabulary.decode(self._ids)]))

    def bits_of(self, base: StartingModel) -> float:
        """Return the bits per character of the network of ``base``."""
        return self._bits(base.network_for(self._corpus))

    def bits_of_counts(self) -> float:
        """Return the bits per character of counts of what stands before the sample."""
        return self._bits(NgramNetwork.of_text(self._before, self._corpus.vocabulary.size, ORDER))

    def _bits(self, network: Network[Any]) -> float:
        return bits_per_id(network, self._ids, self._corpus.vocabulary.start_id, Threads(available_cores()))
