"""The order of a Keras model's layers and the shapes of their weights, from its config alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nextchar.convert.keras_sizes import MAX_LAYERS, MAX_UNITS, chain, unwrapped, weight_shapes
from nextchar.errors import ModelFileError

PATH = Path("m.keras")
Entry = dict[str, Any]


def entry(kind: str, name: str, reads: str | None = None, **options: object) -> Entry:
    """Return the entry of a layer; ``reads`` is the layer before it in a functional model."""
    nodes = [[[reads, 0, 0, {}]]] if reads else []
    return {"class_name": kind, "config": {"name": name, **options}, "inbound_nodes": nodes}


def sequential(*entries: Entry) -> Entry:
    return {"class_name": "Sequential", "config": {"name": "mine", "layers": list(entries)}}


def functional(*entries: Entry, outputs: tuple[str, ...] = ("dense",)) -> Entry:
    config = {
        "layers": list(entries),
        "input_layers": [["input", 0, 0]],
        "output_layers": [[output, 0, 0] for output in outputs],
    }
    return {"class_name": "Functional", "config": config}


INPUT = entry("InputLayer", "input", batch_shape=[None, 60, 7])
LSTM = entry("LSTM", "lstm", "input", units=3)
DENSE = entry("Dense", "dense", "lstm", units=7)


def shapes(*entries: Entry) -> list[tuple[str, list[tuple[int, ...]]]]:
    return weight_shapes(PATH, entries, sequential(*entries))


def test_layers_of_a_functional_model_are_in_the_order_of_reading() -> None:
    assert chain(PATH, functional(DENSE, INPUT, LSTM)) == [INPUT, LSTM, DENSE]
    assert chain(PATH, sequential(INPUT, LSTM)) == [INPUT, LSTM]
    assert chain(PATH, {"class_name": "Sequential", "config": [LSTM, DENSE]}) == [LSTM, DENSE]


def test_layers_of_keras_3_name_their_inputs_in_a_history() -> None:
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["input", 0, 0]}}
    lstm = {**LSTM, "inbound_nodes": [{"args": [history], "kwargs": {}}]}
    assert chain(PATH, functional(INPUT, lstm, DENSE)) == [INPUT, lstm, DENSE]


@pytest.mark.parametrize(
    ("saved", "reason"),
    [
        (functional(INPUT, LSTM, DENSE, outputs=("dense", "lstm")), "1 inputs and 2 outputs"),
        (functional(INPUT, LSTM, DENSE, entry("Dense", "beside", "lstm")), "one layer after another"),
        (functional(entry("LSTM", "input", "dense"), entry("Dense", "dense", "input")), "one layer after another"),
        (sequential(*[DENSE] * (MAX_LAYERS + 1)), "101 layers: a model can have at most 100"),
    ],
)
def test_what_is_not_a_chain_is_refused(saved: Entry, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        chain(PATH, saved)


def test_a_layer_inside_a_time_distributed_counts() -> None:
    assert unwrapped(entry("TimeDistributed", "outer", layer=DENSE)) is DENSE
    assert unwrapped(DENSE) is DENSE


def test_the_shapes_follow_from_the_sizes() -> None:
    assert shapes(INPUT, LSTM, DENSE) == [("lstm", [(7, 12), (3, 12), (12,)]), ("dense", [(3, 7), (7,)])]
    embedding = entry("Embedding", "table", input_dim=7, output_dim=2)
    assert shapes(embedding, entry("LSTM", "lstm", units=3, use_bias=False), entry("Dropout", "drop")) == [
        ("table", [(7, 2)]),
        ("lstm", [(2, 12), (3, 12)]),
    ]


@pytest.mark.parametrize("units", [0, MAX_UNITS + 1, 3.0, "3", True, None])
def test_sizes_that_cannot_be_are_refused(units: object) -> None:
    with pytest.raises(ModelFileError, match=rf"'lstm' has units={units}, but the range is 1 to 8,192"):
        shapes(INPUT, entry("LSTM", "lstm", units=units))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({**INPUT, "config": {"name": "input", "batch_shape": [None, 60]}}, None),
        ({**INPUT, "config": {"name": "input", "batch_shape": [None, 10**6, 7]}}, "too large"),
        ({**INPUT, "config": {"name": "input", "batch_shape": [60]}}, "damaged: its input has the shape"),
        ({**INPUT, "config": {"name": "input", "batch_shape": [None, 60, "7"]}}, "damaged: its input has the shape"),
    ],
)
def test_the_shape_of_the_input_is_checked(changed: Entry, reason: str | None) -> None:
    if reason is None:
        assert shapes(changed, entry("Embedding", "table", input_dim=7, output_dim=2)) == [("table", [(7, 2)])]
        return
    with pytest.raises(ModelFileError, match=reason):
        shapes(changed, LSTM)


def test_other_inputs_and_adapted_weights_are_refused() -> None:
    assert shapes(INPUT, {**LSTM, "build_config": {"input_shape": [None, 60, 7]}}) == shapes(INPUT, LSTM)
    with pytest.raises(ModelFileError, match="'lstm' would be built for"):
        shapes(INPUT, {**LSTM, "build_config": {"input_shape": [None, 60, 8]}})
    with pytest.raises(ModelFileError, match="LoRA"):
        shapes(INPUT, LSTM, entry("Dense", "dense", units=7, lora_rank=4))
