"""Networks that run without torch."""

from nextchar.engine.numpy_network import NumpyNetwork as NumpyNetwork
