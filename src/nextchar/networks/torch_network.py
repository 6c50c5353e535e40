"""The trainable network, in torch, following the equations of `nextchar.networks.architecture`.

Each layer is an `nn.LSTM` of one layer, which runs as one fused kernel on the CPU (oneDNN) and on CUDA (cuDNN). torch
keeps two biases a layer; the second one stays zero and is not trained. Many short windows are read by
`nextchar.networks.torch_windows` where possible.
"""

# torch types numpy arrays as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from nextchar.networks.architecture import Architecture, Floats, Ids, Network, Parameters, State
from nextchar.networks.engine import can_compile
from nextchar.networks.windowed import as_trained

TorchState = tuple[tuple[Tensor, Tensor], ...]
"""(h, c) of each layer, each of shape (1, B, H)."""


class LSTM(nn.Module):
    """Embedding or one-hot, stacked LSTM layers, and a linear layer to the logits."""

    def __init__(self, architecture: Architecture, parameters: Parameters) -> None:
        """Make the network with ``parameters``, an array for every name of the architecture."""
        super().__init__()
        self.architecture = architecture
        vocabulary, embedding = architecture.vocabulary_size, architecture.embedding
        self.embedding = None if embedding is None else nn.Embedding(vocabulary, embedding)
        self.layers = [
            nn.LSTM(inputs, hidden)
            for inputs, hidden in zip(architecture.input_sizes, architecture.hidden, strict=True)
        ]
        self.registered_layers = nn.ModuleList(self.layers)  # makes torch know their weights
        self.output = nn.Linear(architecture.hidden[-1], vocabulary)
        for layer in self.layers:
            layer.get_parameter("bias_hh_l0").requires_grad_(False)
        self.load_parameters(parameters)

    def forward(
        self, ids: Tensor, state: TorchState, dropout: Dropout | None = None, last: int | None = None
    ) -> tuple[Tensor, TorchState]:
        """Read ``ids`` (T, B) after ``state``; return the logits (T, B, V), only of the ``last`` steps if given, and
        the state after."""
        x, after = self.read(ids, state, dropout)
        return self.output(x if last is None else x[-last:]), after  # (T, B, V)

    def read(self, ids: Tensor, state: TorchState, dropout: Dropout | None = None) -> tuple[Tensor, TorchState]:
        """Read ``ids`` (T, B) after ``state``; return the outputs (T, B, H) of the last layer, and the state after."""
        if self.embedding is None:
            x = functional.one_hot(ids, self.architecture.vocabulary_size).to(self.output.weight.dtype)  # (T, B, V)
        else:
            x = self.embedding(ids)  # (T, B, E)
        if dropout is not None:
            x = dropout(x, dropout.input_share)
        after: list[tuple[Tensor, Tensor]] = []
        for layer, before in zip(self.layers, state, strict=True):
            x, end = layer(x, before)  # (T, B, H)
            after.append(end)
            if dropout is not None:
                x = dropout(x, dropout.output_share)  # (T, B, H)
        return x, tuple(after)

    def read_windows(self, ids: Tensor, dropout: Dropout) -> Tensor:
        """Return the logits (B, V) after windows ``ids`` (T, B), each read from the zero state."""
        if self._has_compiled_windows and dropout.input_share == 0:
            from nextchar.networks.torch_windows import read_windows

            weights = self.tensors()
            inputs = weights["layer0.input_weight"].t()  # (E or V, 4H)
            product = inputs if self.embedding is None else self.embedding.weight @ inputs  # (V, 4H)
            h = read_windows(ids, product + weights["layer0.bias"], weights["layer0.hidden_weight"])  # (B, H)
            return self.output(dropout(h, dropout.output_share))
        logits, _ = self(ids, self.initial_state(ids.shape[1]), dropout, last=1)
        return logits[0]

    def prepare_windows(self) -> None:
        """Load what `read_windows` needs, so that no update waits for it."""
        if self._has_compiled_windows:
            from nextchar.networks.torch_windows import compile_loops

            compile_loops()

    @property
    def _has_compiled_windows(self) -> bool:
        return self.architecture.layers == 1 and self.output.weight.is_cpu and can_compile()

    def initial_state(self, batch: int) -> TorchState:
        """Return the zero state of ``batch`` texts."""
        weight = self.output.weight
        return tuple(
            (weight.new_zeros(1, batch, hidden), weight.new_zeros(1, batch, hidden))
            for hidden in self.architecture.hidden
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the trained tensor behind each name of the architecture."""
        tensors: dict[str, Tensor] = {}
        if self.embedding is not None:
            tensors["embedding"] = self.embedding.weight
        for index, layer in enumerate(self.layers):
            tensors[f"layer{index}.input_weight"] = layer.get_parameter("weight_ih_l0")
            tensors[f"layer{index}.hidden_weight"] = layer.get_parameter("weight_hh_l0")
            tensors[f"layer{index}.bias"] = layer.get_parameter("bias_ih_l0")
        tensors["output.weight"] = self.output.weight
        tensors["output.bias"] = self.output.bias
        return tensors

    def export_parameters(self) -> Parameters:
        """Return a copy of the parameters as float32 arrays."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.tensors().items()}

    @torch.no_grad()
    def load_parameters(self, parameters: Parameters) -> None:
        """Copy ``parameters``, an array for every name of the architecture, into the network."""
        for name, tensor in self.tensors().items():
            tensor.copy_(torch.from_numpy(parameters[name]))
        for layer in self.layers:
            layer.get_parameter("bias_hh_l0").zero_()


class Dropout:
    """Dropout with its own generator, so that nothing else shifts its draws and a checkpoint can store it.

    Source: Srivastava et al., "Dropout" (2014); only between layers, not on the recurrent state: Zaremba, Sutskever and
    Vinyals, "Recurrent neural network regularization" (2014).
    """

    def __init__(self, input_share: float, output_share: float, generator: torch.Generator) -> None:
        """``input_share`` of the embedding and ``output_share`` of each layer's output are dropped, both in [0, 1)."""
        self.input_share, self.output_share = input_share, output_share
        self.generator = generator

    def __call__(self, x: Tensor, share: float) -> Tensor:
        """Return ``x``, any shape, with a ``share`` of its values zeroed and the others scaled up to make up for it."""
        return x * self.draw(torch.empty_like(x, requires_grad=False), share) if share else x

    def draw(self, factors: Tensor, share: float) -> Tensor:
        """Fill ``factors``, any shape, with 0 for a ``share`` of them and what makes up for it elsewhere."""
        # Sixteen random bits decide on a value. Drawn for four values at once, they take a third of bernoulli_'s time.
        bits = torch.empty(-(-factors.numel() // 4), dtype=torch.int64, device=factors.device)
        bits.random_(-(2**63), None, generator=self.generator)
        drawn = bits.view(torch.int16)[: factors.numel()].view(factors.shape)
        return factors.copy_(drawn >= min(round(share * 2**16), 2**16 - 1) - 2**15).mul_(1 / (1 - share))


class TorchNetwork:
    """The trainable network as a `nextchar.networks.architecture.Network` that carries its state, for scoring during
    training."""

    context_length: int | None = None
    """The state depends on all ids before it."""

    def __init__(self, module: LSTM) -> None:
        self.module = module
        self.vocabulary_size = module.architecture.vocabulary_size

    def initial_state(self, batch: int) -> State:
        """Return the zero state of ``batch`` texts."""
        return State.zero(self.module.architecture, batch)

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        logits, after = self._forward(ids, state, None)
        return logits.cpu().numpy(), after

    def read(self, ids: Ids) -> Floats:
        """Return the logits (B, V) after the last of ``ids`` (B, T), read from the zero state."""
        return self._forward(ids, self.initial_state(len(ids)), 1)[0][:, 0].cpu().numpy()

    @torch.no_grad()
    def _forward(self, ids: Ids, state: State, last: int | None) -> tuple[Tensor, State]:
        """Return the logits (B, T, V), of the ``last`` steps if given, and the state after."""
        device = self.module.output.weight.device
        read = torch.from_numpy(np.array(ids.T, np.int64)).to(device)  # (T, B)
        before = tuple(
            (torch.from_numpy(h)[None].to(device), torch.from_numpy(c)[None].to(device))
            for h, c in zip(state.hidden, state.cell, strict=True)
        )
        logits, after = self.module(read, before, None, last)  # (T, B, V)
        hidden, cell = (tuple(pair[part][0].cpu().numpy() for pair in after) for part in (0, 1))
        return logits.transpose(0, 1), State(hidden, cell)


class DeviceNetwork(TorchNetwork):
    """The trainable network on a GPU, which scores there: a number for each id comes back, and no logits."""

    def score(self, ids: Ids, targets: Ids, state: State) -> tuple[NDArray[np.float64], State]:
        """Read ``ids`` (B, T) on from ``state``; return log2 p of ``targets`` (B, T) and the state after."""
        logits, after = self._forward(ids, state, None)  # (B, T, V)
        wanted = torch.from_numpy(np.array(targets, np.int64)).to(logits.device)
        chosen = logits.log_softmax(-1).gather(-1, wanted[..., None])[..., 0]  # (B, T)
        return chosen.cpu().numpy().astype(np.float64) / np.log(2), after


def make_torch_network(module: LSTM) -> Network[Any]:
    """Return ``module`` as the network of its architecture."""
    network = TorchNetwork(module) if module.output.weight.is_cpu else DeviceNetwork(module)
    return as_trained(network, module.architecture)
