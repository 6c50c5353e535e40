"""A description of a model: all facts by their full names, and the main ones in words.

Only `describe` gathers them; `nextchar info`, the API, the metadata of ONNX and notebooks select from its result.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from nextchar.model.model_file import ModelFile
from nextchar.networks.kinds import kind_of
from nextchar.settings import describe_duration

MAX_SHOWN = 100
"""Most characters of a vocabulary that are shown."""
_UNITS = {"characters": "characters", "bytes": "bytes", "jamo": "jamo and characters", "words": "words and characters"}
"""What the tokens of each kind are called."""


def describe(model: ModelFile) -> dict[str, Any]:
    """Return all facts about ``model`` except its weights, by their full names, ready for JSON.

    These are the entries of its provenance, and ``kind``, ``vocabulary_size``, ``context_length``, ``is_list`` (whether
    each line is read by itself), ``parameters``, the sizes of its kind (``hidden``, ``layers`` and ``embedding`` of an
    LSTM), ``tokens`` (their kind), ``start_id``, ``characters_known``, and ``text_characters``, those of the training
    text that are in the file (its tokens, where a token is something else).
    """
    header, provenance = model.architecture, model.provenance
    kind = kind_of(header)
    return {
        **provenance.model_dump(mode="json", exclude={"plan"}),
        "kind": header.kind,
        "vocabulary_size": header.vocabulary_size,
        **kind.sizes(header),
        "context_length": header.context_length,
        "is_list": model.line_end is not None,
        "parameters": kind.parameter_count(header),
        "plan": provenance.plan,
        "tokens": model.vocabulary.kind,
        "start_id": model.vocabulary.start_id,
        "characters_known": model.vocabulary.characters,
        "text_characters": 0 if model.text is None else model.text.header.characters,
    }


def summarise(model: ModelFile) -> str:
    """Return one line with the kind of network, its size, its texts and its score."""
    facts = describe(model)
    bits = facts["validation_bits_per_character"]
    return (
        f"{kind_of(model.architecture).describe(model.architecture)}, {_counted(facts)}, "
        f"{facts['parameters']:,} parameters"
        + (f", trained on {', '.join(facts['corpus'])}" if facts["corpus"] else "")
        + (f" from {started}" if (started := model.provenance.started_from) else "")
        + ("" if bits is None else f", {bits:.3f} bits per character on the held-out text")
    )


def _counted(facts: dict[str, Any]) -> str:
    """Return how many tokens the model knows."""
    of_characters = facts["tokens"] == "characters"
    count = len(facts["characters_known"]) if of_characters else facts["vocabulary_size"]
    return f"{count:,} {_UNITS[facts['tokens']]}"


def facts_in_words(model: ModelFile) -> Iterator[tuple[str, str]]:
    """Yield the facts about ``model`` for people: the name of each fact, and its text."""
    facts = describe(model)
    yield "network", _network(model, facts)
    if facts["is_list"]:
        yield "reads", "each line by itself: it was trained on a list"
    elif facts["context_length"] is not None:
        yield "reads", f"{facts['context_length']} characters for each prediction"
    yield "parameters", f"{facts['parameters']:,}"
    yield "vocabulary", _vocabulary(facts)
    if facts["corpus"]:
        yield "trained on", ", ".join(facts["corpus"])
    if facts["labels"]:
        yield "labels", f"{len(facts['labels']):,}: {_printable(', '.join(facts['labels']))}"
    if facts["ancestors"]:
        yield "started from", ", ".join(map(_ancestor, facts["ancestors"]))
    if facts["characters"] is not None:
        yield "characters", f"{facts['characters']:,}"
    if facts["lowercase"]:
        yield "lower-cased", "yes"
    if facts["normalize"]:
        yield "normalized", facts["normalize"].upper()
    training = _training(facts)
    if training:
        yield "training", training
    if facts["validation_bits_per_character"] is not None:
        yield "held-out text", _score(facts)
    if facts["corpus"] or facts["text_characters"]:
        yield "training text", _text(facts)


def as_html(model: ModelFile) -> str:
    """Return the facts as a small table in HTML, in which everything from the model file is escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(fact)}</td></tr>'
        for name, fact in facts_in_words(model)
    )
    return f"<table><caption>nextchar.LanguageModel</caption><tbody>{rows}</tbody></table>"


def _network(model: ModelFile, facts: dict[str, Any]) -> str:
    words = kind_of(model.architecture).describe(model.architecture)
    if "embedding" not in facts:
        return words
    return f"{words}, {'one-hot' if facts['embedding'] is None else 'embedding {embedding}'.format(**facts)}"


def _vocabulary(facts: dict[str, Any]) -> str:
    """Return how many tokens the model knows, and the characters that they consist of."""
    known, size = facts["characters_known"], facts["vocabulary_size"]
    listed = f"{len(known):,} characters: {_printable(known)}"
    match facts["tokens"]:
        case "bytes":
            return f"{size} bytes"
        case "jamo":
            return f"{len(known):,} jamo and other characters: {_printable(known)}"
        case "words":
            return f"{size:,} words and characters, of {listed}"
        case _:
            return listed


def _training(facts: dict[str, Any]) -> str:
    """Return the training time, the step and the seed, as far as they are known."""
    seconds, step, seed = (facts[name] for name in ("training_seconds", "step", "seed"))
    known = [
        None if seconds is None else describe_duration(seconds),
        None if step is None else f"step {step:,}",
        None if seed is None else f"seed {seed}",
    ]
    return ", ".join(filter(None, known))


def _ancestor(facts: dict[str, Any]) -> str:
    """Return the name of a model that another was trained from, and its texts."""
    texts = ", ".join(facts["corpus"])
    return f"{facts['name']} (trained on {texts})" if texts else facts["name"]


def _score(facts: dict[str, Any]) -> str:
    count, unknown = facts["validation_characters"], facts["unknown_characters"]
    return (
        f"{facts['validation_bits_per_character']:.3f} bits per character"
        + ("" if count is None else f" on {count:,} characters")
        + (f", {unknown:,} of them unknown" if unknown else "")
    )


def _text(facts: dict[str, Any]) -> str:
    """Return whether the training text is in the file, and what that means."""
    count, learned = facts["text_characters"], facts["training_characters"]
    if count == 0:
        return "not in the file"
    of_characters = facts["tokens"] == "characters"
    part = f", the last of {learned:,}" if of_characters and learned is not None and learned > count else ""
    unit = "characters" if of_characters else f"tokens: {facts['tokens']}"
    return f"in the file ({count:,} {unit}{part}): whoever has the file can read it"


def _printable(characters: str) -> str:
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters[:MAX_SHOWN])
    return shown + (" ..." if len(characters) > MAX_SHOWN else "")
