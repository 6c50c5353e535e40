"""What settings.json may hold: every entry of its own type and within its range, or a sentence that names it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.runs.run_settings import RunSettings
from nextchar.training.plan import Budget, Plan
from tests.runs.test_folder import SETTINGS


def written(**changes: object) -> bytes:
    """Return settings.json with ``changes``; of an entry inside another, the name has two underscores for the dot."""
    content: dict[str, Any] = json.loads(SETTINGS.to_json())
    for name, value in changes.items():
        *outer, last = name.split("__")
        held = content
        for step in outer:
            held = held[step]
        held[last] = value
    return json.dumps(content).encode()


def test_settings_come_back_names_that_are_no_unicode_too() -> None:
    settings = SETTINGS.model_copy(update={"corpus": ("/texts/\udcff.txt",)})
    assert RunSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", None), ("format", 0), ("format", -1), ("format", 1.0), ("format", 2.0), ("format", "1"),
        ("format", True),
        ("threads", 10**6), ("threads", 0), ("threads", True), ("threads", "2"), ("threads", 2.0),
        ("evaluations", 0), ("evaluations", 10**9), ("evaluations", -1), ("device", "tpu"), ("device", None),
        ("corpus", []), ("corpus", "a.txt"), ("corpus", [1]), ("corpus_key", "../../etc"), ("corpus_key", ""),
        ("prompt", 7), ("prompt", "x" * 10_000), ("names", None), ("text", []), ("plan", None),
        ("text__validation", 0.9), ("text__validation", float("nan")), ("text__lowercase", 1),
        ("training__seed", -1), ("training__recipe", "new"), ("training__save_every", 0),
        ("plan__hidden", []), ("plan__hidden", [0]), ("plan__hidden", [8193]), ("plan__hidden", [8] * 9),
        ("plan__hidden", 8), ("plan__hidden", ["8"]), ("plan__embedding", 0), ("plan__feeding__batch", 0),
        ("plan__feeding__batch", 10**9), ("plan__shards", 3), ("plan__shards", 10**6), ("plan__feeding__window", -4),
        ("plan__feeding__window", 5000), ("plan__feeding__stride", 3), ("plan__feeding__count", 10), ("plan__steps", 0),
        ("plan__feeding__kind", "rivers"), ("plan__feeding", None), ("plan__streams", 4),
        ("plan__steps", 10**400), ("plan__warm_up", -1), ("plan__checkpoint_every", 0),
        ("plan__checkpoint_every", 10**9),
        ("plan__learning_rate", float("nan")), ("plan__learning_rate", float("inf")), ("plan__learning_rate", -0.1),
        ("plan__learning_rate", 0), ("plan__learning_rate", 100), ("plan__dropout", 1), ("plan__dropout", float("nan")),
        ("plan__input_dropout", -0.5), ("plan__weight_decay", -1), ("plan__weight_decay", float("inf")),
        ("plan__clip", 0), ("plan__clip", float("nan")), ("plan__precision", "float16"), ("plan__optimizer", "sgd"),
        ("plan__calibrated", "yes"), ("mood", "fine"), ("plan__mood", "fine"),
    ],
)  # fmt: skip
def test_an_entry_that_is_not_allowed_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError) as refused:
        RunSettings.from_json(written(**{name: value}))
    sentence = str(refused.value)
    assert name.rpartition("__")[2] in sentence
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize("version", [3, 10**9, 10**100])
def test_a_newer_format_is_told_as_such(version: int) -> None:
    with pytest.raises(
        ValueError,
        match=r"^written by nextchar .*, format \d+; this is nextchar .*, which reads up to 2: update nextchar",
    ):
        RunSettings.from_json(written(format=version))


@pytest.mark.parametrize("name", sorted(json.loads(SETTINGS.to_json()).keys() - {"written_by"}))
def test_an_entry_that_is_missing_is_named(name: str) -> None:
    content = json.loads(SETTINGS.to_json())
    del content[name]
    with pytest.raises(ValueError, match=f"{name}.*(is missing|not allowed)"):
        RunSettings.from_json(json.dumps(content).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"1", b"\xff\xfe", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000, b'{"format": 1, "plan": ' + b"[" * 900 + b"]" * 900 + b"}", SETTINGS.to_json()[:-40],
    ],
)  # fmt: skip
def test_what_is_no_settings_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        RunSettings.from_json(content)
    assert len(str(refused.value)) < 600


def test_many_wrong_entries_are_not_all_told() -> None:
    with pytest.raises(ValueError, match="5 more entries are wrong"):
        RunSettings.from_json(b'{"format": 1, "corpus": ["a"], "names": ["a"]}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([*json.loads(SETTINGS.to_json()), *(f"plan__{name}" for name in Plan.model_fields)]),
    JSON,
)
def test_whatever_stands_in_an_entry_it_is_taken_or_refused(name: str, value: object) -> None:
    try:
        settings = RunSettings.from_json(written(**{name: value}))
    except ValueError:
        return
    assert RunSettings.from_json(settings.to_json()) == settings


def test_a_budget_is_written_where_there_is_one() -> None:
    assert "budget" not in json.loads(SETTINGS.to_json())
    settings = SETTINGS.model_copy(update={"budget": Budget(seconds=59.4, max_steps=700)})
    assert RunSettings.from_json(settings.to_json()) == settings
    for wrong in ({"seconds": 0, "max_steps": 1}, {"seconds": 1.0}, 60.0):
        with pytest.raises(ValueError, match="budget"):
            RunSettings.from_json(written(budget=wrong))


def test_an_entry_with_a_line_end_is_told_in_one_line() -> None:
    plan = json.loads(SETTINGS.to_json())["plan"]
    feeding = {**plan["feeding"], "kind": "a\nb"}
    with pytest.raises(ValueError, match=r"plan\.feeding") as caught:
        RunSettings.from_json(written(plan={**plan, "feeding": feeding}))
    assert "a\\nb" in str(caught.value)
    assert "\n" not in str(caught.value)
