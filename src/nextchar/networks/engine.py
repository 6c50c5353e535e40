"""The engines that run without torch: a readable network in NumPy, and one with compiled loops."""

from __future__ import annotations

from functools import cache
from typing import Any

from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.lines import in_lines
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.quantisation import quantised
from nextchar.networks.windowed import as_trained
from nextchar.settings import Weights

NUMPY_STEP, NUMPY_MULTIPLICATION = 60e-6, 0.2e-9
"""Seconds that NumPy takes for a character in any network, and for each multiplication (benchmarks/engine.py)."""


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
        compiled: use the compiled network if numba is installed.
        carry_state: let a network that was trained in windows carry its state from character to character. That is
            many times faster, but gives other probabilities.
        weights: int8 rounds them to eight bits (`quantisation`), in either network.
    """
    if weights == "int8":
        parameters = quantised(architecture, parameters)
    if compiled and can_compile():
        from nextchar.networks.compiled_network import CompiledNetwork, compile_kernels

        compile_kernels(weights)
        network = CompiledNetwork(architecture, parameters, weights)
    else:
        network = NumpyNetwork(architecture, parameters)
    return in_lines(network, architecture.line_end) if carry_state else as_trained(network, architecture)


def numpy_seconds(architecture: Architecture, steps: int) -> float:
    """Return roughly how many seconds the NumPy network takes for ``steps``, one after another."""
    return steps * (NUMPY_STEP + architecture.multiplications * NUMPY_MULTIPLICATION)


@cache
def can_compile() -> bool:
    """Return whether numba is installed and works; loading it takes a few tenths of a second."""
    try:
        import numba  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        return False
    return True
