"""The kinds of networks that a model file can hold, by name.

A kind defines the header, its arrays, how to make a network of both, and how to describe it. A new kind needs a header
like `nextchar.networks.architecture.Architecture`, an object like `LSTM_KIND`, and a line in `KINDS`. A kind that
consists of other networks, like a blend, gets their kinds from `kind_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.engine import make_network, numpy_seconds
from nextchar.settings import Weights

NetworkHeader = Architecture
"""The description of a network in a model file, tagged by its ``kind``: the union of the headers of all kinds."""

H = TypeVar("H")


class NetworkKind(Protocol[H]):
    """A kind of network; H is its header."""

    @property
    def header(self) -> type[H]:
        """A pydantic model with ``kind``, ``vocabulary_size`` and ``context_length``."""
        ...

    def check_arrays(self, header: H, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` have the names, shapes and types that ``header`` requires.

        Raises:
            ValueError: they have not; the message completes "the file is damaged: ...".
        """
        ...

    def make_network(
        self, header: H, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: Weights
    ) -> Network[Any]:
        """Return the network; options as in `nextchar.networks.engine.make_network`."""
        ...

    def numpy_seconds(self, header: H, characters: int, *, carry_state: bool) -> float:
        """Return roughly how many seconds the network takes in NumPy to write ``characters``."""
        ...

    def parameter_count(self, header: H) -> int:
        """Return the number of trained or counted values."""
        ...

    def describe(self, header: H) -> str:
        """Return a short description, like "LSTM of 128 units"."""
        ...

    def sizes(self, header: H) -> dict[str, Any]:
        """Return the sizes by their full names, for `nextchar info --json` and the API."""
        ...


class LSTMKind:
    """The LSTM of `nextchar.networks.architecture`."""

    header = Architecture

    def check_arrays(self, header: Architecture, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` are the parameters of the architecture, in float32 or float16.

        Raises:
            ValueError: they are not.
        """
        if {name: array.shape for name, array in arrays.items()} != header.parameter_shapes():
            raise ValueError("its tensors do not fit its architecture")
        if any(array.dtype.name not in ("float32", "float16") for array in arrays.values()):
            raise ValueError("its tensors are neither float32 nor float16")

    def make_network(
        self, header: Architecture, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: Weights
    ) -> Network[Any]:
        """Return the network, in NumPy or compiled."""
        return make_network(header, arrays, compiled=compiled, carry_state=carry_state, weights=weights)

    def numpy_seconds(self, header: Architecture, characters: int, *, carry_state: bool) -> float:
        """Return roughly how many seconds the network takes in NumPy; it reads a whole window for each character."""
        steps = 1 if carry_state else header.context_length or 1
        return numpy_seconds(header, characters * steps)

    def parameter_count(self, header: Architecture) -> int:
        """Return the number of trained values."""
        return header.parameter_count

    def describe(self, header: Architecture) -> str:
        """Return the units of its layers in words."""
        return f"LSTM of {' + '.join(map(str, header.hidden))} units"

    def sizes(self, header: Architecture) -> dict[str, Any]:
        """Return the sizes of its layers."""
        return {"hidden": list(header.hidden), "layers": header.layers, "embedding": header.embedding}


LSTM_KIND = LSTMKind()

KINDS: dict[str, NetworkKind[Any]] = {"lstm": LSTM_KIND}
"""All kinds by name; the name is also the prefix of the arrays in a file."""


def kind_of(header: NetworkHeader) -> NetworkKind[Any]:
    """Return the kind of the network with this ``header``."""
    return KINDS[header.kind]
