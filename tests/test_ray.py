"""Scoring and writing on a real Ray, started once: nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from nextchar.errors import ModelFileError, UsageError
from nextchar.ray import ScoringWorker, generate, score
from tests.small_networks import random_model

ray: Any = pytest.importorskip("ray", reason='Ray is not installed: pip install "ray[data]"')
arrow: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")

# Ray warns of its own settings when it makes them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

LINES = ["so it goes", "", "나가 é!", "x" * 50, "so"]


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray that counts on four processors (checkpoints need more than two), without usage reports, tokens in the home
    folder, or a dashboard."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_DATA_PARQUET_FOOTER_NUM_ACTORS", "1")  # of 32 processes that would list a folder
        ray.init(
            num_cpus=4,
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


@pytest.mark.slow
def test_a_dataset_gets_columns_of_scores(tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    for name, lines in (("a", LINES[:1]), ("b", LINES[2:])):
        (tmp_path / f"lines/{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    random_model().save(tmp_path / "model.safetensors")
    scored = score(ray.data.read_text(str(tmp_path / "lines")), tmp_path / "model.safetensors", workers=1)
    scored.write_parquet(str(tmp_path / "scores"))
    rows = {row["text"]: row for row in parquet.read_table(tmp_path / "scores").to_pylist()}
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


@pytest.mark.slow
def test_prompts_are_continued_the_same_whichever_batch_they_are_in() -> None:
    rows = [{"start": "so", "n": 0}, {"start": "so", "n": 1}, {"start": None, "n": 2}]
    written = generate(
        ray.data.from_items(rows), random_model(), "start", into="end", numbers="n", workers=1, length=20, seed=3
    )
    expected = ["".join(random_model().stream("so", length=20, seed=3, text=number)) for number in (0, 1)]
    found = {row["n"]: row["end"] for row in written.take_all()}
    assert found == {0: expected[0], 1: expected[1], 2: None}


@pytest.mark.slow
def test_a_job_with_checkpoints_does_the_rest(tmp_path: Path) -> None:
    checkpoint = pytest.importorskip("ray.data.checkpoint", reason="this Ray has no checkpoints of datasets")
    context = ray.data.DataContext.get_current()
    checkpoints = str(tmp_path / "checkpoints")
    context.checkpoint_config = checkpoint.CheckpointConfig("id", checkpoints, delete_checkpoint_on_success=False)
    (tmp_path / "lines").mkdir()
    try:
        for first, end in ((0, 3), (3, 5)):
            parquet.write_table(
                table_of(id=list(range(first, end)), text=LINES[first:end]), tmp_path / f"lines/{first}.parquet"
            )
            out = tmp_path / f"scores-{first}"
            score(ray.data.read_parquet(str(tmp_path / "lines")), random_model(), workers=1).write_parquet(str(out))
            assert sorted(parquet.read_table(out)["id"].to_pylist()) == list(range(first, end))
    finally:
        context.checkpoint_config = None


def table_of(**columns: list[Any]) -> Any:
    return arrow.table(columns)


@pytest.mark.slow
def test_where_there_is_no_text_there_are_no_scores() -> None:
    worker = ScoringWorker(random_model(), "text")
    rows = worker(table_of(text=["so", None, ""], id=[1, 2, 3])).to_pylist()
    (bits,) = bits_of(["so"])
    assert rows == [
        {"text": "so", "id": 1, "bits": bits, "bits_per_character": bits / 2, "characters": 2},
        {"text": None, "id": 2, "bits": None, "bits_per_character": None, "characters": None},
        {"text": "", "id": 3, "bits": 0.0, "bits_per_character": None, "characters": 0},
    ]
    # Blocks without a single text have the same types as all others.
    types = [worker(table_of(text=[text])).schema.field("bits").type for text in (None, "so")]
    assert types[0] == types[1]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"line": ["so"]}, "no column 'text': the dataset has line"),
        ({"text": [3]}, "'text' holds no text but int"),
        ({"text": ["so"], "bits": [1.0]}, "a column 'bits' already"),
    ],
)
def test_a_wrong_column_is_named(columns: dict[str, list[Any]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ScoringWorker(random_model(), "text")(table_of(**columns))


def test_what_is_wrong_is_said_before_anything_is_computed(tmp_path: Path) -> None:
    dataset = ray.data.from_items([{"text": "so"}])
    with pytest.raises(ModelFileError):
        score(dataset, tmp_path / "none.safetensors")
    with pytest.raises(UsageError, match="length"):
        generate(dataset, random_model(), lenght=3)  # type: ignore[call-arg]
