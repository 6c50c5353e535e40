"""The report: a run as one HTML page that needs nothing else, for the eyes of whoever trained it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from nextchar.architecture import Ids
from nextchar.copying import Passage, copied_mask, longest_copied_passage
from nextchar.engine import NumpyNetwork
from nextchar.events import Evaluated, Sampled
from nextchar.figures import learning_curves
from nextchar.markup import (
    duration,
    element,
    file_size,
    grid_table,
    language_of,
    pairs_table,
    text_element,
    visible,
    visible_lines,
)
from nextchar.model_file import ModelFile
from nextchar.run_folder import RunFolder
from nextchar.run_record import RunRecord, Samples
from nextchar.settings import SAMPLE_TEMPERATURES
from nextchar.temperature_effect import TemperatureEffect, temperature_effect
from nextchar.vocabulary import UNKNOWN_ID

MOST_ROWS = 48
"""Evaluations whose samples the page shows at most, evenly over the run; samples.md has them all."""
COPIED = 30
"""Characters from which on a passage counts as copied; shorter ones are the common phrases of a language."""
CURVES = {"wide": (13.5, 4.8), "narrow": (5.0, 4.4)}
"""Sizes of the learning curves, in inches, on a wide and a narrow screen."""


def render_report(folder: RunFolder, corpus_ids: Ids | None = None) -> str:
    """Return the run in ``folder`` as one self-contained HTML page, without scripts, that asks nothing of any host.

    The same folder gives the same page, byte for byte. A run that was ended early, has no model yet or holds nothing
    out gives a page that says so.

    Args:
        folder: of the run.
        corpus_ids: ids of the text in the model's vocabulary, shape (n,), the held-out text last; may be memory-mapped.
            Without them the page does not tell what was copied.

    Raises:
        RunFolderError: there is no run in the folder, or its settings are damaged.
        ModelFileError: its model is damaged.
        MissingDependencyError: matplotlib is not installed.
    """
    run = RunRecord.read(folder)
    template = string.Template((files("nextchar") / "report_template.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(_named(run)),
        headline=element("bdi", escape(_named(run))),
        lead=_lead(run),
        status=_status(run),
        facts=_facts(run),
        command=_commands(run),
        curves=_curves(run),
        samples=_samples(run),
        temperature=_temperature(run),
        copying=_copying(run, corpus_ids),
        details=_details(run),
    )


def _named(run: RunRecord) -> str:
    more = len(run.names) - 1
    return run.names[0] + (f" and {more} more" if more else "") if run.names else "a text"


def _lead(run: RunRecord) -> str:
    """Say in a paragraph what was trained on what."""
    if run.text is None:
        return element("p", "A character-level LSTM language model. The run was ended before the text was read.", class_="lead")
    sentence = (
        f"A character-level LSTM language model that read {run.text.characters:,} characters, "
        f"{run.text.distinct:,} distinct ones, and learned to say which comes next."
    )
    return text_element("p", sentence, class_="lead")


def _status(run: RunRecord) -> str:
    """Say what is unusual about the run: not finished, diverged in between."""
    said: list[str] = []
    resume = text_element("code", f"nextchar train --resume {_quoted(run)}")
    if run.finished is None or run.finished.interrupted:
        said.append(f"This run is not finished: step {run.step:,} of {run.settings.plan.steps:,}. Go on with {resume}")
    for event in run.recoveries:
        said.append(
            f"At step {event.step:,} training diverged ({event.bits_per_character:.2f} bits per character) and went back "
            f"to step {event.back_to:,}, the learning rate at {event.rate_scale:g} of the plan’s from there on."
        )
    return "".join(element("p", sentence, class_="status") for sentence in said)


def _quoted(run: RunRecord) -> str:
    path = str(run.folder.path)
    return path if all(c.isalnum() or c in "/\\.:_-~" for c in path) else f'"{path}"'


def _facts(run: RunRecord) -> str:
    """Return the figures that sum up the run."""
    bits, best = run.validation_bits, run.best
    facts: list[tuple[str, str, str]] = []
    if bits is not None:
        facts.append((f"{bits:.3f}", "bits per character", _split(run)))
    elif best is not None:
        told = "on the text it was trained on, for nothing was held out"
        facts.append((f"{best.training_bits_per_character:.3f}", "bits per character", told))
    bits = bits if bits is not None else best and best.training_bits_per_character
    if bits is not None:
        told = f"geometric mean of its probability{_untrained(run)}"
        facts.append((f"1 in {2**bits:.1f}", "for the right character", told))
    if run.seconds is not None:
        epochs = f"{run.evaluations[-1].epoch:.1f} passes over the text" if run.evaluations else ""
        facts.append((duration(run.seconds), "of training", f"{epochs} on {run.settings.device}".strip()))
    if run.model is not None:
        count = run.model.architecture.parameter_count
        facts.append((file_size(run.model_bytes), "model file", f"{count:,} parameters"))
    cells = (text_element("b", a) + text_element("span", b) + text_element("small", c) for a, b, c in facts)
    return element("div", "".join(element("div", cell) for cell in cells), class_="facts") if facts else ""


def _split(run: RunRecord) -> str:
    """Say what the validation figure was measured on."""
    text = run.text
    if text is None:
        return "on held-out text it never learned from"
    share = 100 * text.validation_characters / max(1, text.characters)
    scored = run.model.provenance.validation_characters if run.model else None
    count = text.validation_characters if scored is None else min(scored, text.validation_characters)
    first = "" if count == text.validation_characters else "the first "
    return f"on {first}{count:,} characters of the held-out last {share:.3g} % of the text"


def _untrained(run: RunRecord) -> str:
    return f"; untrained it is 1 in {run.model.vocabulary.size:,}" if run.model else ""


def _commands(run: RunRecord) -> str:
    if run.model is None:
        return text_element("p", "There is no model yet: the run was ended before its first save.", class_="none")
    lines = f"nextchar sample {_quoted(run)} --temperature 0.5 --length 1000"
    return element("p", "Write more with it:") + element("pre", text_element("code", lines), class_="command", tabindex="0")


def _curves(run: RunRecord) -> str:
    if not run.evaluations:
        return text_element("p", "The run was ended before the model was first scored.", class_="none")
    keys = element("span", "training", class_="key second")
    if run.evaluations[-1].validation_bits_per_character is not None:
        keys = element("span", "validation, on held-out text", class_="key accent") + keys
    if run.recoveries:
        keys += element("span", "diverged and went back", class_="key alarm")
    pictures = "".join(
        element("div", learning_curves(run.evaluations, run.recoveries, size=size), class_=name)
        for name, size in CURVES.items()
    )
    dropout = " (with dropout)" if run.settings.plan.dropout else ""
    note = text_element(
        "p",
        "How many bits the model needs for a character; lower is better. Training is the mean over the updates "
        f"since the evaluation before{dropout}, validation is measured at the evaluation.",
        class_="note",
    )
    return element("p", keys, class_="keys") + element("div", pictures, class_="curves") + note


def _samples(run: RunRecord) -> str:
    """Return the samples: a row for each evaluation, a column for each temperature."""
    if not run.samples:
        return text_element("p", "The run was ended before the model first wrote something.", class_="none")
    scored = {event.step: event for event in run.evaluations}
    steps = _spread(list(run.samples))
    language = language_of(run.model.vocabulary.characters) if run.model else ""
    heads = ["", *(f"<span>temperature</span> {temperature}" for temperature in run.temperatures)]
    rows = (_sample_row(run, scored.get(step), run.samples[step], language) for step in steps)
    left_out = len(run.samples) - len(steps)
    note = f"{left_out} of {len(run.samples)} evaluations are left out here; samples.md has them all." if left_out else ""
    return grid_table(heads, rows, "samples") + (text_element("p", note, class_="note") if note else "")


def _spread(steps: list[int]) -> list[int]:
    """Return at most MOST_ROWS of ``steps``, evenly spread, the first and the last among them."""
    if len(steps) <= MOST_ROWS:
        return steps
    return [steps[index] for index in np.linspace(0, len(steps) - 1, MOST_ROWS).round().astype(int).tolist()]


def _sample_row(run: RunRecord, scored: Evaluated | None, row: Samples, language: str) -> str:
    one = next(iter(row.values()))
    head = text_element("b", f"epoch {one.epoch:.1f}") + text_element("span", f"step {one.step:,}")
    if scored is not None:
        bits = scored.validation_bits_per_character
        bits = scored.training_bits_per_character if bits is None else bits
        head += text_element("span", f"{bits:.3f} bits")
    if run.best is not None and one.step == run.best.step:
        head += element("em", "kept")
    cells = (_written(row.get(temperature), language) for temperature in run.temperatures)
    return element("tr", element("th", head, scope="row") + "".join(element("td", cell) for cell in cells))


def _written(sample: Sampled | None, language: str) -> str:
    if sample is None:
        return ""
    text = text_element("span", sample.prompt, class_="prompt") + escape(sample.text)
    return element("div", text, class_="written", dir="auto", lang=language)


def _temperature(run: RunRecord) -> str:
    """Show what temperature does to one prediction of the best model."""
    if run.model is None:
        return text_element("p", "There is no model yet whose predictions could be shown.", class_="none")
    vocabulary = run.model.vocabulary
    ids = _context(run, run.model)
    effect = temperature_effect(
        NumpyNetwork(run.model.architecture, run.model.parameters),
        ids,
        run.temperatures or SAMPLE_TEMPERATURES,
        forbidden=(UNKNOWN_ID,) if vocabulary.has_unknown else (),
    )
    language = language_of(vocabulary.characters)
    context = element("bdi", escape(visible_lines(vocabulary.decode(ids[: effect.read]))), lang=language)
    sentence = f"The model has read <q>{context}</q> and weighs which character comes next."
    return element("p", sentence, class_="context") + _bars(effect, vocabulary.decode(effect.ids), language)


def _context(run: RunRecord, model: ModelFile) -> Ids:
    """Return the run's prompt in ids, or something else the model knows where it has none."""
    folded, _ = model.vocabulary.fold(run.settings.prompt)
    return model.vocabulary.encode(folded or model.vocabulary.characters[:1])


def _bars(effect: TemperatureEffect, characters: str, language: str) -> str:
    """Return a table of the probability of each character at each temperature, drawn as bars."""
    heads = [
        "",
        *(
            f"<span>temperature</span> {temperature}<small>{bits:.2f} bits</small>"
            for temperature, bits in zip(effect.temperatures, effect.entropies.tolist(), strict=True)
        ),
    ]
    names = [element("bdi", escape(visible(character)), lang=language) for character in characters]
    rest = np.maximum(0, 1 - effect.probabilities.sum(-1))  # (N,)
    shares = [*effect.probabilities.T.tolist(), rest.tolist()]
    rows = (
        element("tr", element("th", name, scope="row") + "".join(_bar(share) for share in row))
        for name, row in zip([*names, "others"], shares, strict=True)
    )
    return grid_table(heads, rows, "bars")


def _bar(share: float) -> str:
    bar = element("i", "", style=f"--share:{share:.4f}")
    number = f"{100 * share:.1f}" if share >= 0.0005 else "0" if share == 0 else "&lt;0.1"
    return element("td", f"{bar}<span>{number}<u> %</u></span>")


def _copying(run: RunRecord, corpus_ids: Ids | None) -> str:
    """Tell how much of what the model wrote last stands in the text it learned from."""
    if run.model is None or not run.last_samples:
        return text_element("p", "The model has not written anything yet.", class_="none")
    if corpus_ids is None:
        gone = "The encoded text is no longer in the cache, so what the model wrote cannot be compared with it."
        return text_element("p", gone, class_="none")
    end = run.text.training_characters if run.text else len(corpus_ids)
    training, held_out = corpus_ids[:end], corpus_ids[end:]
    language = language_of(run.model.vocabulary.characters)
    written = [
        (f"<span>temperature</span> {temperature}", run.model.vocabulary.encode(sample.text))
        for temperature, sample in run.last_samples.items()
    ]
    length = max(len(ids) for _, ids in written)
    if 0 < length <= len(held_out):
        written.append(("<span>for comparison,</span> the held-out text", np.asarray(held_out[-length:])))
    rows = [_copied_row(run.model, name, ids, training, language) for name, ids in written]
    return grid_table(["", "longest passage", "", f"in passages of {COPIED} or more"], rows, "copied")


def _copied_row(model: ModelFile, name: str, ids: Ids, training: Ids, language: str) -> str:
    longest: Passage = longest_copied_passage(ids, training)
    share = float(copied_mask(ids, training, COPIED).mean()) if longest.length >= COPIED else 0.0
    passage = visible_lines(model.vocabulary.decode(ids[longest.start : longest.start + longest.length]))
    cells = (
        element("th", name, scope="row"),
        element("td", f"<b>{longest.length}</b> of {len(ids)} characters"),
        element("td", text_element("q", passage, dir="auto", lang=language)),
        element("td", f"{100 * share:.0f} %"),
    )
    return element("tr", "".join(cells))


def _details(run: RunRecord) -> str:
    """Return the plan, the settings, the provenance and the notes of the run as tables."""
    plan = run.settings.plan
    tables = [
        pairs_table("Plan", _pairs(plan.model_dump())),
        pairs_table("Training, as asked for", _pairs(run.settings.training.model_dump())),
        pairs_table("Text", [*_pairs(run.settings.text.model_dump()), ("prompt of the samples", visible_lines(run.settings.prompt))]),
        pairs_table("Provenance", _provenance(run)),
    ]
    notes = "".join(text_element("li", note, dir="auto") for note in run.notes)
    said = element("h3", "What the run said") + element("ul", notes) if notes else ""
    return element("div", "".join(tables), class_="tables") + said


def _pairs(values: dict[str, object]) -> Sequence[tuple[str, str]]:
    """Return options by their names in words, without those that are off."""
    return [(name.replace("_", " "), _value(value)) for name, value in values.items() if value is not None]


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _provenance(run: RunRecord) -> list[tuple[str, str]]:
    text, made = run.text, run.model.provenance if run.model else None
    sha256 = text.content_sha256 if text else made.corpus_sha256 if made else None
    pairs = [("texts", ", ".join(run.names))]
    if text is not None:
        pairs += [
            ("characters", f"{text.training_characters:,} to learn from, {text.validation_characters:,} held out"),
            ("vocabulary", f"{text.vocabulary_size:,} symbols, {text.rare:,} characters too rare to learn"),
        ]
    pairs += [("SHA-256 of the text", sha256)] if sha256 else []
    pairs += [
        ("seed", str(run.settings.training.seed)),
        ("device", run.settings.device),
        ("threads", str(run.settings.threads)),
    ]
    if made is not None:
        pairs += [("model kept from step", f"{made.step:,}")] if made.step is not None else []
        pairs += [(name, version) for name, version in made.versions.items()]
    return pairs
