"""How the next character is drawn from the logits of a network. Pure functions, in float64, over the last axis.

Order: constraints, temperature, top-k, top-p, min-p, draw. None is off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextchar.errors import UsageError
from nextchar.settings import SamplingSettings

Distribution = NDArray[np.float64]


class SamplingOptions(TypedDict, total=False):
    """The options of `nextchar.settings.SamplingSettings` as keyword arguments; a test holds the two together."""

    length: int
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    adapt: bool
    max_copy: int | None
    stop: str | Sequence[str]
    seed: int | None


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Distribution:
    """Return the distribution over the last axis of ``logits`` (..., V), reweighted by ``temperature``.

    p_i = exp(z_i / t) / sum_j exp(z_j / t); temperature 0 puts all probability on the
    largest logit (the first of equals), the limit as t goes to 0. Logits may be -inf, but not all of them.

    Source: Ackley, Hinton and Sejnowski, "A learning algorithm for Boltzmann machines" (1985), section 2.
    """
    logits = np.asarray(logits, np.float64)
    if temperature == 0:
        return np.eye(logits.shape[-1])[logits.argmax(-1)]
    shifted = logits - logits.max(-1, keepdims=True)
    # With a tiny temperature this overflows to -inf, whose probability is 0, as it should be.
    with np.errstate(over="ignore"):
        powers = np.exp(shifted / temperature)
    return powers / powers.sum(-1, keepdims=True)


def log_normaliser(logits: NDArray[np.floating]) -> Distribution:
    """Return ln sum_i exp(z_i) over the last axis of ``logits`` (..., V), shape (...): ln p_i is z_i less this."""
    peak = logits.max(-1)  # (...)
    return peak + np.log(np.exp(logits - peak[..., None]).sum(-1, dtype=np.float64))


def entropy(distribution: Distribution) -> Distribution:
    """Return the sum of -p log2 p over the last axis of ``distribution`` (..., V), in bits, shape (...).

    Source: Shannon, "A mathematical theory of communication" (1948), section 6.
    """
    # 0 log 0 is 0, as its limit is.
    return -(distribution * np.log2(np.where(distribution > 0, distribution, 1.0))).sum(-1) + 0.0


def reweight_distribution(distribution: ArrayLike, temperature: float) -> Distribution:
    """Return ``distribution`` (..., V) reweighted by a softmax temperature.

    q_i = exp(log(p_i) / t) / sum_j exp(log(p_j) / t), which is p_i^(1/t), made to sum to one. A
    temperature below 1 makes the probable more probable, one above 1 flattens the distribution, 1 leaves it as it is,
    and 0 puts everything on the most probable (the first of equals). A probability of 0 stays 0.

    This is `reweight_distribution` of Chollet, "Deep learning with Python" (2018), section 8.1.2, without its
    division by zero and logarithm of zero, and always in float64.

    Args:
        distribution: probabilities that sum to one, shape (..., V), V at least 1.
        temperature: 0 or more.

    Raises:
        UsageError: the probabilities are negative, not finite or do not sum to one, or the temperature is negative.

    >>> import nextchar
    >>> nextchar.reweight_distribution([0.5, 0.3, 0.2], 0.5).round(3).tolist()
    [0.658, 0.237, 0.105]
    """
    if not (np.isfinite(temperature) and temperature >= 0):
        raise UsageError(f"The temperature {temperature} is not allowed: give 0 (greedy) or any number above it.")
    probabilities = _checked(np.asarray(distribution, np.float64))
    if temperature == 1:
        return _renormalise(probabilities)
    with np.errstate(divide="ignore"):
        return softmax(np.log(probabilities), temperature)


def sample_index(probabilities: ArrayLike, temperature: float, rng: np.random.Generator) -> int:
    """Draw an index from ``probabilities`` (V,) reweighted by ``temperature``, using one uniform number from ``rng``.

    Raises:
        UsageError: as `reweight_distribution`, or ``probabilities`` hold more than one distribution.

    >>> import numpy as np
    >>> import nextchar
    >>> rng = np.random.default_rng(0)
    >>> [nextchar.sample_index([0.5, 0.3, 0.2], 1.0, rng) for _ in range(5)]
    [1, 0, 0, 0, 2]
    """
    distribution = reweight_distribution(probabilities, temperature)
    if distribution.ndim != 1:
        raise UsageError(f"One distribution of shape (V,) is allowed, not {distribution.shape}: give one at a time.")
    return int(draw(distribution, rng.random()))


def keep_top_k(distribution: Distribution, k: int) -> Distribution:
    """Keep the ``k`` most probable of (..., V), and those exactly as probable as the k-th."""
    size = distribution.shape[-1]
    if k >= size:
        return distribution
    threshold = np.partition(distribution, size - k, -1)[..., size - k, None]
    return _renormalise(np.where(distribution >= threshold, distribution, 0))


def keep_top_p(distribution: Distribution, p: float) -> Distribution:
    """Keep the fewest most probable of (..., V) that together have a probability of at least ``p``, in (0, 1].

    Source: Holtzman et al., "The curious case of neural text degeneration" (2020), section 3.1.
    """
    order = np.argsort(-distribution, axis=-1, kind="stable")
    ordered = np.take_along_axis(distribution, order, -1)
    before = np.cumsum(ordered, -1) - ordered
    kept = np.where(before < p, ordered, 0)
    result = np.empty_like(distribution)
    np.put_along_axis(result, order, kept, -1)
    return _renormalise(result)


def keep_min_p(distribution: Distribution, share: float) -> Distribution:
    """Keep those of (..., V) that are at least ``share`` (0 to 1) times as probable as the most probable.

    Source: Nguyen et al., "Turning up the heat: min-p sampling" (2024), section 3.
    """
    threshold = share * distribution.max(-1, keepdims=True)
    return _renormalise(np.where(distribution >= threshold, distribution, 0))


def next_distribution(
    logits: NDArray[np.floating], settings: SamplingSettings, forbidden: tuple[int, ...] = ()
) -> Distribution:
    """Return the distribution that the next id is drawn from.

    Args:
        logits: of the network, shape (..., V), finite.
        settings: temperature, top_k, top_p and min_p are used.
        forbidden: ids that are never drawn.

    Returns:
        Probabilities of shape (..., V) that sum to one.
    """
    allowed: Distribution = np.array(logits, np.float64)
    allowed[..., list(forbidden)] = -np.inf
    distribution = softmax(allowed, settings.temperature)
    if settings.top_k is not None:
        distribution = keep_top_k(distribution, settings.top_k)
    if settings.top_p is not None:
        distribution = keep_top_p(distribution, settings.top_p)
    if settings.min_p is not None:
        distribution = keep_min_p(distribution, settings.min_p)
    return distribution


def draw(distribution: Distribution, uniform: ArrayLike) -> NDArray[np.intp]:
    """Return the ids (...) that ``uniform`` (...), in [0, 1), picks from ``distribution`` (..., V) by inverting its
    running sum."""
    running = np.cumsum(distribution, -1)  # (..., V)
    targets = np.asarray(uniform) * running[..., -1]  # (...)
    index = np.count_nonzero(running <= targets[..., None], -1)
    # Rounding may make the target equal to the last sum; ids of probability 0 are never returned.
    last = distribution.shape[-1] - 1 - np.argmax(distribution[..., ::-1] > 0, -1)
    return np.minimum(index, last)


def _checked(probabilities: Distribution) -> Distribution:
    if probabilities.ndim == 0 or probabilities.shape[-1] == 0:
        raise UsageError(f"A distribution needs at least one probability; its shape is {probabilities.shape}.")
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        raise UsageError("Probabilities must be finite and not negative; logits go through a softmax first.")
    total = probabilities.sum(-1)
    if not np.allclose(total, 1, rtol=0, atol=1e-3):
        raise UsageError(
            f"Probabilities must sum to one, and these sum to {np.ravel(total)[0]:g}: divide them by their sum."
        )
    return probabilities


def _renormalise(distribution: Distribution) -> Distribution:
    return distribution / distribution.sum(-1, keepdims=True)
