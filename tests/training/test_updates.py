"""One update after another: the loss before it, the weights after it, and going back."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.model.sampling import softmax
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.torch_threads import Compute
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from nextchar.training.updates import Updates

VOCABULARY = Vocabulary("abcdefg", has_unknown=False)
IDS = np.random.default_rng(0).integers(0, 7, 200)


def make_updates(*, shards: int = 2, dropout: float = 0.0, clip: float | None = 1.0) -> Updates:
    plan = Plan(
        hidden=(6,), embedding=3, input_dropout=0.0, dropout=dropout, feeding=Streams(batch=4, window=5),
        shards=shards, steps=9, learning_rate=0.1, warm_up=1, weight_decay=0.0, clip=clip, checkpoint_every=3,
    )  # fmt: skip
    return Updates(plan, Dataset(IDS, IDS[:0], VOCABULARY), 1, Compute())


def test_the_loss_is_that_of_the_weights_before_the_update() -> None:
    updates = make_updates()
    network = NumpyNetwork(updates.architecture, updates.parameters())
    inputs, targets = updates.batches.batch(0)  # (T, B)
    logits, _ = network.forward(inputs.T, network.initial_state(4))  # (B, T, V)
    probabilities = np.take_along_axis(softmax(logits.astype(float)), targets.T[..., None], -1)
    assert float(updates.update(0, 0.1)) == pytest.approx(-np.log(probabilities).mean(), abs=1e-5)


def test_an_update_changes_all_weights_and_a_rate_of_nothing_none() -> None:
    updates = make_updates()
    before = updates.parameters()
    updates.update(0, 0.0)
    for name, array in updates.parameters().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    updates.update(1, 0.1)
    assert all(not np.array_equal(array, before[name]) for name, array in updates.parameters().items())


def test_shards_add_up_to_the_whole_batch() -> None:
    whole, divided = make_updates(shards=1), make_updates(shards=3)
    assert float(whole.update(0, 0.1)) == pytest.approx(float(divided.update(0, 0.1)), abs=1e-6)
    for name, array in whole.parameters().items():
        np.testing.assert_allclose(divided.parameters()[name], array, atol=1e-3, err_msg=name)


def test_going_back_repeats_the_same_updates() -> None:
    updates = make_updates(dropout=0.3)
    updates.update(0, 0.1)
    saved = updates.arrays()
    loss, after = float(updates.update(1, 0.1)), updates.parameters()
    updates.load(saved)
    assert float(updates.update(1, 0.1)) == loss
    for name, array in updates.parameters().items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


def test_weights_that_are_no_numbers_are_found() -> None:
    updates = make_updates(clip=None)
    assert updates.is_finite()
    updates.update(0, float("inf"))
    assert not updates.is_finite()
