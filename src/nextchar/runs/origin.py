"""Where the model of a run comes from: its texts, its settings, and the packages that made it."""

from __future__ import annotations

from importlib.metadata import version

from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Ids
from nextchar.runs.run_settings import RunSettings
from nextchar.text.corpus import Corpus
from nextchar.text.labels import labels_of


def provenance_of(corpus: Corpus, settings: RunSettings, scored: Ids) -> Provenance:
    """Return where a model of a run comes from: its text, its recipe, and the ids that it is scored on, ``scored``."""
    return Provenance(
        corpus=corpus.names,
        corpus_sha256=corpus.content_sha256,
        corpus_key=corpus.key,
        characters=corpus.characters,
        training_characters=corpus.training_characters,
        lowercase=settings.text.lowercase,
        normalize=settings.text.normalize,
        recipe=settings.training.recipe,
        seed=settings.training.seed,
        validation_characters=int(corpus.vocabulary.token_lengths(scored).sum()),
        validation_tokens=None if corpus.vocabulary.kind == "characters" else len(scored),
        unknown_characters=corpus.count_unknown(scored),
        ancestors=() if settings.base is None else settings.base.ancestors,
    )


def labels_in(corpus: Corpus, settings: RunSettings) -> tuple[str, ...]:
    """Return the labels of the entries of ``corpus``, the most frequent first; none if it has no labels.

    Raises:
        TextError: there are too many.
    """
    if settings.text.label_column is None:
        return ()
    return labels_of(corpus.vocabulary.decode(corpus.ids).removesuffix("\n").split("\n"))


def versions(*names: str) -> dict[str, str]:
    """Return the versions of the packages ``names``."""
    return {name: version(name) for name in names}
