"""The speed of training on this machine: seconds of an update, and of an exchange between processes."""

# torch types some of its functions as partly unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import time

import numpy as np
import torch

from nextchar.errors import TrainingError
from nextchar.networks.torch_threads import Compute
from nextchar.text.tokenizer import Tokenizer
from nextchar.training.dataset import Dataset
from nextchar.training.events import Progress
from nextchar.training.initial_weights import uniform_parameters
from nextchar.training.plan import Plan
from nextchar.training.trainer import Trainer, computes

TRIAL_UPDATES, GPU_TRIAL_UPDATES = 2, 10
"""Updates of an interval that is timed; a GPU computes them while the program continues."""
MAX_TRIAL_SECONDS = 4.0
"""Time after which two intervals are enough to tell the seconds of an update."""
EXCHANGES = 5
"""Exchanges that are timed."""


def measure_step(plan: Plan, vocabulary: Tokenizer, compute: Compute, seconds: float = 0.25) -> float:
    """Return the seconds that an update of ``plan`` takes on this machine now, measured for about ``seconds``; infinity
    if it does not support that precision, or a GPU has too little memory."""
    if not computes(plan, compute):
        return math.inf
    try:
        return _time_step(plan, vocabulary, compute, seconds)
    except TrainingError as error:
        if isinstance(error.__cause__, torch.OutOfMemoryError):
            return math.inf
        raise


def _time_step(plan: Plan, vocabulary: Tokenizer, compute: Compute, seconds: float) -> float:
    """Return the seconds that an update of ``plan`` takes, measured for about ``seconds``."""
    feeding = plan.feeding
    ids = feeding.example(vocabulary.size)
    # A tiny learning rate: only time is measured, and a trial must not diverge.
    every = TRIAL_UPDATES if compute.device.type == "cpu" else GPU_TRIAL_UPDATES
    changes = {"steps": 1_000_000, "checkpoint_every": every, "learning_rate": 1e-12}
    trial = plan.model_copy(update={**changes, "feeding": feeding.over(len(ids))})
    weights = uniform_parameters(plan.architecture(vocabulary.size), np.random.default_rng(0))
    trainer = Trainer(trial, Dataset(ids, ids[:0], vocabulary), seed=0, compute=compute, initial=weights)
    times: list[float] = []
    for event in trainer.run():
        if isinstance(event, Progress) and trainer.state.step % trial.checkpoint_every == 0:
            times.append(trainer.state.seconds)
            # By a clock that all processes agree on; a slow network gives two intervals in that time at most.
            if times[-1] > (seconds if len(times) > 2 else MAX_TRIAL_SECONDS) and len(times) > 1:
                break
    trainer.close()
    # The first interval warms up caches and kernels. Short bursts of other programs do not change the median of many; a
    # slow network has two, and its plan follows the clock soon.
    return float(np.median(np.diff(times))) / trial.checkpoint_every


def measure_exchange(plan: Plan, vocabulary: Tokenizer, compute: Compute) -> float:
    """Return the seconds that one exchange of ``plan`` takes in all processes together."""
    processes, parameters = compute.processes, plan.architecture(vocabulary.size).parameter_count
    values = torch.zeros(parameters, device=compute.device)
    own = [[values] for _ in processes.own(plan.shards)]
    times: list[float] = []
    for _ in range(EXCHANGES):
        processes.broadcast(None)  # begin together
        began = time.perf_counter()
        if plan.exchange == "local":
            processes.average([values])
        else:
            values = processes.add(own, plan.shards, compressed=plan.exchange == "bfloat16")[0]
        float(values[0])  # waits for the device
        times.append(time.perf_counter() - began)
    return processes.broadcast(float(np.median(times[1:])))  # the first one makes connections
