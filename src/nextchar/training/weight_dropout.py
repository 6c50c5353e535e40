"""Dropout of recurrent weights: against learning by heart what a text says many times over.

In each update a share of the weights from one time step to the next is zero, other ones each time, and the rest is
scaled up to make up for it. So no weight can rely on another to be there. The network is read as ever, with the weights
that are left, all time steps and streams of an update with the same ones.

Source: Wan et al., "Regularization of neural networks using DropConnect" (2013); of LSTMs: Merity, Keskar and Socher,
"Regularizing and optimizing LSTM language models" (2018).
"""

# torch types some of its functions as partly unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from nextchar.networks.torch_network import Dropout
from nextchar.randomness import random_stream


class WeightDropout:
    """The recurrent weights of a network, of which a share is left out in each update."""

    def __init__(self, weights: Mapping[str, Tensor], share: float, seed: int) -> None:
        """Prepare dropout.

        Args:
            weights: those of the network by name, of which the recurrent matrices lose some.
            share: of the weights to leave out, in [0, 1).
            seed: which ones are left out depends on it and on the step alone.
        """
        recurrent = {name: weight for name, weight in weights.items() if name.endswith(".hidden_weight")}
        self._weights = recurrent if share else {}
        # Memory that is used again: that of a large matrix takes longer to get than to fill.
        self._whole = {name: torch.empty_like(weight, requires_grad=False) for name, weight in self._weights.items()}
        self._kept = {name: torch.empty_like(weight, requires_grad=False) for name, weight in self._weights.items()}
        self._share, self._seed = share, seed

    @contextmanager
    def dropped(self, step: int) -> Generator[dict[str, Tensor]]:
        """Leave out what is left out in the update of ``step``, until the end of the ``with``.

        Yields:
            For each of the matrices by name what its values were multiplied by, of its shape: 0, or what makes up for
            the others; as they are until the next update. The gradient of the whole matrix is that of the one that
            was read, times these.
        """
        for layer, (name, weight) in enumerate(self._weights.items()):
            self._whole[name].copy_(weight.detach())
            self._draw(self._kept[name], step, layer)
        try:
            with torch.no_grad():
                for name, weight in self._weights.items():
                    weight.mul_(self._kept[name])
            yield self._kept
        finally:
            with torch.no_grad():
                for name, weight in self._weights.items():
                    weight.copy_(self._whole[name])

    def _draw(self, kept: Tensor, step: int, layer: int) -> None:
        generator = torch.Generator(kept.device)
        generator.manual_seed(int(random_stream(self._seed, "weight dropout", step, layer).integers(2**63)))
        Dropout(0, 0, generator).draw(kept, self._share)
