"""Models to start from: a run, a model file, or an installed base model by its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nextchar.errors import UsageError, shortened
from nextchar.model.model_file import ModelFile
from nextchar.model.model_path import find_model, installed_bases
from nextchar.model.provenance import Ancestor
from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.engine import make_network
from nextchar.runs.run_settings import Base
from nextchar.settings import TextSettings, TrainingSettings, build, flag
from nextchar.text.corpus import Corpus
from nextchar.text.jamo import JamoTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.transfer import Transfer, transfer


@dataclass(frozen=True, eq=False)
class StartingModel:
    """A model to start from."""

    name: str
    file: ModelFile

    @cached_property
    def record(self) -> Base:
        """What a run records of it."""
        provenance = self.file.provenance
        bits = provenance.network_bits_per_character or provenance.validation_bits_per_character
        ancestor = Ancestor(
            name=self.name,
            sha256=_hash_of(self._network[1]),
            corpus=provenance.corpus,
            corpus_sha256=provenance.corpus_sha256,
            validation_bits_per_character=bits,
            licence=provenance.licence,
        )
        tokens = self.file.vocabulary
        of_tokens = None if tokens.kind == "characters" else tokens.header()
        return Base(ancestors=(ancestor, *provenance.ancestors), characters=self.characters, tokens=of_tokens)

    @property
    def characters(self) -> str:
        """The characters, or the jamo, that it knows."""
        return self.file.vocabulary.characters

    def text_like(self, text: TextSettings) -> TextSettings:
        """Return the settings ``text`` with the tokens of the model.

        Raises:
            UsageError: another kind of tokens is asked for, or what does not go with this one.
        """
        kind = self.file.vocabulary.kind
        if text.tokens not in {"auto", kind}:
            raise UsageError(
                f"--tokens {text.tokens} does not fit {self.name}, whose tokens are {kind}: leave it out, or choose "
                "another model."
            )
        if text.vocabulary_size is not None:
            raise UsageError(f"--vocabulary-size does not fit {self.name}, which has its words: leave it out.")
        return text if kind == text.token_kind else build(TextSettings, {**text.model_dump(), "tokens": kind})

    def fixed(self, training: TrainingSettings) -> TrainingSettings:
        """Return ``training`` with the name and the sizes of the model.

        Raises:
            UsageError: other sizes are asked for, or the layers of the model differ in size.
        """
        architecture = self._network[0]
        if len(set(architecture.hidden)) > 1:
            raise UsageError(
                f"{self.name} has layers of {' + '.join(map(str, architecture.hidden))} units, and training can only "
                "start from a model whose layers have the same size: choose another model."
            )
        sizes = {
            "hidden": architecture.hidden[0],
            "layers": architecture.layers,
            "embedding": architecture.embedding or 0,
        }
        for name, size in sizes.items():
            if getattr(training, name) not in {None, size}:
                raise UsageError(
                    f"{flag(name)} {getattr(training, name)} does not fit {self.name}, whose size is {size}: leave it "
                    "out, or choose another model."
                )
        return training.model_copy(update={"from_": self.name, **sizes})

    def transfer(self, corpus: Corpus) -> Transfer:
        """Return the weights for the vocabulary of ``corpus``."""
        known, vocabulary = _symbols(self.file.vocabulary), _symbols(corpus.vocabulary)
        architecture, parameters = self._network
        if known is None or vocabulary is None:  # bytes are always the same, and words are those of the model
            return Transfer(dict(parameters), corpus.vocabulary.size, (), "")
        return transfer(architecture, parameters, known, vocabulary, corpus.training)

    def network_for(self, corpus: Corpus) -> Network[Any]:
        """Return its network with the vocabulary of ``corpus``."""
        architecture = self._network[0].model_copy(update={"vocabulary_size": corpus.vocabulary.size})
        return make_network(architecture, self.transfer(corpus).parameters, compiled=True)

    @cached_property
    def _network(self) -> tuple[Architecture, Parameters]:
        return self.file.lstm_for("Training from a model")


def _symbols(tokens: Tokenizer) -> Vocabulary | None:
    """Return what the ids of ``tokens`` stand for, if that differs from text to text."""
    if isinstance(tokens, JamoTokenizer):
        return tokens.symbols
    return tokens if isinstance(tokens, Vocabulary) else None


def read_base(name: str) -> StartingModel:
    """Return the model ``name``: a run folder, a model file, or an installed base model.

    Raises:
        UsageError: there is no such file, and no such base model.
        ModelFileError: it is damaged, or has no LSTM of characters.
    """
    path, installed = Path(name), installed_bases()
    if not path.exists() and name not in installed:
        known = f"the base models {', '.join(sorted(installed))}" if installed else "no base model"
        raise UsageError(
            f"There is no model {shortened(name)}: it is no run folder, no model file and no installed base model "
            f"({known} can be found here). Base models are packages: in a clone, pip install ./bases/english"
        )
    found = find_model(path)
    return StartingModel(name if found == installed.get(name) else path.resolve().name, ModelFile.load(found))


def _hash_of(parameters: Parameters) -> str:
    digest = hashlib.sha256()
    for name in sorted(parameters):
        digest.update(name.encode())
        digest.update(parameters[name].tobytes())
    return digest.hexdigest()
