"""The page of the report: a run as one HTML file that needs no other."""

from __future__ import annotations

import math
import os
import shlex
import string
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from importlib.resources import files
from pathlib import Path

from nextchar.errors import TextError
from nextchar.files.file_size import describe_size
from nextchar.model.kept_text import base_name
from nextchar.networks.architecture import Ids
from nextchar.networks.kinds import kind_of
from nextchar.page import curve_style
from nextchar.report import sections
from nextchar.report.curves import drawing_script, learning_curves, script_policy
from nextchar.report.lists import list_section
from nextchar.report.markup import element, pairs_table, text_element, visible_lines
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import RunRecord
from nextchar.settings import describe_duration, describe_value
from nextchar.text.corpus_cache import open_corpus
from nextchar.text.documents import SourceText
from nextchar.training.plan import Plan

SENSIBLE = 20.0
"""Bits per character above which 2^bits is meaningless: the model is worse than guessing."""


def render_report(folder: RunFolder, corpus_ids: Ids | None = None, source: SourceText | None = None) -> str:
    """Return the run in ``folder`` as one HTML page that needs no other file and no network.

    The same folder gives the same page, byte for byte. If the run ended early, has no model yet or holds nothing out,
    the page says so.

    Args:
        folder: the run folder.
        corpus_ids: ids of the text in the model's vocabulary, shape (n,), the held-out text last; may be
            memory-mapped. Without them the page does not show what the model copied, or the list that it writes.
        source: the text that the model learned from, with its documents; without it, no sample has marks.

    Raises:
        RunFolderError: the folder holds no run, or its settings are damaged.
        ModelFileError: its model is damaged.
    """
    run = RunRecord.read(folder)
    template = string.Template((files("nextchar.report") / "page.html").read_text(encoding="utf-8"))
    script = drawing_script() if run.evaluations else ""
    return template.substitute(
        policy=script_policy(script) if script else "'none'",
        curve_style=curve_style(),
        script=script,
        title=escape(_named(run)),
        headline=element("bdi", escape(_named(run))),
        lead=_lead(run),
        status=_status(run),
        facts=_facts(run),
        command=_commands(run),
        curves=_curves(run),
        begun=_begun(run),
        samples=sections.samples(run, source),
        temperature=sections.temperature(run),
        copying=sections.copying(run, corpus_ids),
        lists=list_section(run, corpus_ids),
        details=_details(run),
    )


def write_report(folder: RunFolder, cache: Path) -> None:
    """Write the report of the run in ``folder``; it compares samples with the encoded text in ``cache``.

    Raises:
        RunFolderError: there is no run, or its folder cannot be written.
        ModelFileError: its model is damaged.
    """
    try:
        settings = folder.settings()
        corpus = replace(open_corpus(settings.corpus_key, cache), names=tuple(map(base_name, settings.names)))
    except TextError:  # it is no longer in the cache
        folder.write_report(render_report(folder))
    else:
        folder.write_report(render_report(folder, corpus.ids, corpus.source.in_characters()))


def _named(run: RunRecord) -> str:
    more = len(run.names) - 1
    return run.names[0] + (f" and {more} more" if more else "") if run.names else "a text"


def _lead(run: RunRecord) -> str:
    """Return a paragraph about the model and its text."""
    level = "character" if run.text is None or run.text.tokens == "characters" else run.text.tokens.removesuffix("s")
    sentence = f"A {level}-level {'LSTM language' if run.settings.plan else 'n-gram'} model"
    if run.text is not None:
        learned, all_of_them = run.text.training_characters, run.text.characters
        first = "" if len(run.text.names) > 1 else "the first "
        of = "all" if learned == all_of_them else f"{first}{learned:,} of"
        sentence += f" that learned from {of} {all_of_them:,} characters ({run.text.distinct:,} distinct) "
        sentence += "which one comes next"
    return text_element("p", sentence + ".", class_="lead")


def _status(run: RunRecord) -> str:
    """Return what is unusual about the run: it is not finished, or it diverged."""
    sentences: list[str] = []
    resume = text_element("code", f"nextchar train --resume {_quoted(run)}")
    if run.finished is None or run.finished.interrupted:
        plan = run.settings.plan
        step = f": step {run.step:,} of {plan.steps:,}" if plan else ""
        sentences.append(f"This run is not finished{step}. Continue it with {resume}")
    for event in run.recoveries:
        bits = event.bits_per_character
        loss = f"{bits:.2f} bits per character" if math.isfinite(bits) else "its loss was no longer a number"
        sentences.append(
            f"At step {event.step:,} training diverged ({loss}) and went back to step {event.back_to:,}, "
            f"the learning rate at {event.rate_scale:g} of the plan’s from there on."
        )
    return "".join(element("p", sentence, class_="status") for sentence in sentences)


def _begun(run: RunRecord) -> str:
    """Return how every sample begins."""
    if not run.settings.prompt:
        return "begins with a new line"
    return f"continues the same {text_element('span', 'prompt', class_='prompt')}"


def _quoted(run: RunRecord) -> str:
    """Return the name of the run for a command line. A report does not leak the path of the run."""
    name = run.folder.path.resolve().name
    return shlex.quote(name) if os.name == "posix" else f'"{name}"'


def _facts(run: RunRecord) -> str:
    """Return the figures that sum up the run."""
    facts = _scores(run)
    if run.seconds is not None:
        epochs = f"{run.evaluations[-1].epoch:.1f} passes over the text " if run.evaluations else ""
        work = "of training" if run.settings.plan else "of counting"
        facts.append((describe_duration(run.seconds), work, f"{epochs}on {run.settings.device.upper()}"))
    if run.model is not None:
        count = kind_of(run.model.architecture).parameter_count(run.model.architecture)
        what = "parameters" if run.settings.plan else "n-grams"
        facts.append((describe_size(run.model_bytes), "model file", f"{count:,} {what}"))
    cells = (text_element("b", a) + text_element("span", b) + text_element("small", c) for a, b, c in facts)
    return element("div", "".join(element("div", cell) for cell in cells), class_="facts") if facts else ""


def _scores(run: RunRecord) -> list[tuple[str, str, str]]:
    """Return the scores of the model that was kept."""
    bits, split = run.validation_bits, _split(run)
    if bits is None:
        if run.best is None:
            return []
        bits, split = (
            run.best.training_bits_per_character,
            "on the training text; nothing was held out",
        )
    scores = [(f"{bits:.3f}", "bits per character", split)]
    if run.text is not None and run.text.lines:
        length = run.text.characters / run.text.lines
        scores.append((f"{bits * length:.2f}", "bits per line", f"of {length:.1f} characters, its end included"))
    if bits < SENSIBLE:
        guessed = f"; by guessing it is 1 in {run.model.vocabulary.size:,}" if run.model else ""
        meaning = f"geometric mean of its probability{guessed}"
        scores.append((f"1 in {2**bits:.1f}", "for the right character", meaning))
    return scores


def _split(run: RunRecord) -> str:
    """Return which text the validation figure was measured on."""
    text = run.text
    if text is None:
        return "on held-out text it never learned from"
    held_out = text.held_out_characters or text.validation_characters
    share = 100 * held_out / max(1, text.characters)
    scored = run.model.provenance.validation_characters if run.model else None
    count = text.validation_characters if scored is None else min(scored, text.validation_characters)
    unknown = f", {text.unknown_characters:,} of them unknown to the model" if text.unknown_characters else ""
    of = "the text" if len(text.names) == 1 else "each text"
    last = f"last {share:.3g} % of {of}" if text.lines is None else f"{share:.3g} % of the lines"
    base = run.settings.base
    started = "" if base is None else f"; training started from {base.name}"
    return f"on {count:,} characters of the held-out {last}{unknown}{started}"


def _commands(run: RunRecord) -> str:
    if run.model is None:
        return text_element("p", "There is no model yet: it comes with the first save.", class_="none")
    line = text_element("code", f"nextchar sample {_quoted(run)} --temperature 0.5 --length 1000")
    return element("p", "Write more with it:") + element("pre", line, class_="command", tabindex="0")


def _curves(run: RunRecord) -> str:
    plan = run.settings.plan
    if plan is None:
        return text_element("p", "The text was counted, and nothing was trained.", class_="none")
    if not run.evaluations:
        return text_element("p", "The run ended before the model was first scored.", class_="none")
    keys = element("span", "training", class_="key second")
    if run.evaluations[-1].validation_bits_per_character is not None:
        keys = element("span", "validation, on held-out text", class_="key accent") + keys
    if run.recoveries:
        keys += element("span", "diverged and went back", class_="key alarm")
    dropout = " (with dropout)" if plan.dropout or plan.input_dropout else ""
    scored = run.evaluations[-1].scored_characters
    part = f", on excerpts of {scored:,} characters" if run.text and 0 < scored < run.text.validation_characters else ""
    note = text_element(
        "p",
        "How many bits the model needs for a character; lower is better. Training is the mean over the "
        f"updates since the previous evaluation{dropout}; validation is measured at the evaluation{part}.",
        class_="note",
    )
    return element("p", keys, class_="keys") + learning_curves(run) + note


def _details(run: RunRecord) -> str:
    """Return the plan, the settings, the provenance and the notes of the run as tables."""
    settings = run.settings
    prompt = ("prompt of the samples", visible_lines(settings.prompt))
    tables = [
        *([pairs_table("Plan", _plan(settings.plan))] if settings.plan else []),
        pairs_table("Training, as asked for", _pairs(settings.training.model_dump())),
        pairs_table("Text", [*_pairs(settings.text.model_dump()), prompt]),
        pairs_table("Provenance", _provenance(run)),
    ]
    notes = "".join(text_element("li", note, dir="auto") for note in run.notes)
    listed = element("h3", "Notes") + element("ul", notes) if notes else ""
    return element("div", "".join(tables), class_="tables") + listed


def _plan(plan: Plan) -> Sequence[tuple[str, str]]:
    fed = plan.feeding.model_dump()
    return _pairs({**plan.model_dump(exclude={"feeding"}), "reads": fed.pop("kind"), **fed})


def _pairs(values: dict[str, object]) -> Sequence[tuple[str, str]]:
    """Return the options with readable names, without those that are None."""
    return [(name.replace("_", " "), describe_value(value)) for name, value in values.items() if value is not None]


def _provenance(run: RunRecord) -> list[tuple[str, str]]:
    text, provenance = run.text, run.model.provenance if run.model else None
    sha256 = text.content_sha256 if text else provenance.corpus_sha256 if provenance else None
    pairs = [("texts", ", ".join(run.names))]
    if text is not None:
        held_out = text.held_out_characters or text.validation_characters
        split = f"{text.training_characters:,} to learn from, {held_out:,} held out"
        pairs += [
            ("characters", split),
            ("vocabulary", f"{text.vocabulary_size:,} symbols, {text.rare:,} characters too rare to learn"),
            *([] if text.tokens == "characters" else [(f"read as {text.tokens}", f"{text.token_count or 0:,}")]),
        ]
    pairs += [("SHA-256 of the text", sha256)] if sha256 else []
    pairs += [
        ("seed", str(run.settings.training.seed)),
        ("device", run.settings.device),
        ("threads", str(run.settings.threads)),
    ]
    if provenance is not None:
        pairs += [("model kept from step", f"{provenance.step:,}")] if provenance.step is not None else []
        pairs += [(name, version) for name, version in provenance.versions.items()]
    return pairs
