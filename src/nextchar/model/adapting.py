"""Models that learn from the text they read: a copy of what learns, the model stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nextchar.errors import MissingDependencyError
from nextchar.model.model_file import ModelFile
from nextchar.model.scoring import ScoresIds
from nextchar.networks.adaptive_network import AdaptiveNetwork, NoNetwork
from nextchar.networks.architecture import Network
from nextchar.networks.blend import BlendNetwork
from nextchar.networks.headers import BlendHeader, NgramHeader
from nextchar.networks.kinds import WEIGHTS
from nextchar.networks.quantisation import quantised
from nextchar.networks.reading_along import COUNTS_ALONE, ReadingAlong
from nextchar.settings import Weights


def adaptive_network(file: ModelFile, network: Network[Any], learned: int | None = None) -> AdaptiveNetwork:
    """Return a network that reads along (`nextchar.networks.reading_along`).

    Args:
        file: the model.
        network: its network, compiled or not.
        learned: ids from the beginning of a text that are learned from; None is all.
    """
    alone = network.network if isinstance(network, BlendNetwork) else network
    if isinstance(file.architecture, NgramHeader):
        alone = NoNetwork(network.vocabulary_size)
    return AdaptiveNetwork(alone, lambda hidden: _begin_along(file, hidden), learned)


def _begin_along(file: ModelFile, hidden: int) -> ReadingAlong:
    """Return what is learned from a text, nothing yet, where the network's last layer has ``hidden`` outputs."""
    header = file.architecture
    if isinstance(header, BlendHeader):
        return ReadingAlong(header.vocabulary_size, hidden, file.counts, file.parameters[WEIGHTS])
    if isinstance(header, NgramHeader):
        weights = np.tile(np.array(COUNTS_ALONE, np.float32), (header.order + 1, 1))
        return ReadingAlong(header.vocabulary_size, hidden, file.counts, weights)
    return ReadingAlong(header.vocabulary_size, hidden)


def dynamic_scorer(
    file: ModelFile, network_for: Callable[[int], Network[Any]], *, carry_state: bool, weights: Weights
) -> ScoresIds:
    """Return a scorer whose weights learn from the text (`nextchar.model.dynamic_evaluation`).

    Args:
        file: the model.
        network_for: returns its network, given how many characters that writes.
        carry_state: whether a model trained on windows carries its state from character to character instead.
        weights: how they are stored.

    Raises:
        MissingDependencyError: torch is not installed.
        ModelFileError: the model has no network whose weights could learn.
    """
    try:
        from nextchar.model.dynamic_evaluation import OWN_TEXT, AdaptiveScorer
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError(
            'Adapting the weights needs torch, which is not installed: pip install "nextchar[train]". Adapting the '
            "counts and plain scoring work without it."
        ) from error
    architecture, parameters = file.lstm_for("Adapting the weights")
    if carry_state:
        architecture = architecture.model_copy(update={"context_length": None})
    if weights == "int8":
        parameters = quantised(architecture, parameters)
    along = _begin_along(file, 0) if file.has_memory else None
    return AdaptiveScorer(architecture, parameters, network_for(OWN_TEXT), file.vocabulary.start_id, along)
