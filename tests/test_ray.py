"""Scoring and writing on a real Ray of two processors, started once: nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nextchar.errors import ModelFileError, UsageError
from nextchar.ray import ScoringWorker, generate, score
from tests.small_networks import random_model

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install ray[data]")

# Ray warns of its own settings when it makes them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

LINES = ["so it goes", "", "나가 é!", "x" * 50, "so"]


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray of two processors, without usage reports, tokens in the home folder, or a dashboard."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=100 * 2**20,
            _node_ip_address="127.0.0.1",
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
        ray.shutdown()


def bits_of(lines: list[str]) -> list[float]:
    return random_model().score_many(lines).tolist()


def test_a_dataset_gets_columns_of_scores(tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    for name, lines in (("a", LINES[:1]), ("b", LINES[2:])):
        (tmp_path / f"lines/{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    random_model().save(tmp_path / "model.safetensors")
    scored = score(ray.data.read_text(str(tmp_path / "lines")), tmp_path / "model.safetensors", workers=2)
    scored.write_parquet(str(tmp_path / "scores"))
    rows = {row["text"]: row for row in ray.data.read_parquet(str(tmp_path / "scores")).take_all()}
    lines = [line for line in LINES if line]
    assert rows == {
        line: {
            "text": line,
            "bits": pytest.approx(bits, abs=1e-4),
            "bits_per_character": pytest.approx(bits / len(line), abs=1e-4),
            "characters": len(line),
        }
        for line, bits in zip(lines, bits_of(lines), strict=True)
    }
