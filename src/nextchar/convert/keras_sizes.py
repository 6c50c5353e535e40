"""Compute the shapes of a Keras model's weights from its config, before Keras builds anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextchar.convert.keras_layers import TRAINING_ONLY, refusal
from nextchar.errors import ModelFileError
from nextchar.networks.architecture import GATES
from nextchar.text.vocabulary import CODE_POINTS

Config = dict[str, Any]
Shape = tuple[int, ...]

MAX_UNITS = 8192
"""Largest size of an embedding or a layer, as in `nextchar.networks.architecture`."""
MAX_LAYERS = 100
MAX_STEPS = 65_536
"""Largest window and largest batch of an input."""


def chain(path: Path, saved: Config) -> list[Config]:
    """Return the entries of the layers, from the input to the output.

    Raises:
        ModelFileError: the layers are not a chain.
    """
    config: Any = saved["config"]
    is_list = isinstance(config, list)  # before Keras 2.2.3
    entries: list[Config] = saved["config"] if is_list else saved["config"]["layers"]
    if len(entries) > MAX_LAYERS:
        raise ModelFileError(f"{path} has {len(entries):,} layers: a model can have at most {MAX_LAYERS}.")
    if is_list or "output_layers" not in config:
        return entries
    inputs, outputs = _names(config["input_layers"]), _names(config["output_layers"])
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs: a model must have one of each, for a text "
            "and the next character."
        )
    sources = {_name(entry): _source(path, entry) for entry in entries}
    by_name = {_name(entry): entry for entry in entries}
    names = [outputs[0]]
    while (source := sources[names[-1]]) is not None and len(names) <= len(entries):
        names.append(source)
    if sorted(names) != sorted(by_name):
        raise _not_a_chain(path, entries[-1])
    return [by_name[name] for name in reversed(names)]


def _name(entry: Config) -> str:
    return entry["config"]["name"]


def _source(path: Path, entry: Config) -> str | None:
    """Return the name of the layer that ``entry`` reads, or None for the input."""
    nodes = entry.get("inbound_nodes", [])
    names = _names(nodes)
    if len(nodes) > 1 or len(names) > 1:
        raise _not_a_chain(path, entry)
    return names[0] if names else None


def _not_a_chain(path: Path, entry: Config) -> ModelFileError:
    reason = "models whose layers do not read one layer after another are not supported"
    return refusal(path, _name(entry), entry["class_name"], reason)


def _names(value: Any) -> list[str]:
    """Return the names of the layers whose outputs are in ``value``, as lists of a name and two numbers; Keras 3 calls
    such a list ``keras_history``."""
    if isinstance(value, dict):
        history = value.get("keras_history")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        parts: list[Any] = [history] if history else list(value.values())  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):  # pyright: ignore[reportUnknownArgumentType]
            return [value[0]]
        parts = value  # pyright: ignore[reportUnknownVariableType]
    else:
        return []
    return [name for part in parts for name in _names(part)]


def unwrapped(entry: Config) -> Config:
    """Return the entry of the layer inside a TimeDistributed, or ``entry`` itself."""
    return entry["config"]["layer"] if entry["class_name"] == "TimeDistributed" else entry


def weight_shapes(path: Path, entries: Sequence[Config], saved: Config) -> list[tuple[str, list[Shape]]]:
    """Return the name and the shapes of the weights of each layer that has weights, from the input to the output.

    Raises:
        ModelFileError: they are larger than nextchar's networks can be, or contradict each other.
    """
    inputs = _features(path, entries, saved)
    shapes: list[tuple[str, list[Shape]]] = []
    for entry in entries:
        kind, config = unwrapped(entry)["class_name"], unwrapped(entry)["config"]
        name = _name(entry)
        if kind in {"LSTM", "Dense"}:
            for built in (entry, unwrapped(entry)):
                _check_build(path, built, inputs)
        bias = config.get("use_bias", True)
        if config.get("lora_rank"):
            raise refusal(path, name, kind, "weights adapted by LoRA are not supported: merge them and save again")
        if kind == "Embedding":
            size = _size(path, name, config, "input_dim", CODE_POINTS)
            inputs = _size(path, name, config, "output_dim", MAX_UNITS)
            shapes.append((name, [(size, inputs)]))
        elif kind == "LSTM":
            units = _size(path, name, config, "units", MAX_UNITS)
            gates = GATES * units
            shapes.append((name, [(inputs, gates), (units, gates), *([(gates,)] if bias else [])]))
            inputs = units
        elif kind == "Dense":
            units = _size(path, name, config, "units", CODE_POINTS)
            shapes.append((name, [(inputs, units), *([(units,)] if bias else [])]))
            inputs = units
    return shapes


def _features(path: Path, entries: Sequence[Config], saved: Config) -> int:
    """Return the length of the one-hot vectors that the model reads, or 0 if it reads indices."""
    first = next((e for e in entries if unwrapped(e)["class_name"] not in {"InputLayer", *TRAINING_ONLY}), entries[0])
    outer: Any = saved["config"]
    options = [config for entry in entries[:2] for config in (entry["config"], unwrapped(entry)["config"])]
    shapes = [config.get(key) for config in options for key in ("batch_shape", "batch_input_shape")]
    shapes += [owner["build_config"].get("input_shape") for owner in (saved, first) if owner.get("build_config")]
    shapes.append(None if isinstance(outer, list) else outer.get("build_input_shape"))
    given = [shape for shape in shapes if shape is not None]
    for shape in given:
        _check_input(path, shape)
    return given[0][2] if given and len(given[0]) == 3 else 0


def _check_input(path: Path, shape: Any) -> None:
    sizes = [1 if size is None else size for size in shape]
    limits = (MAX_STEPS, MAX_STEPS, CODE_POINTS)
    if len(sizes) not in (2, 3) or any(type(size) is not int for size in sizes):
        raise ModelFileError(f"{path} is damaged: its input has the shape {str(shape)[:100]}.")
    if any(not 1 <= size <= largest for size, largest in zip(sizes, limits, strict=False)):
        raise ModelFileError(f"{path} is too large for nextchar: its input has the shape {str(shape)[:100]}.")


def _check_build(path: Path, entry: Config, inputs: int) -> None:
    """Refuse a layer that would be built for other inputs than it reads."""
    build = entry.get("build_config")
    if build and (build.keys() != {"input_shape"} or build["input_shape"][-1] != inputs):
        raise ModelFileError(f"{path} is damaged: layer {_name(entry)!r} would be built for {str(build)[:100]}.")


def _size(path: Path, name: str, config: Config, option: str, largest: int) -> int:
    size = config[option]
    if type(size) is not int or not 1 <= size <= largest:
        raise ModelFileError(
            f"{path} is too large for nextchar, or is damaged: layer {name!r} has {option}={str(size)[:40]}, but the "
            f"range is 1 to {largest:,}."
        )
    return size
