"""A model in words: one line, or a few facts, for `nextchar info`, a notebook and whoever prints it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from nextchar.model.model_file import ModelFile
from nextchar.settings import describe_duration

MAX_SHOWN = 100
"""Characters of a vocabulary that are shown."""


def summarise(model: ModelFile) -> str:
    """Return one line: what kind of network, how large, and how well it did."""
    architecture, provenance = model.architecture, model.provenance
    sizes = " + ".join(map(str, architecture.hidden))
    bits = provenance.validation_bits_per_character
    return (
        f"LSTM of {sizes} units, {len(model.vocabulary.characters):,} characters, "
        f"{architecture.parameter_count:,} parameters"
        + (f", trained on {', '.join(provenance.corpus)}" if provenance.corpus else "")
        + ("" if bits is None else f", {bits:.3f} bits per character on the held-out text")
    )


def model_facts(model: ModelFile) -> Iterator[tuple[str, str]]:
    """Yield what is known of a model: names of facts, and the facts."""
    architecture, provenance, known = model.architecture, model.provenance, model.vocabulary.characters
    sizes = " + ".join(map(str, architecture.hidden))
    embedding = "one-hot" if architecture.embedding is None else f"embedding {architecture.embedding}"
    yield "network", f"LSTM, {sizes} units, {embedding}"
    if architecture.context_length is not None:
        yield "reads", f"{architecture.context_length} characters for each prediction"
    yield "parameters", f"{architecture.parameter_count:,}"
    yield "vocabulary", f"{len(known):,} characters: {_printable(known)}"
    if provenance.corpus:
        yield "trained on", ", ".join(provenance.corpus)
    if provenance.characters is not None:
        yield "characters", f"{provenance.characters:,}"
    if provenance.lowercase:
        yield "lower-cased", "yes"
    seconds, step, seed = provenance.training_seconds, provenance.step, provenance.seed
    training = [
        None if seconds is None else describe_duration(seconds),
        None if step is None else f"step {step:,}",
        None if seed is None else f"seed {seed}",
    ]
    if any(training):
        yield "training", ", ".join(filter(None, training))
    bits, count = provenance.validation_bits_per_character, provenance.validation_characters
    if bits is not None:
        unknown = provenance.unknown_characters
        yield (
            "held-out text",
            f"{bits:.3f} bits per character"
            + ("" if count is None else f" on {count:,} characters")
            + (f", {unknown:,} of them unknown" if unknown else ""),
        )


def as_html(model: ModelFile) -> str:
    """Return the facts as a small table in HTML, in which what comes from the model file is text and nothing else."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(fact)}</td></tr>'
        for name, fact in model_facts(model)
    )
    return f"<table><caption>nextchar.LanguageModel</caption><tbody>{rows}</tbody></table>"


def _printable(characters: str) -> str:
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters[:MAX_SHOWN])
    return shown + (" ..." if len(characters) > MAX_SHOWN else "")
