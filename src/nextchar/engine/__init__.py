"""Networks that run without torch."""

from __future__ import annotations

from typing import Any

from nextchar.architecture import Architecture, Network, Parameters
from nextchar.engine.numpy_network import NumpyNetwork as NumpyNetwork
from nextchar.windowed import WindowedNetwork


def make_network(architecture: Architecture, parameters: Parameters) -> Network[Any]:
    """Return the network of ``architecture`` with ``parameters``, an array for each of its names."""
    network = NumpyNetwork(architecture, parameters)
    if architecture.context_length is None:
        return network
    return WindowedNetwork(network.read, architecture.context_length, architecture.vocabulary_size)
