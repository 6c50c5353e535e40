"""Updates of the weights: threads compute shards of a batch, gradients are summed, and the optimizer takes a step."""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nextchar.files.tensor_file import Arrays, under
from nextchar.networks.architecture import Ids, Parameters
from nextchar.networks.torch_network import LSTM, Dropout
from nextchar.networks.torch_processes import ALONE
from nextchar.networks.torch_threads import Compute, TorchThreads
from nextchar.parallel import one_numpy_thread
from nextchar.randomness import random_stream
from nextchar.training.batches import IGNORED
from nextchar.training.dataset import Dataset
from nextchar.training.device_batches import batches_on, to_device
from nextchar.training.factors import Factors
from nextchar.training.initial_weights import initial_parameters, keras_initial_parameters
from nextchar.training.optimizers import make_optimizer
from nextchar.training.plan import Plan
from nextchar.training.sampled_loss import most_frequent, sampled_cross_entropy
from nextchar.training.weight_dropout import WeightDropout

FREQUENT, DRAWN = 512, 1024
"""Where the loss is sampled: the most frequent ids, which are always compared, and how many others are drawn."""
WEIGHTS = "weights/"
"""Prefix of the names of the weights in a checkpoint."""


class Updates:
    """The weights of the network, and everything else that an update depends on besides its step."""

    def __init__(
        self, plan: Plan, dataset: Dataset, seed: int, compute: Compute, *, initial: Parameters | None = None
    ) -> None:
        """Make the network, its initial weights and the batches of the training text.

        Args:
            plan: every number that training follows.
            dataset: the text to learn from.
            seed: for the initial weights, the order of the data and dropout.
            compute: the device and its threads.
            initial: the initial weights; None draws them.
        """
        self._plan, training = plan, dataset.training
        self.architecture = plan.architecture(dataset.vocabulary.size)
        parameters = initial or self._draw_weights(random_stream(seed, "weights"), training)
        self.module = LSTM(self.architecture, parameters).to(compute.device)
        if plan.feeding.context_length is not None:
            self.module.prepare_windows()
        self._weights = self.module.tensors()
        vocabulary = dataset.vocabulary
        self._weight_dropout = WeightDropout(self._weights, plan.weight_dropout, seed)
        self._factors = Factors(vocabulary.token_texts(range(vocabulary.size)) if plan.factored else (), self._weights)
        self._optimizer = make_optimizer({**self._weights, **self._factors.changes}, plan)
        self.batches = plan.feeding.batches(training, seed)
        self._read = batches_on(compute.device, self.batches)
        self._processes = compute.processes
        self.threads = TorchThreads(plan.shards, compute.threads, compute.processes)
        sizes = [columns.stop - columns.start for columns in self.threads.shards(plan.feeding.batch)]
        sampled = None
        if plan.sampled:
            sampled = most_frequent(training, self.architecture.vocabulary_size, FREQUENT).to(compute.device)
        self._shards = {
            number: _Shard(self.module, plan, sizes[number], number, seed, sampled) for number in self.threads.own
        }

    def _draw_weights(self, random: np.random.Generator, training: Ids) -> Parameters:
        """Return the initial weights that the plan asks for."""
        with one_numpy_thread():
            if self._plan.initial_weights == "keras":
                return keras_initial_parameters(self.architecture, random)
            return initial_parameters(self.architecture, random, training)

    def parameters(self) -> Parameters:
        """Return a copy of the weights as they are now."""
        return self.module.export_parameters()

    def update(self, step: int, learning_rate: float) -> Tensor:
        """Make the update of ``step``, counted from 0; return the loss on its batch, in nats for each id."""
        inputs, targets = self._read.batch(step)  # (T, B)
        columns = self.threads.shards(inputs.shape[1])
        with self._weight_dropout.dropped(step) as kept:
            computed = self.threads.map_own(
                lambda number: self._shards[number].gradients(inputs, targets, columns[number])
            )
        own = columns[self.threads.own.stop - 1].stop - columns[self.threads.own.start].start
        loss, *gradients = self._sum(computed, own / inputs.shape[1])
        for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
            weight.grad = gradient.mul_(kept[name]) if name in kept else gradient
        if self._plan.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._weights.values(), self._plan.clip)
        self._factors.gather()
        self._optimizer.step(learning_rate)
        self._factors.apply()
        if self._plan.exchange == "local" and (step + 1) % self._plan.average_every == 0:
            self._average(self._weights.values())
        return loss

    def agree(self, loss: float) -> float:
        """Average over the processes, before a checkpoint, what they do not share yet; return the mean ``loss``."""
        if self._plan.exchange == "float32" or self._processes.count == 1:
            return loss
        losses = torch.tensor([loss], device=self.module.output.weight.device)
        moments = (value for values in self._optimizer.state.values() for value in values.values())
        local = (*self._weights.values(), *moments) if self._plan.exchange == "local" else ()
        self._average((losses, *local))
        return float(losses)

    @torch.no_grad()
    def _average(self, tensors: Iterable[Tensor]) -> None:
        self._processes.average(list(tensors))

    def _sum(self, computed: Sequence[Sequence[Tensor]], share: float) -> list[Tensor]:
        """Return the loss and the gradients that this process goes by.

        Args:
            computed: the same of each of its own shards.
            share: share of the batch that these are.
        """
        exchange, processes = self._plan.exchange, self._processes
        if exchange == "float32" or processes.count == 1:
            return processes.add(computed, self.threads.count)
        loss, *gradients = ALONE.add(computed, len(computed))
        if exchange == "local":
            return [loss / share, *(gradient / share for gradient in gradients)]
        return [loss / share, *processes.add([gradients], self.threads.count, compressed=True)]

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Return whether all weights and all values of the optimizer are finite, and so is the sum of each tensor."""
        kept = (value for values in self._optimizer.state.values() for value in values.values())
        sums = [tensor.sum() for tensor in (*self._weights.values(), *kept)]  # isfinite of each takes far longer
        return bool(torch.stack(sums).isfinite().all())  # waits for the device once

    def arrays(self) -> Arrays:
        """Return the weights, the values of the optimizer, and the hidden and random states of all shards."""
        arrays: Arrays = {f"{WEIGHTS}{name}": _copy(weight) for name, weight in self._weights.items()}
        for name, values in self._optimizer.state.items():
            arrays.update({f"optimizer/{name}/{key}": _copy(value) for key, value in values.items()})
        own = {
            f"shard{number}/{name}": array
            for number, shard in self._shards.items()
            for name, array in shard.arrays().items()
        }
        for of_shards in self._processes.gather(own):
            arrays.update(of_shards)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Restore what `arrays` returned."""
        self.module.load_parameters({name: arrays[f"{WEIGHTS}{name}"] for name in self._weights})
        for name, values in self._optimizer.state.items():
            for key, value in values.items():
                value.copy_(torch.from_numpy(arrays[f"optimizer/{name}/{key}"]))
        for number, shard in self._shards.items():
            shard.load(under(f"shard{number}/", arrays))


class _Shard:
    """Some columns of every batch, with the hidden state of their streams and a random generator of their own."""

    def __init__(  # noqa: PLR0917 (its number and size among the shards)
        self, module: LSTM, plan: Plan, size: int, number: int, seed: int, sampled: Tensor | None
    ) -> None:
        """Prepare a shard; ``sampled`` are the ids that a sampled loss always adds up, None for the loss of all."""
        self._module, self._sampled = module, sampled
        self._device, self._bfloat16 = module.output.weight.device, plan.precision == "bfloat16"
        self._generator = torch.Generator(self._device)
        self._generator.manual_seed(int(random_stream(seed, "dropout", number).integers(2**63)))
        self._dropout = Dropout(plan.input_dropout, plan.dropout, self._generator)
        self._state = module.initial_state(size) if plan.feeding.carries_state else None
        self._reads_windows = plan.feeding.context_length is not None
        self._has_gaps = plan.feeding.kind == "lines"

    def gradients(self, inputs: Tensor, targets: Tensor, columns: slice) -> tuple[Tensor, ...]:
        """Return this shard's share of the batch's mean loss, in nats, and then its gradients.

        Args:
            inputs: the whole batch, shape (T, B).
            targets: the ids to predict, shape (T, B), or (1, B) for the last step only.
            columns: the columns of this shard.
        """
        read, wanted = (batch[:, columns].contiguous() for batch in (inputs, targets))  # (T, b)
        size, weights = read.shape[1], list(self._module.tensors().values())
        if size == 0:  # the last batch of a pass has too few windows for every shard
            return (torch.zeros((), device=self._device), *map(torch.zeros_like, weights))
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16, cache_enabled=False):
            if self._reads_windows:
                outputs, after = self._module.read_windows(read, self._dropout), None  # (b, V)
            else:
                before = self._state or self._module.initial_state(size)
                outputs, after = self._module.read(read, before, self._dropout)  # (T, b, H)
                if self._sampled is None:
                    outputs = self._module.output(outputs)  # (T, b, V)
        share = size / inputs.shape[1]
        if self._has_gaps:
            share = torch.count_nonzero(wanted != IGNORED) / torch.count_nonzero(targets != IGNORED)
        loss = self._loss(outputs.float().flatten(0, -2), wanted.flatten()) * share
        gradients = torch.autograd.grad(loss, weights)
        if self._state is not None and after is not None:
            self._state = tuple((h.detach().float(), c.detach().float()) for h, c in after)
        return (loss.detach(), *gradients)

    def _loss(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss on the ids ``wanted`` (N,), given their logits (N, V), or what those are made of (N, H)
        where the loss is sampled."""
        if self._sampled is None:
            return functional.cross_entropy(outputs, wanted)
        layer, generator = self._module.output, self._dropout.generator
        return sampled_cross_entropy(outputs, wanted, layer, self._sampled, drawn=DRAWN, generator=generator)

    def arrays(self) -> Arrays:
        """Return the hidden state and the random state."""
        arrays: Arrays = {"random": self._generator.get_state().numpy().copy()}
        for layer, (h, c) in enumerate(self._state or ()):
            arrays[f"hidden/{layer}"], arrays[f"cell/{layer}"] = _copy(h), _copy(c)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Restore what `arrays` returned."""
        try:
            self._generator.set_state(torch.from_numpy(arrays["random"].copy()))
        except RuntimeError as error:
            raise ValueError(f"its random state is not one of torch's ({error})") from error
        if self._state is None:
            return
        self._state = tuple(
            (to_device(arrays[f"hidden/{layer}"], self._device), to_device(arrays[f"cell/{layer}"], self._device))
            for layer in range(len(self._state))
        )


def _copy(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy().copy()
