"""The text that a model learned from, found again: in the cache of encoded texts, or encoded anew from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nextchar.errors import RunFolderError, TextError
from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus import Corpus, encode_corpus, open_corpus
from nextchar.text.text_file import TextFile
from nextchar.training.recipes import recipe_of


def encode(files: Sequence[TextFile], text: TextSettings, training: TrainingSettings, cache: Path) -> Corpus:
    """Return ``files`` encoded as the recipe of ``training`` reads them.

    Raises:
        TextError: a text cannot be read or has too little to learn from.
        UsageError: ``min_count`` is given for a recipe that knows every character.
    """
    return encode_corpus(files, text, cache_folder=cache, unknown_symbol=recipe_of(training).has_unknown)


def corpus_of_run(settings: RunSettings, cache: Path, *, fetch: bool = True) -> Corpus:
    """Return the encoded text of a run, encoded anew if it is gone from the cache.

    Args:
        settings: of the run.
        cache: folder of encoded texts.
        fetch: whether a text of the catalogue that is not here any more is fetched again.

    Raises:
        TextError: its texts cannot be read any more.
        RunFolderError: they have changed.
    """
    try:
        corpus = open_corpus(settings.corpus_key, cache)
    except TextError:
        corpus = _encode_again(settings, cache, None if fetch else _refuse)
    if settings.corpus_key not in {corpus.key, corpus.former_key}:
        raise RunFolderError(
            f"The text has changed since this run began ({', '.join(corpus.names)}). Put the old text back, or train "
            "anew."
        )
    return replace(corpus, names=settings.names)


def moved_text(settings: RunSettings, names: Sequence[str], cache: Path) -> RunSettings:
    """Return the settings of a run whose text is now where ``names`` (files, folders, names of the catalogue) say.

    Raises:
        TextError: it cannot be read.
        RunFolderError: it is not the text that the run learned from.
    """
    found = catalog.resolve(names, encoding=settings.text.encoding, cache=cache)
    corpus = encode(found.files, settings.text, settings.training, cache)
    if settings.corpus_key not in {corpus.key, corpus.former_key}:
        texts = ", ".join(settings.names)
        raise RunFolderError(
            f"{', '.join(names)} is not the text that this run learned from: its content is another. Give {texts} as "
            f"{'they were, in this order' if len(settings.names) > 1 else 'it was'}, or train anew."
        )
    return settings.model_copy(update={"corpus": tuple(str(file.path.absolute()) for file in found.files)})


def corpus_of_model(path: Path, file: ModelFile, cache: Path) -> Corpus:
    """Return the encoded text that a model learned from; nothing is fetched for it.

    Args:
        path: run folder or model file that ``file`` was loaded from.
        file: the model.
        cache: folder of encoded texts.

    Raises:
        TextError: it cannot be found any more.
        RunFolderError: it has changed, or the run folder is damaged.
    """
    provenance = file.provenance
    folder = RunFolder(path if path.is_dir() else path.parent)
    if folder.exists and path in {folder.path, folder.model_path}:
        corpus = corpus_of_run(folder.settings(), cache, fetch=False)
    elif provenance.corpus_key is None:
        raise TextError("The model file does not say where its training text is: it was not written by a run.")
    else:
        try:
            corpus = replace(open_corpus(provenance.corpus_key, cache), names=provenance.corpus)
        except TextError as error:
            raise TextError(
                f"The training text of the model ({', '.join(provenance.corpus)}) is not in {cache} any more. Give the "
                "run folder instead of the model file, where there still is one."
            ) from error
    if corpus.vocabulary != file.vocabulary:
        raise TextError(f"The model in {path} is not that of the run it lies in: its characters are others.")
    return corpus


def _encode_again(settings: RunSettings, cache: Path, downloader: catalog.Downloader | None) -> Corpus:
    try:
        text = settings.text
        found = catalog.resolve(
            settings.corpus, encoding=text.encoding, errors=text.errors, cache=cache, downloader=downloader
        )
        return encode(found.files, text, settings.training, cache)
    except TextError as error:
        raise TextError(
            f"The text of this run cannot be read any more ({', '.join(settings.corpus)}). Put it back, say where it "
            "is now with `nextchar train --resume RUN --text PATH`, or train anew."
        ) from error


def _refuse(*_: object) -> None:
    raise OSError("nothing is fetched for this")
