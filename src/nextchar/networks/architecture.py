"""The contract of every network: the equations, the names and shapes of the parameters, the state.

With x_t the input of a layer at step t, h and c its state, and for each layer the parameters W (``input_weight``),
U (``hidden_weight``) and b (``bias``), whose rows are those of the gates i, f, g, o in this order:

    (i, f, g, o) = W x_t + U h_{t-1} + b             each of H rows
    c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
    h_t = sigmoid(o) * tanh(c_t)

x_t of the first layer is the row of ``embedding`` at the character's id, or its one-hot vector if there is no
embedding; x_t of a further layer is the h_t of the layer below. The prediction is

    p(next character) = softmax(``output.weight`` h_t + ``output.bias``)     h_t of the last layer

h and c start at zero. If ``context_length`` is None, they are carried from each character to the next. If it is n, each
prediction starts from zero and reads the last n characters (fewer at the beginning of a text). If there is a
``line_end``, they are zero again before it is read.

Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997); forget gate: Gers, Schmidhuber and Cummins (2000).

Shape legend: V ids in the vocabulary, E embedding, H hidden units of a layer, L layers, B texts side by side, T steps.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nextchar.networks.states import S

Ids = NDArray[np.integer]
Floats = NDArray[np.float32]
Parameters = dict[str, Floats]

GATES = 4
"""Gates of a layer, in the order i (input), f (forget), g (candidate), o (output)."""

Units = Annotated[int, Field(ge=1, le=8192, strict=True)]
"""Length of a vector in the network."""


class Architecture(BaseModel):
    """The sizes of a network, which fix the name and shape of every parameter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lstm"] = "lstm"
    """Tag of the header among those of all kinds of networks (`nextchar.networks.kinds`)."""
    vocabulary_size: int = Field(ge=1, le=0x110000, strict=True)
    """V: ids the network reads and predicts."""
    embedding: Units | None
    """E: size of the vector of a character; None means one-hot."""
    hidden: tuple[Units, ...] = Field(min_length=1, max_length=8)
    """H of each layer, from the first to the last."""
    context_length: Annotated[int, Field(ge=1, le=4096, strict=True)] | None = None
    """None: the state is carried from each character to the next; n: each prediction reads the last n characters from
    the zero state."""
    line_end: Annotated[int, Field(ge=0, strict=True)] | None = None
    """In a network of lists the id of the line end, after which h and c are zero again; None in others."""

    @property
    def layers(self) -> int:
        """L: number of stacked LSTM layers."""
        return len(self.hidden)

    @property
    def input_sizes(self) -> tuple[int, ...]:
        """Length of the input vector of each layer."""
        return (self.embedding or self.vocabulary_size, *self.hidden[:-1])

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter by its name."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.embedding is not None:
            shapes["embedding"] = (self.vocabulary_size, self.embedding)
        for layer, (inputs, hidden) in enumerate(zip(self.input_sizes, self.hidden, strict=True)):
            shapes[f"layer{layer}.input_weight"] = (GATES * hidden, inputs)
            shapes[f"layer{layer}.hidden_weight"] = (GATES * hidden, hidden)
            shapes[f"layer{layer}.bias"] = (GATES * hidden,)
        shapes["output.weight"] = (self.vocabulary_size, self.hidden[-1])
        shapes["output.bias"] = (self.vocabulary_size,)
        return shapes

    @property
    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(shape)) for shape in self.parameter_shapes().values())

    @property
    def multiplications(self) -> int:
        """Multiply-adds to predict a character; the input of the first layer is looked up in a table."""
        dense = {name: shape for name, shape in self.parameter_shapes().items() if name != "embedding"}
        if self.embedding is None:
            del dense["layer0.input_weight"]
        return sum(int(np.prod(shape)) for shape in dense.values())


class State(NamedTuple):
    """The state of an LSTM network; never changed once it exists."""

    hidden: tuple[Floats, ...]
    """h of each layer, shape (B, H)."""
    cell: tuple[Floats, ...]
    """c of each layer, shape (B, H)."""

    @classmethod
    def zero(cls, architecture: Architecture, batch: int) -> State:
        """Return the state that ``batch`` texts begin with."""
        zeros = tuple(np.zeros((batch, size), np.float32) for size in architecture.hidden)  # L × (B, H)
        return cls(zeros, zeros)


class Network(Protocol[S]):
    """Anything that predicts the next id from those before it. Its state is one of `nextchar.networks.states`: arrays
    whose first axis is that of the texts side by side."""

    @property
    def vocabulary_size(self) -> int:
        """V: the number of ids."""
        ...

    @property
    def context_length(self) -> int | None:
        """n where a prediction depends on the last n ids only; None where it depends on all ids before it."""
        ...

    def initial_state(self, batch: int) -> S:
        """Return the state of ``batch`` texts side by side before anything is read."""
        ...

    def forward(self, ids: Ids, state: S) -> tuple[Floats, S]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after, leaving ``state``
        as it was."""
        ...
