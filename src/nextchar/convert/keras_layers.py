"""Which Keras layers can be converted to `nextchar.networks.architecture`, and why others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nextchar.errors import ModelFileError

TRAINING_ONLY = frozenset({"Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise"})
"""Layers that do nothing after training."""

ACCEPTED = TRAINING_ONLY | {"InputLayer", "Embedding", "LSTM", "TimeDistributed", "Dense", "Softmax", "Activation"}

_ALLOWED = "A model can have Embedding (or one-hot), LSTM and Dropout layers, and a last Dense layer with softmax."
_REASONS = {
    "GRU": "its gates are not those of an LSTM",
    "CuDNNGRU": "its gates are not those of an LSTM",
    "SimpleRNN": "it has no gates, unlike an LSTM",
    "Bidirectional": "it reads what comes after the character to predict",
    "Lambda": "it contains code, and code from a file is never run",
    "Sequential": "it is a model inside the model",
    "Functional": "it is a model inside the model",
}
_FLOATS = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


def refusal(path: Path, name: object, kind: str, why: str) -> ModelFileError:
    """Return the error that says why the layer ``name`` of this ``kind`` cannot be converted."""
    return ModelFileError(f"{path} cannot be converted: {why} (layer {name!r}, {kind}). {_ALLOWED}")


def check_kind(path: Path, name: object, kind: str) -> None:
    """Refuse a layer whose ``kind``, such as ``SimpleRNN`` or ``simple_rnn``, cannot be converted.

    Raises:
        ModelFileError: it cannot.
    """
    kind = next((known for known in (*ACCEPTED, *_REASONS) if _plain(known) == _plain(kind)), kind)
    if kind not in ACCEPTED:
        reason = f": {_REASONS[kind]}" if kind in _REASONS else ""
        raise refusal(path, name, kind, f"{kind} is not supported{reason}")


def _plain(kind: str) -> str:
    return kind.replace("_", "").lower()


def check_lstm(path: Path, config: dict[str, Any]) -> str | None:
    """Refuse an LSTM layer with other equations than nextchar's; return a note for the user, or None.

    Raises:
        ModelFileError: it has other equations.
    """
    name = config["name"]
    for option, expected in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if config[option] != expected:
            why = f"{option}={_named(config[option])!r} is not supported: nextchar's LSTM has {expected!r}"
            if _named(config[option]) == "hard_sigmoid":
                why += ", the default since Keras 2.3"
            raise refusal(path, name, "LSTM", why)
    if config["go_backwards"]:
        raise refusal(path, name, "LSTM", "go_backwards=True is not supported: text is read forwards")
    if config["return_state"]:
        raise refusal(path, name, "LSTM", "return_state=True is not supported: the state would be an output")
    if config["dropout"] or config["recurrent_dropout"]:
        return f"the dropout of layer {name!r} is only for training and is left out"
    return None


def check_embedding(path: Path, config: dict[str, Any]) -> None:
    """Refuse an Embedding layer that does more than look up vectors.

    Raises:
        ModelFileError: it does more.
    """
    if config["mask_zero"]:
        why = "mask_zero=True is not supported: it skips the characters of index 0, but nextchar reads all characters"
        raise refusal(path, config["name"], "Embedding", why)


def check_output(path: Path, dense: dict[str, Any], after: tuple[str, dict[str, Any]] | None) -> str | None:
    """Refuse an output that is not a softmax; return what was assumed, or None.

    Args:
        path: path of the model, for messages.
        dense: options of the last Dense layer.
        after: kind and options of the layer after it, a Softmax or an Activation, or None.

    Raises:
        ModelFileError: it is not a softmax.
    """
    activation = dense["activation"]
    if activation not in ("softmax", "linear"):
        why = f"activation={_named(activation)!r} is not supported: the output must be a softmax"
        raise refusal(path, dense["name"], "Dense", why)
    if after is None:
        return None if activation == "softmax" else "the model ends in logits: a softmax is added"
    kind, config = after
    if kind == "Activation" and config["activation"] != "softmax":
        why = f"activation={_named(config['activation'])!r} is not supported: the output must be a softmax"
        raise refusal(path, config["name"], kind, why)
    if kind == "Softmax" and config["axis"] not in (-1, [-1]):
        raise refusal(path, config["name"], kind, f"axis={config['axis']} is not supported: give axis=-1")
    if activation == "softmax":
        raise refusal(path, config["name"], kind, "a softmax of a softmax is not supported")
    return None


def check_numbers(path: Path, name: object, kind: str, policy: str) -> str | None:
    """Refuse weights that are not floating-point numbers; return a note for the user if they are not float32, or None.

    Raises:
        ModelFileError: they are quantised.
    """
    if policy not in _FLOATS:
        raise refusal(path, name, kind, f"weights of type {policy!r} are not supported")
    return None if policy == "float32" else f"Keras computes this model in {policy}, nextchar in float32"


def _named(activation: object) -> str:
    """Return the name of an activation, which Keras writes as a string, or as an object if it is a custom one."""
    if isinstance(activation, dict):
        config: Any = activation.get("config")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return str(config)  # pyright: ignore[reportUnknownArgumentType]
    return str(activation)
