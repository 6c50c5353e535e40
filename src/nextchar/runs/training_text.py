"""The text that a model learned from, found again in the cache of encoded texts, or encoded again from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from nextchar.errors import RunFolderError, TextError
from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import Base, RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus, open_corpus
from nextchar.text.decoding import BYTES
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.text_file import TextFile
from nextchar.text.tokenizers import tokenizer_of
from nextchar.text.vocabulary import Inherited
from nextchar.training.recipes import recipe_of


def encode(
    files: Sequence[TextFile], text: TextSettings, training: TrainingSettings, cache: Path, base: Base | None = None
) -> Corpus:
    """Return ``files`` encoded as the recipe of ``training`` reads them, with the characters that ``base`` knows.

    Raises:
        TextError: a text cannot be read or has too little to learn from.
        UsageError: ``min_count`` is given for a recipe that keeps every character.
    """
    return encode_corpus(
        files,
        text,
        cache_folder=cache,
        unknown_symbol=recipe_of(training).has_unknown,
        inherited=None if base is None else Inherited.of(base.characters, keep=training.keep_characters),
        tokens=None if base is None or base.tokens is None else tokenizer_of(base.tokens),
    )


def corpus_of_run(settings: RunSettings, cache: Path, *, fetch: bool = True) -> Corpus:
    """Return the encoded text of a run, encoded again if it is no longer in the cache.

    Args:
        settings: the settings of the run.
        cache: folder of encoded texts.
        fetch: whether to fetch a text of the catalogue again that is no longer on this machine.

    Raises:
        TextError: its texts can no longer be read.
        RunFolderError: they have changed.
    """
    try:
        corpus = open_corpus(settings.corpus_key, cache)
    except TextError:
        corpus = _encode_again(settings, cache, offline=not fetch)
    if settings.corpus_key not in {corpus.key, corpus.former_key}:
        raise RunFolderError(
            f"The text has changed since this run began ({', '.join(corpus.names)}). Put the old text back, or train "
            "again."
        )
    return replace(corpus, names=settings.names)


def moved_text(settings: RunSettings, names: Sequence[str], cache: Path) -> RunSettings:
    """Return the settings of a run whose text has moved to ``names`` (files, folders, names of the catalogue).

    Raises:
        TextError: it cannot be read.
        RunFolderError: it is not the training text of the run.
    """
    found = find_texts(names, settings.text, cache)
    corpus = encode(found.files, settings.text, settings.training, cache, settings.base)
    if settings.corpus_key not in {corpus.key, corpus.former_key}:
        texts = ", ".join(settings.names)
        raise RunFolderError(
            f"{', '.join(names)} is not the text that this run learned from: its content differs. Give {texts} as "
            f"{'they were, in this order' if len(settings.names) > 1 else 'it was'}, or train again."
        )
    return settings.model_copy(update={"corpus": tuple(file.place for file in found.files)})


def corpus_of_model(path: Path, file: ModelFile, cache: Path) -> Corpus:
    """Return the encoded text that a model learned from, without fetching anything.

    Args:
        path: the run folder or model file that ``file`` was loaded from.
        file: the model.
        cache: folder of encoded texts.

    Raises:
        TextError: it can no longer be found.
        RunFolderError: it has changed, or the run folder is damaged.
    """
    provenance = file.provenance
    folder = RunFolder(path if path.is_dir() else path.parent)
    if folder.exists and path in {folder.path, folder.model_path}:
        corpus = corpus_of_run(folder.settings(), cache, fetch=False)
    elif provenance.corpus_key is None:
        raise TextError("The model file does not say where its training text is: no run wrote it.")
    else:
        try:
            corpus = replace(open_corpus(provenance.corpus_key, cache), names=provenance.corpus)
        except TextError as error:
            raise TextError(
                f"The training text of the model ({', '.join(provenance.corpus)}) is no longer in {cache}. Give the "
                "run folder instead of the model file, if you still have it."
            ) from error
    if corpus.vocabulary != file.vocabulary:
        raise TextError(f"The model in {path} does not belong to the run in its folder: its characters differ.")
    return corpus


def held_out_text(path: Path, file: ModelFile, cache: Path) -> str:
    """Return the `scored_text` of a model; arguments and errors are those of `corpus_of_model`."""
    return scored_text(corpus_of_model(path, file, cache), file)


def scored_text(corpus: Corpus, file: ModelFile) -> str:
    """Return the text that a model was scored on and has not learned from, with `LOST` for lost characters; the lines
    of a list in no order. It is empty where nothing was held out.

    Args:
        corpus: the encoded text that the model learned from.
        file: the model.
    """
    from nextchar.model.baselines import LOST

    size = file.provenance.validation_tokens or file.provenance.validation_characters
    ids = corpus.validation if size is None else corpus.held_out_excerpt(size)
    return corpus.vocabulary.decode(corpus.without_order(ids), unknown=LOST) if len(ids) else ""


def find_texts(
    names: Sequence[str],
    settings: TextSettings,
    cache: Path,
    *,
    stdin: BinaryIO | None = None,
    offline: bool = False,
) -> catalog.Resolved:
    """Return the texts that ``names`` stand for, to be read with ``settings``; the rest is as in `catalog.resolve`."""
    return catalog.resolve(
        names,
        ReadingOptions(
            encoding=BYTES if settings.tokens == "bytes" and settings.column is None else settings.encoding,
            errors=settings.errors,
            column=settings.column,
            label_column=settings.label_column,
            boundary=settings.boundary,
            normalize=settings.normalize,
        ),
        stdin=stdin,
        cache=cache,
        offline=offline,
    )


def _encode_again(settings: RunSettings, cache: Path, *, offline: bool) -> Corpus:
    try:
        found = find_texts(settings.corpus, settings.text, cache, offline=offline)
        return encode(found.files, settings.text, settings.training, cache, settings.base)
    except TextError as error:
        raise TextError(
            f"The text of this run can no longer be read ({', '.join(settings.corpus)}). Put it back, name its new "
            "place with `nextchar train --resume RUN --text PATH`, or train again."
        ) from error
