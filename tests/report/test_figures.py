"""The learning curves."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import pytest

from nextchar.errors import MissingDependencyError
from nextchar.report.figures import learning_curves
from nextchar.training.events import Evaluated, Recovered


def evaluations(count: int, validation: bool = True) -> list[Evaluated]:
    return [
        Evaluated(
            step=100 * n,
            epoch=0.5 * n,
            seconds=7.0 * n,
            training_bits_per_character=2 + 1 / n,
            validation_bits_per_character=2.2 + 1 / n if validation else None,
            learning_rate=1e-3,
            best=True,
        )
        for n in range(1, count + 1)
    ]


RECOVERED = Recovered(step=250, back_to=200, bits_per_character=float("nan"), rate_scale=0.5)


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=re.escape('pip install "nextchar[report]"')):
        learning_curves(evaluations(2))


class TestPicture:
    @pytest.fixture(autouse=True)
    def _matplotlib(self) -> None:
        pytest.importorskip("matplotlib", reason="the picture is drawn with matplotlib: nextchar[report]")

    @pytest.mark.parametrize("count", [1, 2, 60])
    @pytest.mark.parametrize("validation", [True, False])
    def test_it_is_one_well_formed_element(self, count: int, validation: bool) -> None:
        picture = learning_curves(evaluations(count, validation), [RECOVERED])
        assert ElementTree.fromstring(picture).tag == "svg"
        assert ("var(--accent)" in picture) == validation

    def test_the_same_events_give_the_same_bytes(self) -> None:
        assert learning_curves(evaluations(5), [RECOVERED]) == learning_curves(evaluations(5), [RECOVERED])

    def test_it_takes_colours_and_fonts_from_the_page_and_asks_nothing_of_a_host(self) -> None:
        picture = learning_curves(evaluations(5), [RECOVERED])
        assert not re.search(r"#[0-9a-f]{6}\b|font-family|https?:|<style|<metadata", picture)
        assert {"--muted", "--line", "--accent", "--second", "--alarm"} == set(re.findall(r"--\w+", picture))
        assert "seconds of training" in picture  # text, not outlines

    def test_every_reference_inside_has_its_target(self) -> None:
        picture = learning_curves(evaluations(5))
        ids = re.findall(r' id="([^"]+)"', picture)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r"(?:url\(|href=\")#([\w-]+)", picture)) == set(ids)

    def test_two_sizes_can_stand_in_one_page(self) -> None:
        names = [
            set(re.findall(r' id="([^"]+)"', learning_curves(evaluations(5), size=size))) for size in ((8, 4), (4, 4))
        ]
        assert not names[0] & names[1]

    def test_the_best_is_told_in_digits_and_the_whole_in_words(self) -> None:
        picture = learning_curves(evaluations(5))
        assert ">2.400</text>" in picture
        assert "training from 3.000 to 2.200, validation from 3.200 to 2.400" in picture

    def test_a_recovery_is_marked(self) -> None:
        assert "--alarm" not in learning_curves(evaluations(5))

    def test_settings_of_matplotlib_are_left_as_they_were(self) -> None:
        import matplotlib as mpl

        before = dict(mpl.rcParams)
        learning_curves(evaluations(3))
        assert dict(mpl.rcParams) == before
