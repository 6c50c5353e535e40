"""A network as an ONNX graph: the equations of `nextchar.networks.architecture` in standard operators.

Inputs are ``ids`` (B, T) and the state of each layer, ``hidden_0`` and ``cell_0`` (B, H) and so on; outputs are
``logits`` (B, T, V) and the state afterwards, ``hidden_0_after`` and so on. The operator LSTM has another order of
gates, i o f g, and a second bias, which is zero here. Time is its first axis: onnxruntime does not support the
``layout`` with the batch first (1.32: "Batchwise recurrent operations (layout == 1) are not supported").

Source: https://onnx.ai/onnx/operators/onnx__LSTM.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import GATES, Architecture, Floats, Parameters

STATE = ("hidden", "cell")
"""Parts of the state of a layer."""

AXES = ("axis_0", "axis_1")
"""Names of the constants with the axis of length 1 to add or remove."""


@dataclass
class _GraphBuilder:
    """A graph under construction. Operators and constants have the names of their outputs."""

    onnx: Any
    nodes: list[Any] = field(default_factory=list[Any])
    constants: list[Any] = field(default_factory=list[Any])

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operator: str, inputs: list[str], *outputs: str, **attributes: object) -> str:
        """Add an operator and return the name of its first output."""
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, outputs, outputs[0], **attributes))
        return outputs[0]


def draw_graph(onnx: Any, architecture: Architecture, parameters: Parameters) -> Any:
    """Return the ``GraphProto`` of a network, with operators of opset 14 or later.

    Args:
        onnx: the module ``onnx``.
        architecture: the sizes.
        parameters: an array for each name and shape in ``architecture.parameter_shapes()``.
    """
    builder = _GraphBuilder(onnx)
    for number, axis in enumerate(AXES):
        builder.constant(axis, np.array([number]))
    outputs = _first_inputs(builder, architecture, parameters)  # (T, B, E or V)
    for layer in range(architecture.layers):
        outputs = _add_layer(builder, parameters, layer, outputs)  # (T, B, H)
    outputs = builder.add("Transpose", [outputs], "outputs", perm=[1, 0, 2])  # (B, T, H)
    weight = builder.constant("output.weight", parameters["output.weight"].T)  # (H, V)
    product = builder.add("MatMul", [outputs, weight], "output.product")  # (B, T, V)
    builder.add("Add", [product, builder.constant("output.bias", parameters["output.bias"])], "logits")  # (B, T, V)
    inputs, results = _interface(onnx, architecture)
    return onnx.helper.make_graph(builder.nodes, "nextchar", inputs, results, builder.constants)


def _first_inputs(builder: _GraphBuilder, architecture: Architecture, parameters: Parameters) -> str:
    """Add the operators that turn ids into the input of the first layer, (T, B, E or V)."""
    # Gather counts negative ids from the end of the table without an error; an id that is too large is an error.
    size = architecture.vocabulary_size
    zero, beyond = builder.constant("zero", np.array(0)), builder.constant("ids.beyond", np.array(size))
    negative = builder.add("Less", ["ids", zero], "ids.negative")  # (B, T)
    refused = builder.add("Where", [negative, beyond, "ids"], "ids.refused")  # (B, T)
    ids = builder.add("Transpose", [refused], "ids.time_first", perm=[1, 0])  # (T, B)
    if architecture.embedding is not None:
        table = builder.constant("embedding", parameters["embedding"])  # (V, E)
        return builder.add("Gather", [table, ids], "embedded")  # (T, B, E)
    # OneHot gives zeros for an unknown id without an error, so each id is first looked up in the list of all ids.
    # Rows of an identity matrix instead of OneHot would add V x V numbers to the file and are not faster to multiply.
    known = builder.constant("ids.known", np.arange(size))  # (V,)
    checked = builder.add("Gather", [known, ids], "ids.checked")  # (T, B)
    depth = builder.constant("one_hot.depth", np.array(size))
    values = builder.constant("one_hot.values", np.array([0, 1], np.float32))
    return builder.add("OneHot", [checked, depth, values], "one_hot")  # (T, B, V)


def _add_layer(builder: _GraphBuilder, parameters: Parameters, layer: int, inputs: str) -> str:
    """Add an LSTM layer that reads ``inputs`` (T, B, ...), and return the name of its outputs (T, B, H)."""
    name = f"layer{layer}"
    size = parameters[f"{name}.hidden_weight"].shape[1]
    constants = [
        builder.constant(f"{name}.{kind}", _gates(parameters[f"{name}.{kind}"], size)[None])
        for kind in ("input_weight", "hidden_weight")
    ]  # (1, 4H, E or V or H), (1, 4H, H)
    bias = np.concatenate([_gates(parameters[f"{name}.bias"], size), np.zeros(GATES * size, np.float32)])  # (8H,)
    constants.append(builder.constant(f"{name}.bias", bias[None]))  # (1, 8H)
    before = [
        builder.add("Unsqueeze", [f"{part}_{layer}", AXES[0]], f"{name}.{part}_before") for part in STATE
    ]  # (1, B, H)
    after = [f"{name}.{part}_after" for part in STATE]
    outputs = builder.add(
        "LSTM", [inputs, *constants, "", *before], f"{name}.outputs", *after, hidden_size=size
    )  # (T, 1, B, H), (1, B, H), (1, B, H)
    for part, with_direction in zip(STATE, after, strict=True):
        builder.add("Squeeze", [with_direction, AXES[0]], f"{part}_{layer}_after")  # (B, H)
    return builder.add("Squeeze", [outputs, AXES[1]], f"{name}.sequence")  # (T, B, H)


def _gates(array: Floats, size: int) -> Floats:
    """Return the gates i f g o, H rows each, in the order of the operator: i o f g."""
    i, f, g, o = (array[gate * size : (gate + 1) * size] for gate in range(GATES))
    return np.concatenate([i, o, f, g])


def _interface(onnx: Any, architecture: Architecture) -> tuple[list[Any], list[Any]]:
    """Return the inputs and the outputs of the graph."""

    def tensor(name: str, shape: list[str | int], description: str, kind: int = onnx.TensorProto.FLOAT) -> Any:
        return onnx.helper.make_tensor_value_info(name, kind, shape, description)

    inputs = [tensor("ids", ["batch", "time"], "ids to read", onnx.TensorProto.INT64)]
    logits = "unnormalised log-probabilities of the next id, after each id read"
    outputs = [tensor("logits", ["batch", "time", architecture.vocabulary_size], logits)]
    for layer, size in enumerate(architecture.hidden):
        for part in STATE:
            inputs.append(tensor(f"{part}_{layer}", ["batch", size], "the state before; zero at the beginning"))
            outputs.append(
                tensor(f"{part}_{layer}_after", ["batch", size], f"the state afterwards, the next {part}_{layer}")
            )
    return inputs, outputs
