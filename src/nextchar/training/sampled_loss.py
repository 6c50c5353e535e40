"""The loss of a large vocabulary, from some of its ids: the others would take most of the time of an update.

The cross-entropy needs Z, the sum of e^z over all ids. It is estimated: the ids to predict and the most frequent ones
are added up as they are, and of the others some are drawn, each standing for as many as were not. The estimate of Z has
no bias, and varies little, since the others have little of the probability. Scores are never estimated.

Source: Jean, Cho, Memisevic and Bengio, "On using very large target vocabulary for neural machine translation" (2015).
"""

# torch types numpy arrays and the results of unique as unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nextchar.networks.architecture import Ids
from nextchar.training.batches import IGNORED
from nextchar.training.initial_weights import COUNTED


def most_frequent(training: Ids, vocabulary_size: int, count: int) -> Tensor:
    """Return the ``count`` most frequent ids of ``training`` (n,), in increasing order."""
    frequencies = np.bincount(np.asarray(training[:COUNTED], np.int64), minlength=vocabulary_size)
    return torch.from_numpy(np.sort(np.argsort(-frequencies, kind="stable")[:count]))


def sampled_cross_entropy(
    outputs: Tensor, wanted: Tensor, layer: nn.Linear, always: Tensor, *, drawn: int, generator: torch.Generator
) -> Tensor:
    """Return the estimated cross-entropy, in nats, of the ids to predict.

    Args:
        outputs: of the last layer, shape (N, H).
        wanted: the ids to predict, shape (N,); `IGNORED` where none is.
        layer: from outputs to logits, for V ids.
        always: ids that are always added up, shape (F,).
        drawn: how many ids to draw of all, of which those that are added up anyway are left out.
        generator: gives the random numbers.
    """
    known = torch.unique(torch.cat([always, wanted[wanted != IGNORED]]))  # (K,), in increasing order
    others = torch.randint(len(layer.bias), (drawn,), generator=generator, device=wanted.device)
    others = others[~torch.isin(others, known)]
    ids = torch.cat([known, others])
    logits = functional.linear(outputs, layer.weight[ids], layer.bias[ids])  # (N, C)
    if len(others):
        stands_for = (len(layer.bias) - len(known)) / len(others)
        logits = logits + torch.cat(
            [logits.new_zeros(len(known)), logits.new_full((len(others),), math.log(stands_for))]
        )
    places = torch.where(wanted == IGNORED, wanted, torch.searchsorted(known, wanted))
    return functional.cross_entropy(logits, places)
