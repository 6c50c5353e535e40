"""The sections of a report that show the model at work: its samples, a prediction, and what it copied."""

from __future__ import annotations

from html import escape

import numpy as np

from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Ids
from nextchar.report.markup import element, grid_table, language_of, text_element, visible, visible_lines
from nextchar.report.temperature_effect import TemperatureEffect, temperature_effect
from nextchar.runs.record import RunRecord, Samples, evenly_spread
from nextchar.settings import MIN_RUN, SAMPLE_TEMPERATURES
from nextchar.text.documents import CopiedRun, SourceText
from nextchar.text.overlap import copied_mask, longest_copied_passage
from nextchar.text.tokenizer import Tokenizer
from nextchar.training.events import Evaluated, Sampled

MAX_ROWS = 48
"""Most evaluations whose samples the page shows, evenly over the run; samples.md has them all."""
MAX_SEARCHED = 8_000_000
"""Most characters of the text, from its end, in which samples are searched for."""
COPIED = 30
"""Characters from which a passage counts as copied; shorter ones are common phrases of a language."""
ROUNDING = 1e-12
"""Largest rounding error of a sum of probabilities."""
MAX_CONTEXT = 200
"""Most characters of the prompt in which to look for a prediction that shows temperature well."""

Runs = dict[tuple[int, float], list[CopiedRun]]
"""The copied runs of samples and their prompts, by step and temperature."""


def samples(run: RunRecord, source: SourceText | None = None) -> str:
    """Return the samples: a row for each evaluation, a column for each temperature.

    Args:
        run: the run.
        source: the text that it learned from; what the samples copy from its end is marked.
    """
    if not run.samples:
        return text_element("p", "The run ended before the model wrote its first samples.", class_="none")
    scored = {event.step: event for event in run.evaluations}
    shown = evenly_spread(list(run.samples), MAX_ROWS) | ({run.best.step} if run.best else set[int]())
    steps = [step for step in run.samples if step in shown]
    language = language_of(run.model.vocabulary.characters) if run.model else ""
    heads = ["", *(f"<span>temperature</span> {temperature}" for temperature in run.temperatures)]
    runs = _copied_runs([sample for step in steps for sample in run.samples[step].values()], source)
    rows = (_sample_row(run, scored.get(step), run.samples[step], language, runs) for step in steps)
    left_out = len(run.samples) - len(steps)
    note = f"{left_out} of {len(run.samples)} evaluations are left out here; samples.md has them all."
    table = grid_table(heads, rows, "samples")
    if source is not None:
        marked = f"Runs of {MIN_RUN} characters or more that stand in the text are marked; point at one for its place."
        table += text_element("p", marked, class_="note")
    return table + text_element("p", note, class_="note") if left_out else table


def _copied_runs(samples: list[Sampled], source: SourceText | None) -> Runs:
    """Return the copied runs of each of ``samples``, found in one search."""
    if source is None or not samples:
        return {}
    vocabulary = source.vocabulary
    texts = [vocabulary.encode(sample.prompt + sample.text) for sample in samples]
    found = source.last(MAX_SEARCHED).copied_runs_of_each(texts, MIN_RUN)
    return {(sample.step, sample.temperature): runs for sample, runs in zip(samples, found, strict=True)}


def _sample_row(run: RunRecord, scored: Evaluated | None, row: Samples, language: str, runs: Runs) -> str:
    sample = next(iter(row.values()))
    head = text_element("b", f"epoch {sample.epoch:.1f}") + text_element("span", f"step {sample.step:,}")
    if scored is not None:
        bits = scored.validation_bits_per_character
        bits = scored.training_bits_per_character if bits is None else bits
        head += text_element("span", f"{bits:.3f} bits")
    if run.best is not None and sample.step == run.best.step:
        head += element("em", "kept")
    cells = (_written(row.get(temperature), language, runs) for temperature in run.temperatures)
    return element("tr", element("th", head, scope="row") + "".join(element("td", cell) for cell in cells))


def _written(sample: Sampled | None, language: str, runs: Runs) -> str:
    if sample is None:
        return ""
    text = text_element("span", sample.prompt, class_="prompt") + _marked(sample, runs)
    return element("div", text, class_="written", dir="auto", lang=language)


def _marked(sample: Sampled, runs: Runs) -> str:
    """Return the text of ``sample`` with marks around what it copies, whose titles name the file and the line."""
    whole, pieces, done = sample.prompt + sample.text, list[str](), len(sample.prompt)
    for run in runs.get((sample.step, sample.temperature), ()):
        if run.end > done:
            start = max(run.start, done)
            marked = text_element("mark", whole[start : run.end], title=str(run.place))
            pieces += [escape(whole[done:start]), marked]
            done = run.end
    return "".join(pieces) + escape(whole[done:])


def temperature(run: RunRecord) -> str:
    """Return the effect of temperature on one prediction of the best model."""
    if run.model is None:
        return text_element("p", "There is no model yet, so no predictions to show.", class_="none")
    vocabulary = run.model.vocabulary
    ids = _context(run, run.model)
    effect = temperature_effect(
        LanguageModel(run.model).network,
        ids,
        run.temperatures or SAMPLE_TEMPERATURES,
        forbidden=vocabulary.never_drawn,
    )
    language = language_of(vocabulary.characters)
    context = element("bdi", escape(visible_lines(vocabulary.decode(ids[: effect.read]))), lang=language)
    sentence = f"The model has read <q>{context}</q> and weighs which character comes next."
    return element("p", sentence, class_="context") + _bars(effect, vocabulary.token_texts(effect.ids), language)


def _context(run: RunRecord, model: ModelFile) -> Ids:
    """Return the ids of the run's prompt, or of a known character if it is empty."""
    folded, _ = model.vocabulary.fold(run.settings.prompt)
    return model.vocabulary.encode(folded[:MAX_CONTEXT] or model.vocabulary.characters[:1])


def _bars(effect: TemperatureEffect, characters: list[str], language: str) -> str:
    """Return a table with the probability of each character at each temperature, drawn as bars."""
    heads = [
        "",
        *(
            f"<span>temperature</span> {temperature}<small>{bits:.2f} bits</small>"
            for temperature, bits in zip(effect.temperatures, effect.entropies.tolist(), strict=True)
        ),
    ]
    names = [element("bdi", escape("".join(map(visible, token))), lang=language) for token in characters]
    rest = 1 - effect.probabilities.sum(-1)  # (N,)
    rows = [_bars_row(name, row) for name, row in zip(names, effect.probabilities.T.tolist(), strict=True)]
    rows.append(_bars_row("others", np.where(rest < ROUNDING, 0, rest).tolist()))
    return grid_table(heads, rows, "bars")


def _bars_row(name: str, shares: list[float]) -> str:
    return element("tr", element("th", name, scope="row") + "".join(_bar(share) for share in shares))


def _bar(share: float) -> str:
    bar = element("i", "", style=f"--share:{share:.4f}")
    number = f"{100 * share:.1f}" if share >= 0.0005 else "0" if share == 0 else "&lt;0.1"
    return element("td", f"{bar}<span>{number}<u> %</u></span>")


def copying(run: RunRecord, corpus_ids: Ids | None) -> str:
    """Return how much of the last samples is in the training text."""
    if run.model is None or not run.last_samples:
        return text_element("p", "The model has not written anything yet.", class_="none")
    if corpus_ids is None:
        gone = "The encoded text is no longer in the cache, so this is unknown."
        return text_element("p", gone, class_="none")
    source = SourceText(corpus_ids, (), run.model.vocabulary).in_characters()
    end = run.text.training_characters if run.text else len(source.ids)
    training, held_out = source.ids[:end], source.ids[end:]
    language = language_of(run.model.vocabulary.characters)
    written: list[tuple[str, Ids]] = [
        (f"<span>temperature</span> {temperature}", source.vocabulary.encode(sample.text))
        for temperature, sample in run.last_samples.items()
    ]
    length = max(len(ids) for _, ids in written)
    if 0 < length <= len(held_out):
        middle = (len(held_out) - length) // 2
        author = "<span>for comparison,</span> the held-out text"
        written.append((author, np.asarray(held_out[middle : middle + length])))
    rows = [_copied_row(source.vocabulary, name, ids, training, language) for name, ids in written]
    return grid_table(["", "longest passage", "", f"in passages of {COPIED} or more"], rows, "copied")


def _copied_row(vocabulary: Tokenizer, name: str, ids: Ids, training: Ids, language: str) -> str:
    longest = longest_copied_passage(ids, training)
    share = float(copied_mask(ids, training, COPIED).mean()) if longest.length >= COPIED else 0.0
    passage = visible_lines(vocabulary.decode(ids[longest.start : longest.start + longest.length]))
    cells = (
        element("th", name, scope="row"),
        element("td", f"<b>{longest.length}</b> of {len(ids)} characters"),
        element("td", text_element("q", passage, dir="auto", lang=language)),
        element("td", f"{100 * share:.0f} %"),
    )
    return element("tr", "".join(cells))
