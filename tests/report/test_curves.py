"""The learning curves: what is drawn in a real browser, and the figures that need none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nextchar.page import inline_element
from nextchar.report.curves import drawing_script, learning_curves, script_policy
from nextchar.report.page import render_report
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import MAX_EVALUATIONS, RunRecord
from nextchar.training.events import Evaluated, Event, Recovered
from tests.browser import OpenDesk
from tests.served_page import SETTINGS


def evaluations(count: int, validation: bool = True, best: int | None = None) -> list[Evaluated]:
    return [
        Evaluated(
            step=100 * n,
            epoch=0.5 * n,
            seconds=7.0 * n,
            training_bits_per_character=2 + 1 / n,
            validation_bits_per_character=2.2 + 1 / n if validation else None,
            learning_rate=1e-3,
            best=best is None or n == best,
        )
        for n in range(1, count + 1)
    ]


RECOVERED = Recovered(step=250, back_to=200, bits_per_character=float("nan"), rate_scale=0.5)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(SETTINGS)
    return folder


def curves(folder: RunFolder, events: list[Event]) -> str:
    folder.append(events)
    return learning_curves(RunRecord.read(folder))


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="curve-data">([^<]*)</script>', html)
    assert found is not None
    return json.loads(found[1])


def test_the_data_is_the_history_of_the_run_without_its_texts(folder: RunFolder) -> None:
    data = data_of(curves(folder, [*evaluations(5), RECOVERED]))
    assert data["evaluations"] == RunRecord.read(folder).history(0)["evaluations"]
    assert data["best"] == {"seconds": 35.0, "bits": pytest.approx(2.4)}
    assert data["recoveries"] == [17.5]  # halfway between the evaluations of steps 200 and 300


def test_the_whole_is_described_in_words(folder: RunFolder) -> None:
    label = data_of(curves(folder, [*evaluations(5)]))["label"]
    assert "training from 3.000 to 2.200, validation from 3.200 to 2.400" in label


def test_where_nothing_is_held_out_there_is_no_best(folder: RunFolder) -> None:
    html = curves(folder, [*evaluations(2, validation=False)])
    assert data_of(html)["best"] is None
    assert "validation from" not in html
    assert html.count("<td>–</td>") == 2


def test_the_table_has_the_same_figures_and_stands_open(folder: RunFolder) -> None:
    html = curves(folder, [*evaluations(2)])
    assert '<details id="figures" open="">' in html
    rows = [re.findall(r"<td>([^<]*)</td>", row) for row in re.findall("<tr>(.*?)</tr>", html)][1:]
    assert rows == [["100", "0.50", "7.0", "3.000", "3.200"], ["200", "1.00", "14.0", "2.500", "2.700"]]


def test_a_long_run_has_no_more_points_than_can_be_seen(folder: RunFolder) -> None:
    html = curves(folder, [*evaluations(3 * MAX_EVALUATIONS)])
    assert len(data_of(html)["evaluations"]) == MAX_EVALUATIONS


def test_only_this_script_may_run() -> None:
    script = drawing_script()
    assert script_policy(script) != script_policy(script.replace("ResizeObserver", "Observer"))
    # From https://www.w3.org/TR/CSP2/#script-src-hash-usage
    assert script_policy("<script>alert('Hello, world.');</script>") == (
        "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    )
    assert script_policy(inline_element("script", "1")) == script_policy("<script>\n1</script>")


def test_curves_are_drawn_in_a_browser(open_desk: OpenDesk, folder: RunFolder) -> None:
    folder.append([*evaluations(5), RECOVERED])
    folder.write_report(render_report(folder))
    page = open_desk(folder.report_path.as_uri()).page
    svg = page.locator("#curves svg")
    assert svg.locator("circle.validation").count() == svg.locator("circle.training").count() == 5
    assert svg.locator("text.best").text_content() == "2.400"
    assert svg.locator("line.recovery").count() == 1
    texts = svg.locator("text").all_text_contents()
    assert {"seconds of training", "bits per character", "epochs", "0", "10", "30", "0.5", "2.5"} <= set(texts)
    assert svg.get_attribute("aria-label") == data_of(folder.report_path.read_text())["label"]
    assert not page.locator("#figures table").is_visible()
    page.set_viewport_size({"width": 420, "height": 800})
    page.wait_for_function("document.querySelector('#curves svg').clientWidth < 420")


def test_the_best_is_named_where_it_is_not_the_last(open_desk: OpenDesk, folder: RunFolder) -> None:
    folder.append([*evaluations(5, best=3)])
    folder.write_report(render_report(folder))
    page = open_desk(folder.report_path.as_uri()).page
    assert page.locator("#curves text.best").text_content() == "best: 2.533"


def test_one_evaluation_and_numbers_that_are_not_finite_are_drawn(open_desk: OpenDesk, folder: RunFolder) -> None:
    infinite = {"training_bits_per_character": float("inf"), "validation_bits_per_character": float("nan")}
    folder.append([evaluations(1)[0].model_copy(update=infinite)])
    folder.write_report(render_report(folder))
    page = open_desk(folder.report_path.as_uri()).page
    assert page.locator("#curves svg").count() == 1
    assert "NaN" not in str(page.locator("#curves").inner_html()).split("aria-label")[0]


def test_without_scripts_the_table_is_there(open_desk: OpenDesk, folder: RunFolder) -> None:
    folder.append([*evaluations(2)])
    folder.write_report(render_report(folder))
    page = open_desk(folder.report_path.as_uri(), java_script_enabled=False).page
    assert page.locator("#figures table").is_visible()
