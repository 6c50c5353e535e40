"""One update of the weights after another: batches read in parts side by side, gradients added up, an optimizer."""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nextchar.architecture import Ids, Parameters
from nextchar.batches import ParallelStreams, ShuffledWindows
from nextchar.initialisation import initial_parameters, keras_initial_parameters
from nextchar.lstm import LSTM, Dropout
from nextchar.optimizers import make_optimizer
from nextchar.plan import Plan
from nextchar.randomness import random_stream
from nextchar.tensor_file import Arrays
from nextchar.workers import Workers


class Updates:
    """The weights of a plan's network, and all that an update of them depends on beside the step's number."""

    def __init__(
        self, plan: Plan, vocabulary_size: int, training: Ids, *, seed: int, device: torch.device, threads: int
    ) -> None:
        """Make the network, its first weights, and the batches of ``training`` (n,).

        Args:
            plan: every number.
            vocabulary_size: V.
            training: ids to learn from.
            seed: of the initial weights, the order of the data and dropout.
            device: where to compute.
            threads: to compute with on the CPU.
        """
        self._plan, self._device = plan, device
        self.architecture = plan.architecture(vocabulary_size)
        random = random_stream(seed, "weights")
        if plan.initial_weights == "keras":
            parameters = keras_initial_parameters(self.architecture, random)
        else:
            parameters = initial_parameters(self.architecture, random, training)
        self.module = LSTM(self.architecture, parameters).to(device)
        if plan.stride is not None:
            self.module.prepare_windows()
        self._weights = self.module.tensors()
        self._optimizer = make_optimizer(self._weights, plan)
        self.batches = _make_batches(plan, training, seed)
        self.workers = Workers(plan.shards, threads)
        widths = [where.stop - where.start for where in self.workers.parts(plan.streams)]
        self._parts = [_Part(self.module, plan, width, number, seed) for number, width in enumerate(widths)]

    def parameters(self) -> Parameters:
        """Return a copy of the weights as they are now."""
        return self.module.export_parameters()

    def update(self, step: int, learning_rate: float) -> Tensor:
        """Make the update of ``step``, counted from 0; return the loss before it, in nats per character."""
        inputs, targets = self.batches.batch(step)  # (T, B)
        columns = self.workers.parts(inputs.shape[1])
        computed = self.workers.map(lambda number: self._parts[number].gradients(inputs, targets, columns[number]))
        losses, gradients = zip(*computed, strict=True)
        for weight, parts in zip(self._weights.values(), zip(*gradients, strict=True), strict=True):
            weight.grad = reduce(torch.add, parts)
        if self._plan.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._weights.values(), self._plan.clip)
        self._optimizer.step(learning_rate)
        return torch.stack(losses).sum()

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Return whether the weights and what the optimizer keeps are numbers."""
        kept = (value for values in self._optimizer.state.values() for value in values.values())
        return all(bool(torch.isfinite(tensor).all()) for tensor in (*self._weights.values(), *kept))

    def arrays(self) -> Arrays:
        """Return weights, optimizer, hidden state and random state."""
        arrays: Arrays = {}
        for name, weight in self._weights.items():
            arrays[f"weights/{name}"] = _copy(weight)
            for key, value in self._optimizer.state[name].items():
                arrays[f"optimizer/{name}/{key}"] = _copy(value)
        for number, part in enumerate(self._parts):
            arrays.update({f"part{number}/{name}": array for name, array in part.arrays().items()})
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go back to what `arrays` returned."""
        self.module.load_parameters({name: arrays[f"weights/{name}"] for name in self._weights})
        for name, values in self._optimizer.state.items():
            for key, value in values.items():
                value.copy_(torch.from_numpy(arrays[f"optimizer/{name}/{key}"]))
        for number, part in enumerate(self._parts):
            part.load(_under(f"part{number}/", arrays))


def _make_batches(plan: Plan, training: Ids, seed: int) -> ParallelStreams | ShuffledWindows:
    if plan.stride is not None:
        return ShuffledWindows(training, plan.streams, plan.window, plan.stride, seed)
    offset = int(random_stream(seed, "order").integers(len(training)))
    return ParallelStreams(training, plan.streams, plan.window, offset)


class _Part:
    """Some columns of the batches, with the state their streams have come to and a random stream of its own."""

    def __init__(self, module: LSTM, plan: Plan, width: int, number: int, seed: int) -> None:
        self._module = module
        self._device, self._bfloat16 = module.output.weight.device, plan.precision == "bfloat16"
        self._generator = torch.Generator(self._device)
        self._generator.manual_seed(int(random_stream(seed, "dropout", number).integers(2**63)))
        self._dropout = Dropout(plan.input_dropout, plan.dropout, self._generator)
        # Windows begin at the zero state, streams where they were.
        self._state = module.initial_state(width) if plan.stride is None else None

    def gradients(
        self, inputs: NDArray[np.int64], targets: NDArray[np.int64], columns: slice
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return this part's share of the batch's mean loss, in nats, and its gradients.

        Args:
            inputs: the whole batch, shape (T, B).
            targets: the ids after the last steps of it, shape (T, B) or (1, B).
            columns: those of this part.
        """
        read, wanted = (_to_device(batch[:, columns], self._device) for batch in (inputs, targets))  # (T, b)
        width, weights = read.shape[1], list(self._module.tensors().values())
        if width == 0:  # the last windows of a pass were too few for every part
            return torch.zeros((), device=self._device), tuple(map(torch.zeros_like, weights))
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16, cache_enabled=False):
            if self._state is None:
                logits, after = self._module.read_windows(read, self._dropout), None  # (b, V)
            else:
                logits, after = self._module(read, self._state, self._dropout)  # (T, b, V)
        loss = functional.cross_entropy(logits.float().flatten(0, -2), wanted.flatten()) * (width / inputs.shape[1])
        gradients = torch.autograd.grad(loss, weights)
        if after is not None:
            self._state = tuple((h.detach().float(), c.detach().float()) for h, c in after)
        return loss.detach(), gradients

    def arrays(self) -> Arrays:
        """Return the state and the random state."""
        arrays: Arrays = {"random": self._generator.get_state().numpy().copy()}
        for layer, (h, c) in enumerate(self._state or ()):
            arrays[f"hidden/{layer}"], arrays[f"cell/{layer}"] = _copy(h), _copy(c)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go back to what `arrays` returned."""
        try:
            self._generator.set_state(torch.from_numpy(arrays["random"].copy()))
        except RuntimeError as error:
            raise ValueError(f"its random state is none of torch's ({error})") from error
        if self._state is None:
            return
        self._state = tuple(
            (_to_device(arrays[f"hidden/{layer}"], self._device), _to_device(arrays[f"cell/{layer}"], self._device))
            for layer in range(len(self._state))
        )


def _under(prefix: str, arrays: Arrays) -> Arrays:
    """Return the arrays whose names begin with ``prefix``, under the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(array.copy()).to(device)


def _copy(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy().copy()
