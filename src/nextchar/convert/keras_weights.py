"""Read a Keras file that has only weights; the architecture is inferred from the shapes of its arrays.

There are two layouts. Keras 3, and 2 from 2.12 on, names each group after the class of the layer, as in
``layers/lstm_1/cell/vars/0``. Before that, and still in ``.h5`` files, attributes list the layers and their arrays in
order.
"""

# h5py has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.convert.keras_bounds import open_arrays
from nextchar.convert.keras_layers import check_kind, refusal
from nextchar.convert.keras_library import damage_reported
from nextchar.convert.keras_network import KerasNetwork, assemble
from nextchar.errors import ModelFileError
from nextchar.networks.architecture import GATES

Arrays = list[NDArray[Any]]

_GROUPS = ("layers", "_layer_checkpoint_dependencies")
_ORDER = ("embedding", "lstm", "time_distributed", "dense")


def read_weights(path: Path) -> tuple[KerasNetwork, str]:
    """Return the network of the weights in the file at ``path``, and a note on what was assumed.

    Raises:
        ModelFileError: the file cannot be read, or its network cannot be converted.
        MissingDependencyError: h5py is not installed.
    """
    with damage_reported(path), open_arrays(path) as file:
        layers = [(name, [np.asarray(array) for array in arrays]) for name, arrays in arrays_of_layers(path, file)]
        return _network(path, layers), _assumption([name for name, _ in layers])


def arrays_of_layers(path: Path, file: Any) -> list[tuple[str, list[Any]]]:
    """Return the name and the arrays, not read yet, of each layer that has arrays, from the input to the output.

    Raises:
        ModelFileError: the file has no weights of Keras, or has layers that cannot be converted.
    """
    group = next((name for name in _GROUPS if name in file), None)
    layers = _by_class(path, file[group]) if group else _by_list(path, file)
    return [(name, arrays) for name, arrays in layers if arrays]


def _assumption(names: list[str]) -> str:
    return (
        f"the file has only weights ({', '.join(names)}): assuming an LSTM with tanh and sigmoid, a softmax, and no "
        "masking"
    )


def _by_class(path: Path, groups: Any) -> list[tuple[str, list[Any]]]:
    """Return the layers of a file in the layout of Keras 3, from the input to the output."""
    layers: list[tuple[int, int, str, list[Any]]] = []
    for name in groups:
        match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
        kind, number = (match[1], int(match[2] or 0)) if match else (name, 0)
        check_kind(path, name, kind)
        variables = next((groups[name][p] for p in ("cell/vars", "layer/vars", "vars") if groups[name].get(p)), {})
        arrays = [variables[key] for key in sorted(variables, key=int)]
        if kind in _ORDER:
            layers.append((_ORDER.index(kind), number, name, arrays))
    return [(name, arrays) for _, _, name, arrays in sorted(layers, key=lambda layer: layer[:2])]


def _by_list(path: Path, file: Any) -> list[tuple[str, list[Any]]]:
    """Return the layers of a file in the older layout, in the order of its list."""
    if "layer_names" not in file.attrs:
        raise ModelFileError(f"{path} has no weights of Keras: give a file that model.save or save_weights wrote.")
    layers: list[tuple[str, list[Any]]] = []
    for name in map(_string, file.attrs["layer_names"]):
        group = file[name]
        layers.append((name, [group[_string(key)] for key in group.attrs["weight_names"]]))
    return layers


def _network(path: Path, layers: list[tuple[str, Arrays]]) -> KerasNetwork:
    # A layer with a single matrix is an Embedding, unless it is the last one: a Dense without bias.
    has_embedding = len(layers) > 2 and len(layers[0][1]) == 1
    recurrent = layers[has_embedding:-1]
    if not recurrent:
        raise ModelFileError(f"{path} has weights of {len(layers)} layers: an LSTM and a Dense layer are needed.")
    for name, arrays in recurrent:
        _check_lstm(path, name, arrays)
    embedding = layers[0][1] if has_embedding else []
    return assemble(path, embedding, [arrays for _, arrays in recurrent], layers[-1][1], None)


def _check_lstm(path: Path, name: str, arrays: Arrays) -> None:
    """Refuse a layer that is not an LSTM, which has four gates."""
    if len(arrays) in (2, 3) and arrays[0].ndim == arrays[1].ndim == 2:
        (_, columns), (hidden, _) = arrays[0].shape, arrays[1].shape
        if arrays[1].shape == (hidden, columns):
            kind = {3 * hidden: "GRU", hidden: "SimpleRNN"}.get(columns)
            if columns == GATES * hidden:
                return
            if kind is not None:
                check_kind(path, name, kind)
    shapes = ", ".join(str(array.shape) for array in arrays)
    raise refusal(path, name, f"arrays {shapes}", "a layer other than an LSTM before the last layer is not supported")


def _string(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
