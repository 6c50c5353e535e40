"""The report: one page that stands alone, whatever became of the run."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nextchar.errors import ModelFileError, RunFolderError
from nextchar.model.provenance import Ancestor
from nextchar.report.curves import drawing_script, script_policy
from nextchar.report.page import render_report
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import Base, RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import Evaluated, Event, Finished, Note, Planned, Recovered, Sampled, TextRead
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from tests.small_networks import random_model

TEXT = "the quick brown fox jumps over the lazy dog\n" * 40
PROMPT = "the quick"
MODEL = random_model(TEXT, validation_characters=176, step=40, versions={"nextchar": "0.1.0"})
PLAN = Plan(
    hidden=(8, 8), embedding=4, input_dropout=0.1, dropout=0.1, feeding=Streams(batch=2, window=4), shards=1, steps=40,
    learning_rate=0.01, warm_up=1, weight_decay=0, clip=1, checkpoint_every=10,
)  # fmt: skip
SETTINGS = RunSettings(
    corpus=("/home/me/secret/fox.txt",), names=("a",), corpus_key="k", text=TextSettings(),
    training=TrainingSettings(seed=7), plan=PLAN, device="cpu", threads=2, evaluations=3, prompt=PROMPT,
)  # fmt: skip
READ = TextRead(
    names=("/home/me/secret/fox.txt",), characters=len(TEXT), distinct=28, vocabulary_size=29, rare=0,
    training_characters=len(TEXT) - 176, validation_characters=176, content_sha256="ab" * 32,
)  # fmt: skip


def evaluated(step: int, validation: float | None = 2.5) -> Evaluated:
    return Evaluated(
        step=step, epoch=step / 10, seconds=step, training_bits_per_character=2.0,
        validation_bits_per_character=validation, learning_rate=0.01, best=True,
    )  # fmt: skip


def sampled(step: int, temperature: float, text: str) -> Sampled:
    return Sampled(step=step, epoch=step / 10, temperature=temperature, prompt=PROMPT, text=text)


def finished(validation: float | None = 2.25, interrupted: bool = False) -> Finished:
    return Finished(
        step=40, seconds=41, best_step=40, validation_bits_per_character=validation, interrupted=interrupted
    )


WHOLE: list[Event] = [
    Note(message="fox.txt: UTF-8."),
    READ,
    Planned(plan=PLAN, parameters=1000, device="cpu", seed=7),
    evaluated(20, 2.75),
    sampled(20, 0.5, " aaa"),
    sampled(20, 1.2, " zzz"),
    evaluated(40),
    sampled(40, 0.5, " brown fox jumps over the lazy dog\nthe cat  <b>"),
    sampled(40, 1.2, " vex"),
    finished(),
]


class Outline(HTMLParser):
    """Holds a page to its own tags: each closed, in order, and nothing that runs or loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.scripts = 0
        self.loads: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.scripts += tag == "script"
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def run(tmp_path: Path, events: list[Event], *, model: bool = True, settings: RunSettings = SETTINGS) -> RunFolder:
    folder = RunFolder(tmp_path / "my run")
    with folder.lock():
        folder.create(settings)
        folder.append(events)
        if model:
            folder.save_model(MODEL.file)
    return folder


def shown(page: str) -> str:
    """Return the text of the page's body, tags taken out."""
    return re.sub("<[^>]*>", "", page[page.index("<body") :])


def test_a_whole_run(tmp_path: Path) -> None:
    page = render_report(run(tmp_path, WHOLE), MODEL.vocabulary.encode(TEXT))
    Outline(page)
    text = shown(page)
    assert "<bdi>fox.txt</bdi>" in page
    assert "2.250bits per characteron 176 characters of the held-out last 10 % of the text" in text
    assert "1 in 4.8" in text  # 2^2.25 is 4.757
    assert "the first 1,584 of 1,760 characters (28 distinct)" in text
    assert "41 sof training4.0 passes over the text on CPU" in text
    assert f"{MODEL.file.architecture.parameter_count:,} parameters" in text
    assert "nextchar sample &#x27;" in text
    assert 'id="curves"' in page
    assert "not finished" not in text
    assert ("ab" * 32) in text
    assert "fox.txt: UTF-8." in text


def test_the_model_that_training_started_from_stands_beside_the_score(tmp_path: Path) -> None:
    base = Base(ancestors=(Ancestor(name="<english>", sha256="0" * 64),), characters="abc")
    page = render_report(run(tmp_path, WHOLE, settings=SETTINGS.model_copy(update={"base": base})), None)
    Outline(page)
    assert "of the text; training started from &lt;english&gt;" in page


@pytest.mark.parametrize(("scored", "told"), [(50, "evaluation, on excerpts of 50 characters."), (176, "evaluation.")])
def test_that_the_curve_is_of_excerpts_is_told(scored: int, told: str, tmp_path: Path) -> None:
    events = [
        event.model_copy(update={"scored_characters": scored}) if isinstance(event, Evaluated) else event
        for event in WHOLE
    ]
    text = shown(render_report(run(tmp_path, events), MODEL.vocabulary.encode(TEXT)))
    assert f"validation is measured at the {told}" in text


def test_it_stands_alone_and_runs_nothing_but_what_draws_its_curves(tmp_path: Path) -> None:
    page = render_report(run(tmp_path, WHOLE), MODEL.vocabulary.encode(TEXT))
    outline = Outline(page)
    assert not outline.seen & {"iframe", "object", "embed", "base", "form"}
    assert outline.scripts == 2  # the data of the curves, and what draws them
    assert drawing_script() in page
    assert f"script-src {script_policy(drawing_script())};" in page
    assert all(target.startswith(("data:", "#")) for target in outline.loads)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in page


def test_the_folders_of_the_user_are_not_told(tmp_path: Path) -> None:
    assert "secret" not in render_report(run(tmp_path, WHOLE))


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    folder = run(tmp_path, WHOLE)
    assert render_report(folder) == render_report(folder)


def test_nothing_from_a_run_is_taken_for_markup(tmp_path: Path) -> None:
    evil = "<script>alert('$title')</script>&amp;"
    read = READ.model_copy(update={"names": (evil.replace("/", ""),)})
    settings = SETTINGS.model_copy(update={"prompt": evil})
    events = [Note(message=evil), read, evaluated(40), sampled(40, 0.5, evil), finished()]
    page = render_report(run(tmp_path, events, settings=settings), MODEL.vocabulary.encode(TEXT))
    assert Outline(page).scripts == 2
    assert "&lt;script&gt;alert(&#x27;$title&#x27;)&lt;/script&gt;&amp;amp;" in page


@pytest.mark.parametrize("ended_after", range(len(WHOLE)))
@pytest.mark.parametrize("model", [True, False])
def test_a_run_ended_at_any_event_gives_a_page(tmp_path: Path, ended_after: int, model: bool) -> None:
    folder = run(tmp_path, WHOLE[:ended_after], model=model)
    page = render_report(folder, MODEL.vocabulary.encode(TEXT) if ended_after % 2 else None)
    scored = any(isinstance(event, Evaluated) for event in WHOLE[:ended_after])
    assert Outline(page).scripts == (2 if scored else 0)
    assert ("script-src 'none';" in page) == (not scored)
    assert "This run is not finished" in page
    assert "nextchar train --resume &#x27;" in page
    assert ("There is no model yet" in page) == (not model)


def test_an_interrupted_run_and_a_diverged_one_say_so(tmp_path: Path) -> None:
    lost = Recovered(step=30, back_to=20, bits_per_character=float("nan"), rate_scale=0.5)
    page = render_report(run(tmp_path, [*WHOLE[:-1], lost, finished(interrupted=True)]))
    assert "This run is not finished: step 40 of 40" in page
    assert "At step 30 training diverged (its loss was no longer a number) and went back to step 20" in page


def test_nothing_held_out(tmp_path: Path) -> None:
    read = READ.model_copy(update={"validation_characters": 0, "training_characters": len(TEXT)})
    folder = run(tmp_path, [read, evaluated(40, None), sampled(40, 0.5, "x"), finished(None)])
    page = render_report(folder, MODEL.vocabulary.encode(TEXT))
    assert "nothing was held out" in page
    assert "learned from all 1,760 characters" in page
    assert "validation, on held-out text" not in page


def test_a_model_that_knows_nothing_gives_a_page(tmp_path: Path) -> None:
    Outline(render_report(run(tmp_path, [READ, evaluated(40, 5000.0), finished(5000.0)])))


def test_errors_are_clear(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        render_report(RunFolder(tmp_path / "nothing"))
    folder = run(tmp_path, WHOLE)
    folder.model_path.write_bytes(folder.model_path.read_bytes()[:-9])
    with pytest.raises(ModelFileError, match="damaged"):
        render_report(folder)


def test_torch_is_not_loaded() -> None:
    import subprocess

    code = "import sys, nextchar.report.page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
