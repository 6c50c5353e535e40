"""One update after another: the loss before it, the weights after it, and going back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from nextchar.model.sampling import softmax
from nextchar.networks.architecture import Ids, Parameters
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.torch_processes import ALONE, Processes, join_processes
from nextchar.networks.torch_threads import Compute
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.exchange import WAYS, Way
from nextchar.training.feeding import Lines, Streams
from nextchar.training.plan import Plan
from nextchar.training.updates import Updates
from nextchar.training.weight_dropout import WeightDropout
from tests.devices import exact_products, on_devices, skip_without
from tests.forked import called_together
from tests.training.test_trainer import DATASET, make_plan, windows_plan

VOCABULARY = Vocabulary("abcdefg", has_unknown=False)
SYLLABLES = Vocabulary("가각나다라마바", has_unknown=False)
IDS = np.random.default_rng(0).integers(0, 7, 200)


def make_updates(
    *,
    shards: int = 2,
    dropout: float = 0.0,
    weight_dropout: float = 0.0,
    clip: float | None = 1.0,
    way: Way = WAYS[0],
    processes: Processes = ALONE,
    initial_weights: Literal["frequencies", "keras"] = "frequencies",
    vocabulary: Vocabulary = VOCABULARY,
    ids: Ids = IDS,
) -> Updates:
    plan = Plan(
        hidden=(6,), embedding=3, input_dropout=0.0, dropout=dropout, feeding=Streams(batch=4, window=5),
        shards=shards, steps=9, learning_rate=0.1, warm_up=1, weight_decay=0.0, clip=clip, checkpoint_every=3,
        exchange=way.exchange, average_every=way.every, initial_weights=initial_weights,
        factored=vocabulary is SYLLABLES, weight_dropout=weight_dropout,
    )  # fmt: skip
    return Updates(plan, Dataset(ids, ids[:0], vocabulary), 1, Compute(processes=processes))


def test_the_loss_is_that_of_the_weights_before_the_update() -> None:
    updates = make_updates()
    network = NumpyNetwork(updates.architecture, updates.parameters())
    inputs, targets = updates.batches.batch(0)  # (T, B)
    logits, _ = network.forward(inputs.T, network.initial_state(4))  # (B, T, V)
    probabilities = np.take_along_axis(softmax(logits.astype(float)), targets.T[..., None], -1)
    assert float(updates.update(0, 0.1)) == pytest.approx(-np.log(probabilities).mean(), abs=1e-5)


@pytest.mark.parametrize("weights", ["frequencies", "keras"])
def test_matrices_are_factored_by_one_thread(
    weights: Literal["frequencies", "keras"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several wait for each other where another program has a core, ten times as long."""
    seen = list[list[int]]()  # no thread is seen where NumPy computes with a library that threadpoolctl does not know
    factor = np.linalg.qr

    def counted(matrix: np.ndarray) -> Any:
        seen.append([library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"])
        return factor(matrix)

    monkeypatch.setattr(np.linalg, "qr", counted)
    make_updates(initial_weights=weights)
    assert seen
    assert all(set(threads) <= {1} for threads in seen)


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


@pytest.mark.parametrize("vocabulary", [VOCABULARY, SYLLABLES], ids=["letters", "syllables"])
def test_going_back_repeats_the_same_updates(vocabulary: Vocabulary) -> None:
    updates = make_updates(dropout=0.3, weight_dropout=0.4, vocabulary=vocabulary)
    updates.update(0, 0.1)
    saved = updates.arrays()
    loss, after = float(updates.update(1, 0.1)), updates.parameters()
    updates.load(saved)
    assert float(updates.update(1, 0.1)) == loss
    for name, array in updates.parameters().items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


@pytest.mark.parametrize("shards", [1, 2])
def test_an_update_reads_with_the_recurrent_weights_that_are_left(shards: int) -> None:
    updates, same = (make_updates(weight_dropout=share, shards=shards, clip=None) for share in (0.5, 0.0))
    with WeightDropout(same.module.tensors(), 0.5, seed=1).dropped(0) as kept:
        wanted = same.update(0, 0.0)
    assert float(updates.update(0, 0.0)) == float(wanted)
    gradients, of_whole = (
        {name: weight.grad for name, weight in each.module.tensors().items() if weight.grad is not None}
        for each in (updates, same)
    )
    assert list(gradients) == list(updates.module.tensors())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, of_whole[name] * kept.get(name, 1), msg=name)
    assert (gradients["layer0.hidden_weight"] == 0).equal(kept["layer0.hidden_weight"] == 0)


def test_a_syllable_that_never_comes_is_learned_by_its_letters() -> None:
    without_first = np.where(IDS == 0, 1, IDS)
    vocabularies = {"letters": VOCABULARY, "syllables": SYLLABLES}
    changes: dict[str, Any] = {}
    for name, vocabulary in vocabularies.items():
        updates = make_updates(vocabulary=vocabulary, ids=without_first)
        before = updates.parameters()["embedding"]
        updates.update(0, 0.1)
        changes[name] = updates.parameters()["embedding"] - before
    assert not changes["letters"][0].any()
    # 가 has the initial, the medial, and both together, in common with 각: three of the four factors of each.
    assert changes["syllables"][0].any()
    assert np.abs(changes["syllables"]).max() > np.abs(changes["letters"]).max()


def test_weights_that_are_no_numbers_are_found() -> None:
    updates = make_updates(clip=None)
    assert updates.is_finite()
    updates.update(0, float("inf"))
    assert not updates.is_finite()


@pytest.mark.parametrize("wrong", [[float("inf")], [float("-inf")], [float("nan")], [float("inf"), float("-inf")]])
@pytest.mark.parametrize("name", ["weights/layer0.hidden_weight", "optimizer/output.bias/exp_avg_sq"])
def test_one_value_that_is_no_number_is_found(name: str, wrong: list[float]) -> None:
    updates = make_updates()
    arrays = updates.arrays()
    arrays[name].flat[: len(wrong)] = wrong
    updates.load(arrays)
    assert not updates.is_finite()


def _two_updates(way: Way) -> tuple[Parameters, Parameters, float, Parameters]:
    """Return the weights after each of two updates of this process, its mean loss with the other's, and what a
    checkpoint holds then."""
    updates = make_updates(way=way, processes=join_processes())
    losses = [float(updates.update(0, 0.1))]
    first = updates.parameters()
    losses.append(float(updates.update(1, 0.1)))
    second = updates.parameters()
    loss = updates.agree(sum(losses) / 2)
    return first, second, loss, updates.arrays()


def _bfloat16() -> tuple[Parameters, Parameters, float, Parameters]:
    return _two_updates(Way("bfloat16"))


def _local() -> tuple[Parameters, Parameters, float, Parameters]:
    return _two_updates(Way("local", 2))


def _lonely() -> tuple[Parameters, Parameters, float, Parameters]:
    """The same, without an average before the checkpoint."""
    return _two_updates(Way("local", 3))


def assert_all_close(ours: Mapping[str, Any], theirs: Mapping[str, Any], atol: float = 0.0) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=0, atol=atol, err_msg=name)


def test_gradients_in_bfloat16_give_both_the_same_weights_near_those_of_one() -> None:
    alone = make_updates()
    losses = [float(alone.update(step, 0.1)) for step in (0, 1)]
    (_, mine, loss, kept), (_, others, also_loss, also_kept) = called_together(_bfloat16)
    assert_all_close(mine, others)
    assert_all_close(kept, also_kept)
    assert_all_close(mine, alone.parameters(), atol=0.05)
    assert any(not np.array_equal(array, mine[name]) for name, array in alone.parameters().items())
    assert loss == also_loss == pytest.approx(sum(losses) / 2, abs=1e-2)


def test_local_updates_end_in_the_mean_of_the_weights() -> None:
    (first, mine, loss, kept), (also_first, others, also_loss, also_kept) = called_together(_local)
    assert any(not np.array_equal(array, also_first[name]) for name, array in first.items())
    assert_all_close(mine, others)
    assert_all_close(kept, also_kept)
    assert loss == also_loss
    (_, lonely, _, agreed), (_, also_lonely, _, also_agreed) = called_together(_lonely)
    assert_all_close(mine, {name: (array + also_lonely[name]) / 2 for name, array in lonely.items()}, atol=1e-6)
    assert_all_close(agreed, also_agreed)
    assert_all_close(
        mine, {name.removeprefix("weights/"): array for name, array in agreed.items() if "weights/" in name}
    )


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_one_process_sums_all_gradients_whatever_the_plan_exchanges(way: Way) -> None:
    plain, other = make_updates(), make_updates(way=way)
    assert [float(plain.update(step, 0.1)) for step in range(5)] == [
        float(other.update(step, 0.1)) for step in range(5)
    ]
    assert_all_close(plain.arrays(), other.arrays())
    assert other.agree(2.5) == 2.5


@on_devices
@pytest.mark.parametrize("kind", ["streams", "two layers", "classic"])
def test_a_device_makes_the_updates_of_the_processor(kind: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them, by all that it computes: embedding or one-hot, one output or all, either optimizer."""
    exact_products(monkeypatch)
    plan = {"streams": make_plan(), "two layers": make_plan(hidden=(8, 8)), "classic": windows_plan()}[kind]
    plan = plan.model_copy(update={"dropout": 0.0, "input_dropout": 0.0, "learning_rate": 0.001})
    here, there = (Updates(plan, DATASET, 1, Compute(torch.device(name))) for name in ("cpu", device))
    for step in range(3):
        assert float(there.update(step, 0.001)) == pytest.approx(float(here.update(step, 0.001)), abs=1e-4)
    assert_all_close(there.parameters(), here.parameters(), atol=1e-4)
    assert all(tensor.device.type == device for tensor in there.module.tensors().values())


@on_devices
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_no_update_waits_for_the_device(precision: str, device: str) -> None:
    """With dropout and clipping; torch raises an error where a GPU would be waited for."""
    skip_without(precision, device)
    plan = make_plan(precision=precision)
    updates = Updates(plan, DATASET, 1, Compute(torch.device(device)))
    losses = [updates.update(step, 0.01) for step in range(3)]  # makes what is made once
    if device == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        losses += [updates.update(step, 0.01) for step in range(3, 12)]
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    assert {loss.device.type for loss in losses} == {device}
    assert float(losses[-1]) < float(losses[0])


def test_the_loss_of_lines_is_the_mean_over_their_characters() -> None:
    """Lines of several lengths, in two shards: what is beyond the end of a line counts nothing."""
    ids = np.array([1, 2, 0, 3, 0, 4, 5, 6, 1, 0, 2, 2, 0, 6, 0])
    plan = Plan(
        hidden=(6,), embedding=3, input_dropout=0.0, dropout=0.0, feeding=Lines(batch=5, window=3, line_end=0),
        shards=2, steps=9, learning_rate=0.1, warm_up=1, weight_decay=0.0, clip=None, checkpoint_every=3,
    )  # fmt: skip
    updates = Updates(plan, Dataset(ids, ids[:0], VOCABULARY), 1, Compute())
    network = NumpyNetwork(updates.architecture, updates.parameters())
    nats = []
    for line in np.split(ids, np.flatnonzero(ids == 0)[:-1] + 1):
        logits, _ = network.forward(np.concatenate([[0], line[:-1]])[None], network.initial_state(1))
        nats += (-np.log(softmax(logits.astype(float))[0, np.arange(len(line)), line])).tolist()
    assert len(nats) == len(ids)
    assert float(updates.update(0, 0.1)) == pytest.approx(np.mean(nats), abs=1e-5)
    assert updates.architecture.line_end == 0
