"""The shapes of the weights that the config of a Keras model asks for, computed before Keras builds anything."""

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
"""Length of a vector inside a network, as in `nextchar.networks.architecture`."""
MAX_LAYERS = 100
MAX_STEPS = 65_536
"""Of the windows that an input may be made for, and texts side by side."""


def chain(path: Path, saved: Config) -> list[Config]:
    """Return the entries of the layers, from the first to read to the last.

    Raises:
        ModelFileError: they are not one after another.
    """
    config: Any = saved["config"]
    is_list = isinstance(config, list)  # before Keras 2.2.3
    entries: list[Config] = saved["config"] if is_list else saved["config"]["layers"]
    if len(entries) > MAX_LAYERS:
        raise ModelFileError(f"{path} has {len(entries):,} layers: models of at most {MAX_LAYERS} are converted.")
    if is_list or "output_layers" not in config:
        return entries
    inputs, outputs = _names(config["input_layers"]), _names(config["output_layers"])
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs: models that read one text "
            "and predict one character are converted."
        )
    sources = {_name(entry): _source(path, entry) for entry in entries}
    by_name = {_name(entry): entry for entry in entries}
    way = [outputs[0]]
    while (source := sources[way[-1]]) is not None and len(way) <= len(entries):
        way.append(source)
    if sorted(way) != sorted(by_name):
        raise _not_a_chain(path, entries[-1])
    return [by_name[name] for name in reversed(way)]


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
    why = "models that are not one layer after another are not supported"
    return refusal(path, _name(entry), entry["class_name"], why)


def _names(value: Any) -> list[str]:
    """Return the names of the layers whose outputs ``value`` speaks of, lists of a name and two numbers; Keras 3 calls
    them ``keras_history``."""
    if isinstance(value, dict):
        history = value.get("keras_history")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        held: list[Any] = [history] if history else list(value.values())  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):  # pyright: ignore[reportUnknownArgumentType]
            return [value[0]]
        held = value  # pyright: ignore[reportUnknownVariableType]
    else:
        return []
    return [name for part in held for name in _names(part)]


def unwrapped(entry: Config) -> Config:
    """Return the entry of the layer inside a TimeDistributed, or ``entry`` itself."""
    return entry["config"]["layer"] if entry["class_name"] == "TimeDistributed" else entry


def weight_shapes(path: Path, entries: Sequence[Config], saved: Config) -> list[tuple[str, list[Shape]]]:
    """Return name and shapes of the weights of each layer that has some, from the first to read to the last.

    Raises:
        ModelFileError: they are larger than networks can be here, or contradict each other.
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
            raise refusal(path, name, kind, "weights adapted by LoRA are not supported: merge them, and save again")
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
    """Return the length of the vectors that the model reads; 0 where it reads numbers of characters."""
    first = next((e for e in entries if unwrapped(e)["class_name"] not in {"InputLayer", *TRAINING_ONLY}), entries[0])
    outer: Any = saved["config"]
    options = [config for entry in entries[:2] for config in (entry["config"], unwrapped(entry)["config"])]
    given = [config.get(key) for config in options for key in ("batch_shape", "batch_input_shape")]
    given += [place["build_config"].get("input_shape") for place in (saved, first) if place.get("build_config")]
    given.append(None if isinstance(outer, list) else outer.get("build_input_shape"))
    found = [shape for shape in given if shape is not None]
    for shape in found:
        _check_input(path, shape)
    return found[0][2] if found and len(found[0]) == 3 else 0


def _check_input(path: Path, shape: Any) -> None:
    sizes = [1 if size is None else size for size in shape]
    most = (MAX_STEPS, MAX_STEPS, CODE_POINTS)
    if len(sizes) not in (2, 3) or any(type(size) is not int for size in sizes):
        raise ModelFileError(f"{path} is damaged: its input has the shape {str(shape)[:100]}.")
    if any(not 1 <= size <= largest for size, largest in zip(sizes, most, strict=False)):
        raise ModelFileError(f"{path} is too large for nextchar: its input has the shape {str(shape)[:100]}.")


def _check_build(path: Path, entry: Config, inputs: int) -> None:
    """Refuse a layer that would be built for other inputs than those it has."""
    build = entry.get("build_config")
    if build and (build.keys() != {"input_shape"} or build["input_shape"][-1] != inputs):
        raise ModelFileError(f"{path} is damaged: layer {_name(entry)!r} is to be built for {str(build)[:100]}.")


def _size(path: Path, name: str, config: Config, option: str, most: int) -> int:
    size = config[option]
    if type(size) is not int or not 1 <= size <= most:
        raise ModelFileError(
            f"{path} is too large for nextchar, or is damaged: {option}={str(size)[:40]} of layer {name!r}; 1 to "
            f"{most:,} can be."
        )
    return size
