"""Which Keras layers are converted, and how the others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nextchar.convert.keras_layers import check_embedding, check_kind, check_lstm, check_numbers, check_output, refusal
from nextchar.errors import ModelFileError

PATH = Path("m.keras")
LSTM: dict[str, Any] = {
    "name": "lstm_1",
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "go_backwards": False,
    "return_state": False,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
}


def dense(activation: object) -> dict[str, Any]:
    return {"name": "dense", "activation": activation}


def test_a_refusal_names_the_file_the_layer_and_what_is_allowed() -> None:
    message = str(refusal(PATH, "mine", "Dense", "it is wrong"))
    assert message.startswith("m.keras cannot be converted: it is wrong (layer 'mine', Dense). A model can have ")


@pytest.mark.parametrize("kind", ["LSTM", "lstm", "TimeDistributed", "time_distributed", "InputLayer", "Dropout"])
def test_accepted_kinds_are_known_in_both_spellings(kind: str) -> None:
    check_kind(PATH, "layer", kind)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("GRU", "GRU is not supported: its gates"),
        ("simple_rnn", "SimpleRNN is not supported: it has no gates"),
        ("Lambda", "Lambda is not supported: it contains code"),
        ("Conv1D", r"Conv1D is not supported \(layer"),
    ],
)
def test_other_kinds_are_refused_with_the_reason_if_there_is_one(kind: str, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        check_kind(PATH, "layer", kind)


def test_only_the_dropout_of_an_lstm_is_noted() -> None:
    assert check_lstm(PATH, LSTM) is None
    for option in ("dropout", "recurrent_dropout"):
        assert "'lstm_1'" in str(check_lstm(PATH, {**LSTM, option: 0.2}))


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("activation", "relu", r"activation='relu' is not supported: nextchar's LSTM has 'tanh'"),
        ("activation", {"config": "mine"}, r"activation='mine'"),
        ("recurrent_activation", "hard_sigmoid", r"recurrent_activation='hard_sigmoid'.*default since Keras 2\.3"),
        ("go_backwards", True, "go_backwards=True"),
        ("return_state", True, "return_state=True"),
    ],
)
def test_an_lstm_with_other_equations_is_refused(option: str, value: object, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        check_lstm(PATH, {**LSTM, option: value})


def test_an_embedding_that_masks_is_refused() -> None:
    check_embedding(PATH, {"name": "embedding", "mask_zero": False})
    with pytest.raises(ModelFileError, match=r"mask_zero=True is not supported.*'embedding', Embedding"):
        check_embedding(PATH, {"name": "embedding", "mask_zero": True})


def test_one_softmax_may_be_in_any_of_three_places() -> None:
    assert check_output(PATH, dense("softmax"), None) is None
    assert check_output(PATH, dense("linear"), ("Softmax", {"name": "s", "axis": -1})) is None
    assert check_output(PATH, dense("linear"), ("Activation", {"name": "a", "activation": "softmax"})) is None
    assert "logits" in str(check_output(PATH, dense("linear"), None))


@pytest.mark.parametrize(
    ("activation", "after", "reason"),
    [
        ("sigmoid", None, r"activation='sigmoid'.*'dense', Dense"),
        ("linear", ("Activation", {"name": "a", "activation": "relu"}), r"activation='relu'.*'a', Activation"),
        ("linear", ("Softmax", {"name": "s", "axis": 1}), r"axis=1 is not supported.*'s', Softmax"),
        ("softmax", ("Softmax", {"name": "s", "axis": [-1]}), "a softmax of a softmax"),
    ],
)
def test_other_outputs_are_refused(activation: str, after: tuple[str, dict[str, Any]] | None, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        check_output(PATH, dense(activation), after)


def test_other_floats_are_noted_and_quantised_weights_refused() -> None:
    assert check_numbers(PATH, "lstm", "LSTM", "float32") is None
    assert "mixed_float16" in str(check_numbers(PATH, "lstm", "LSTM", "mixed_float16"))
    with pytest.raises(ModelFileError, match="weights of type 'int8' are not supported"):
        check_numbers(PATH, "lstm", "LSTM", "int8")
