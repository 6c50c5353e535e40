"""The processes that train one model together, over `torch.distributed`.

Every process makes the same updates of the same weights; each computes the gradients of some shards of a batch. What
one of them alone can know (its clock, a signal) is agreed on, so that all take the same decisions. One process alone
is the same code with nothing to exchange.
"""

# torch types its collectives as partly unknown, and does not list its documented stores as exported.
# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from io import BytesIO
from itertools import accumulate
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from nextchar.errors import TrainingError
from nextchar.parallel import environment_number, even_shards, is_one_of_several

T = TypeVar("T")

MAX_EXACT_SHARDS = 8
"""Up to so many shards, each one's gradient is sent by itself, and all are added in the order of the shards."""
TIMEOUT = timedelta(minutes=30)
"""How long a process waits for another one: longer than reading a large text or writing samples takes."""


@dataclass(frozen=True)
class Processes:
    """This process and those it trains with; alone unless it says otherwise."""

    rank: int = 0
    """Number of this process, from 0; process 0 decides and writes."""
    count: int = 1
    local_count: int = 1
    """How many of them are on this machine."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that decides and writes."""
        return self.rank == 0

    def own(self, shards: int) -> range:
        """Return which of the ``shards`` of a batch this process computes, as even as can be."""
        mine = even_shards(shards, self.count)[self.rank]
        return range(mine.start, mine.stop)

    def broadcast(self, value: T) -> T:
        """Return the ``value`` of process 0."""
        if self.count == 1:
            return value
        held: list[Any] = [value if self.is_first else None]
        with _all_present():
            dist.broadcast_object_list(held, 0)
        return held[0]

    def receive(self) -> object:
        """Return what process 0 broadcasts, in any other process."""
        return self.broadcast(None)

    def gather(self, value: T) -> list[T]:
        """Return the ``value`` of every process, in their order."""
        if self.count == 1:
            return [value]
        packed = BytesIO()
        torch.save(value, packed)
        held: list[Any] = [None] * self.count
        with _all_present():
            dist.all_gather_object(held, packed.getvalue())
        return [torch.load(BytesIO(content), _onto_own_device, weights_only=False) for content in held]

    def add(self, own: Sequence[Sequence[Tensor]], shards: int, *, compressed: bool = False) -> list[Tensor]:
        """Return the sums over all ``shards`` of a batch.

        Up to `MAX_EXACT_SHARDS` on the CPU they are added in the order of the shards, so that the sums are the same,
        bit for bit, however many processes there are. Beyond that the order is that of the network.

        Args:
            own: for each shard that this process computes, in order, the same tensors.
            shards: how many there are in all, at least one for each process.
            compressed: whether the processes send bfloat16, as torch's ``bf16_compress_hook`` does for DDP.
        """
        if self.count == 1:
            return [reduce(torch.add, of_shards) for of_shards in zip(*own, strict=True)]
        rows = torch.stack([torch.cat([tensor.flatten() for tensor in tensors]) for tensors in own])  # (S / count, P)
        total = self._add_rows(rows, shards, compressed)  # (P,)
        return _as_parts(total, own[0])

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Set each of ``tensors`` to its mean over all processes.

        torch's `PeriodicModelAverager` does so for parameters alone, and makes each a view of one new tensor; but
        cuDNN wants the weights of a layer where it has put them.
        """
        if self.count == 1:
            return
        total = torch.cat([tensor.flatten() for tensor in tensors])
        with _all_present():
            dist.all_reduce(total)
        for tensor, mean in zip(tensors, _as_parts(total / self.count, tensors), strict=True):
            tensor.copy_(mean)

    def _add_rows(self, own: Tensor, shards: int, compressed: bool) -> Tensor:
        """Return the sum (P,) of the rows (S / count, P) of all processes."""
        if compressed or shards > MAX_EXACT_SHARDS or not own.is_cpu:
            total = reduce(torch.add, own)
            sent = total.bfloat16() if compressed else total
            with _all_present():
                dist.all_reduce(sent)
            return sent.float()
        sizes = [len(Processes(rank, self.count).own(shards)) for rank in range(self.count)]
        rows = own.new_zeros(max(sizes), own.shape[1])
        rows[: len(own)] = own
        gathered = [torch.empty_like(rows) for _ in sizes]
        with _all_present():
            dist.all_gather(gathered, rows)
        return reduce(torch.add, [rows[n] for rows, size in zip(gathered, sizes, strict=True) for n in range(size)])


ALONE = Processes()
"""One process."""


def _as_parts(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return what ``flat`` (P,) holds one after another, in tensors of the shapes of ``like``."""
    ends = list(accumulate(tensor.numel() for tensor in like))
    return [flat[end - tensor.numel() : end].view_as(tensor).clone() for tensor, end in zip(like, ends, strict=True)]


def _onto_own_device(storage: Any, location: str) -> Any:
    """Return ``storage``, of another process perhaps, on the device of this one that is of the same kind."""
    return storage if location == "cpu" else storage.cuda()


@contextmanager
def _all_present() -> Generator[None]:
    """Raise a `TrainingError` where another process has ended, or does not answer."""
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            f"Another process of this run has ended or cannot be reached ({str(error).splitlines()[0]}). What was "
            "saved is whole: start all processes again, with --resume auto."
        ) from error


def _init_process_group(backend: str) -> None:
    """Make the process group that the environment describes.

    torchrun's agent keeps one store for all its attempts. After a restart the processes would find the addresses of the
    attempt before in it, and wait for each other for ever: so each attempt has names of its own.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        dist.init_process_group(backend, timeout=TIMEOUT)
        return
    rank, count = environment_number("RANK", 0), environment_number("WORLD_SIZE", 1)
    address, port = os.environ["MASTER_ADDR"], environment_number("MASTER_PORT", 0)
    store = dist.TCPStore(address, port, count, is_master=False, timeout=TIMEOUT)
    attempt = f"nextchar/{environment_number('TORCHELASTIC_RESTART_COUNT', 0)}"
    prefixed = dist.PrefixStore(attempt, store)
    dist.init_process_group(backend, timeout=TIMEOUT, store=prefixed, rank=rank, world_size=count)


def _is_distributed() -> bool:
    """Return whether this process was started as one of several (``WORLD_SIZE``), or belongs to a process group."""
    return is_one_of_several() or (dist.is_available() and dist.is_initialized())


def join_processes() -> Processes:
    """Join the processes that the environment names, as torchrun and others set it; alone where it names none.

    A process group that exists already is taken as it is.

    Raises:
        TrainingError: the environment is incomplete, or the others cannot be reached.
    """
    if not _is_distributed():
        return ALONE
    if not dist.is_initialized():
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda":  # before anything is made on it
            torch.cuda.set_device(environment_number("LOCAL_RANK", 0) % torch.cuda.device_count())
        try:
            _init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise TrainingError(
                f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but the processes do not find each other: "
                f"{reason}. Start them with torchrun, or set RANK, WORLD_SIZE, MASTER_ADDR and "
                "MASTER_PORT for each. Where the name of this host leads nowhere, set GLOO_SOCKET_IFNAME to a network "
                "interface."
            ) from error
    return Processes(dist.get_rank(), dist.get_world_size(), environment_number("LOCAL_WORLD_SIZE", 1))
