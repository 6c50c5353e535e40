"""Networks that run without torch: a readable one in NumPy, and one whose loops are compiled."""

from __future__ import annotations

from functools import cache
from typing import Any

from nextchar.architecture import Architecture, Network, Parameters
from nextchar.engine.numpy_network import NumpyNetwork as NumpyNetwork
from nextchar.engine.quantisation import quantised
from nextchar.settings import Weights
from nextchar.windowed import as_trained

NUMPY_STEP, NUMPY_MULTIPLICATION = 60e-6, 0.2e-9
"""Seconds of a character in NumPy, whatever its size, and of each multiplication of it (benchmarks/engine.py)."""


def make_network(
    architecture: Architecture,
    parameters: Parameters,
    *,
    compiled: bool = False,
    carry_state: bool = False,
    weights: Weights = "float32",
) -> Network[Any]:
    """Return the network of ``architecture``.

    Args:
        architecture: the sizes.
        parameters: an array for each of its names.
        compiled: take the compiled network, where numba is installed.
        carry_state: let a network that was trained in windows carry its state on from character to character without
            end. That is many times faster, and its probabilities are then others.
        weights: int8 rounds them to eight bits (`quantisation`), whichever network computes with them.
    """
    if weights == "int8":
        parameters = quantised(architecture, parameters)
    if compiled and can_compile():
        from nextchar.engine.compiled import CompiledNetwork, compile_kernels

        compile_kernels(weights)
        network = CompiledNetwork(architecture, parameters, weights)
    else:
        network = NumpyNetwork(architecture, parameters)
    return network if carry_state else as_trained(network, architecture)


def numpy_seconds(architecture: Architecture, steps: int) -> float:
    """Return about how many seconds the network in NumPy takes for so many ``steps``, one after another."""
    return steps * (NUMPY_STEP + architecture.multiplications * NUMPY_MULTIPLICATION)


@cache
def can_compile() -> bool:
    """Return whether numba is installed and works; loading it takes some tenths of a second."""
    try:
        import numba  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        return False
    return True
