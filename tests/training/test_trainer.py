"""Learning: it learns, goes on exactly, is not disturbed by being watched, and comes back from divergence."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
import pytest
import torch

from nextchar.errors import TrainingError
from nextchar.model.scoring import bits_per_id
from nextchar.networks.engine import make_network
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.torch_threads import Compute
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.dataset import Dataset
from nextchar.training.events import Evaluated, Event, Progress, Recovered, Revised
from nextchar.training.feeding import Streams, Windows
from nextchar.training.pace import Pace
from nextchar.training.plan import Budget, Plan
from nextchar.training.trainer import Trainer
from tests.devices import on_devices, skip_without

TEXT = np.frombuffer(b"the cat sat on the mat; " * 200, np.uint8) % 32
TRAINING, VALIDATION = TEXT[:4000], TEXT[4000:]
VOCABULARY = Vocabulary("".join(map(chr, range(32))), has_unknown=False)
DATASET = Dataset(TRAINING, VALIDATION, VOCABULARY)


def make_plan(**changes: object) -> Plan:
    plan = Plan(
        hidden=(16,),
        embedding=8,
        input_dropout=0.05,
        dropout=0.1,
        feeding=Streams(batch=4, window=10),
        shards=2,
        steps=60,
        learning_rate=0.02,
        warm_up=5,
        weight_decay=0.01,
        clip=1.0,
        calibrated=True,
        checkpoint_every=7,
    )
    return plan.model_copy(update=changes)


def make_trainer(plan: Plan | None = None, *, evaluations: int = 3, resume: Checkpoint | None = None) -> Trainer:
    trainer = Trainer(plan or make_plan(), DATASET, seed=1, evaluations=evaluations)
    if resume is not None:
        trainer.restore(resume)
    return trainer


def finish(trainer: Trainer) -> list[Event]:
    return list(trainer.run())


def scores(events: Iterable[Event]) -> list[float]:
    """Return the bits per character of each scoring: there is a held-out text in each of these trainings."""
    bits = [event.validation_bits_per_character for event in events if isinstance(event, Evaluated)]
    assert None not in bits
    return [score for score in bits if score is not None]


def assert_same(one: Trainer, other: Trainer) -> None:
    """Weights, best weights, optimizer, hidden state, random state: bit for bit."""
    mine, theirs = one.checkpoint.arrays, other.checkpoint.arrays
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_it_learns_a_text_that_repeats_itself() -> None:
    trainer = make_trainer(make_plan(steps=300, dropout=0.0, input_dropout=0.0, calibrated=False))
    bits = scores(finish(trainer))
    assert bits[0] > bits[-1]
    assert bits[-1] < 0.3
    network = NumpyNetwork(trainer.architecture, trainer.best)
    assert trainer.state.best_bits == pytest.approx(bits_per_id(network, VALIDATION, int(TRAINING[-1])), abs=1e-5)


def test_a_calibrated_model_is_as_sure_as_the_held_out_text_asks_for() -> None:
    """It learns some noise by heart, which makes it too sure of what follows."""
    noise = np.random.default_rng(0).integers(1, 5, size=600)
    bits: list[float] = []
    for calibrated in (False, True):
        plan = make_plan(steps=200, dropout=0.0, input_dropout=0.0, calibrated=calibrated)
        trainer = Trainer(plan, Dataset(noise[:400], noise[400:], VOCABULARY), seed=1)
        finish(trainer)
        assert trainer.state.best_bits is not None
        bits.append(trainer.state.best_bits)
        own = bits_per_id(NumpyNetwork(trainer.architecture, trainer.best), noise[400:], int(noise[399]))
        assert bits[-1] == pytest.approx(own, abs=1e-5)
        assert (trainer.state.temperature > 1.2) == calibrated
    without, with_it = bits
    assert with_it < without


def test_the_curve_is_of_excerpts_and_the_last_word_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextchar.training.validation.MIN_SCORED", 50)
    monkeypatch.setattr("nextchar.training.validation.EXCERPT", 20)
    trainer = make_trainer(evaluations=3)
    found: list[float | None] = []
    pieces = np.concatenate([VALIDATION[:20], VALIDATION[-20:]])
    for event in trainer.run():
        if isinstance(event, Evaluated):
            assert event.scored_characters == len(pieces)
            network, start = NumpyNetwork(trainer.architecture, trainer.best), int(TRAINING[-1])
            assert event.validation_bits_per_character == pytest.approx(bits_per_id(network, pieces, start), abs=1e-5)
            np.testing.assert_array_equal(trainer.scored, VALIDATION if event.step == 60 else pieces)
            found.append(event.validation_bits_per_character)
            whole = bits_per_id(network, trainer.scored, start)
            assert trainer.state.best_bits == pytest.approx(whole, abs=1e-5)
    assert len(found) == 3
    assert trainer.state.best_bits != found[-1]


def test_where_the_last_model_is_not_the_best_the_best_is_scored_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise learned by heart: the longer, the worse is what it foresees of other noise."""
    monkeypatch.setattr("nextchar.training.validation.MIN_SCORED", 50)
    monkeypatch.setattr("nextchar.training.validation.SCORED_SHARE", 0.04)
    monkeypatch.setattr("nextchar.training.validation.EXCERPT", 20)
    noise = np.random.default_rng(0).integers(1, 5, size=900)
    dataset = Dataset(noise[:300], noise[300:], VOCABULARY)
    trainer = Trainer(make_plan(steps=400, dropout=0.0), dataset, seed=1, evaluations=8)
    evaluated = [event for event in finish(trainer) if isinstance(event, Evaluated)]
    assert not evaluated[-1].best
    assert {event.scored_characters for event in evaluated} == {80}
    own = bits_per_id(NumpyNetwork(trainer.architecture, trainer.best), noise[300:], int(noise[299]))
    assert trainer.state.best_bits == pytest.approx(own, abs=1e-5)


def test_an_unknown_character_costs_more_than_its_id() -> None:
    assert np.count_nonzero(VALIDATION == 0) > 0
    with_unknown = Vocabulary(VOCABULARY.characters[1:])
    assert with_unknown.unseen_log2_probability == pytest.approx(-20, abs=0.1)
    bits = [
        scores(islice((event for event in trainer.run() if isinstance(event, Evaluated)), 1))[0]
        for vocabulary in (VOCABULARY, with_unknown)
        for trainer in [Trainer(make_plan(), Dataset(TRAINING, VALIDATION, vocabulary), seed=1)]
    ]
    assert bits[1] - bits[0] == pytest.approx(-with_unknown.unseen_log2_probability * np.mean(VALIDATION == 0))


def test_windows_learn_a_text_that_repeats_itself() -> None:
    trainer = make_trainer(windows_plan(steps=192, dropout=0.0, input_dropout=0.0), evaluations=12)
    evaluated = [event for event in finish(trainer) if isinstance(event, Evaluated)]
    assert [(event.step, event.epoch) for event in evaluated] == [(16 * epoch, epoch) for epoch in range(1, 13)]
    assert {event.learning_rate for event in evaluated} == {0.02}
    assert scores(evaluated)[-1] < 0.3
    network = make_network(trainer.architecture, trainer.best)
    assert trainer.state.best_bits == pytest.approx(bits_per_id(network, VALIDATION, int(TRAINING[-1])), abs=1e-5)


@pytest.mark.parametrize("shards", [1, 2, 3, 4])
def test_shards_compute_what_the_whole_batch_would(shards: int) -> None:
    """But for rounding, which differs with the order of the sums."""
    plan = make_plan(steps=10, dropout=0.0, input_dropout=0.0)
    whole, parted = (
        make_trainer(plan.model_copy(update={"shards": 1})),
        make_trainer(plan.model_copy(update={"shards": shards})),
    )
    for trainer in (whole, parted):
        finish(trainer)
    for name, array in whole.parameters().items():
        np.testing.assert_allclose(parted.parameters()[name], array, atol=2e-3, err_msg=name)
    assert whole.state.best_bits == pytest.approx(parted.state.best_bits, abs=1e-3)


def windows_plan(**changes: object) -> Plan:
    """Return a plan of the classic kind: 16 batches a pass, the last one of 3 windows, fewer than there are shards."""
    classic = {
        "embedding": None,
        "feeding": Windows(batch=53, window=10, stride=5, count=798),
        "shards": 4,
        "initial_weights": "keras",
        "optimizer": "rmsprop",
        "schedule": "constant",
        "warm_up": 0,
        "clip": None,
    }
    return make_plan(**{**classic, **changes})


PLANS = [make_plan(), make_plan(hidden=(16, 16)), windows_plan()]


@pytest.mark.parametrize("stop_at", [0, 1, 6, 7, 8, 21, 40, 59])
@pytest.mark.parametrize("plan", PLANS, ids=["streams", "two layers", "windows"])
def test_a_resumed_run_ends_as_if_it_had_never_stopped(stop_at: int, plan: Plan) -> None:
    whole = make_trainer(plan)
    finish(whole)
    first = make_trainer(plan)
    for _ in first.run():
        if first.state.step >= stop_at:
            break
    second = make_trainer(plan, resume=Checkpoint.from_bytes(first.checkpoint.to_bytes()))
    assert stop_at - 7 <= second.state.step <= stop_at + 7
    finish(second)
    assert_same(whole, second)
    assert whole.state.best_bits == second.state.best_bits


@on_devices
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["streams", "windows"])
def test_a_run_on_a_device_learns_and_is_resumed(kind: str, precision: str, device: str) -> None:
    """On a GPU, sums of threads in any order make small differences."""
    skip_without(precision, device)
    make = make_plan if kind == "streams" else windows_plan
    plan, compute = make(steps=64, precision=precision), Compute(torch.device(device))
    whole, first, second = (Trainer(plan, DATASET, seed=1, evaluations=2, compute=compute) for _ in range(3))
    bits = scores(finish(whole))
    assert bits[-1] < 3.5
    next(event for event in first.run() if first.state.step >= 30)
    second.restore(Checkpoint.from_bytes(first.checkpoint.to_bytes()))
    assert 0 < second.state.step < 64
    finish(second)
    if device == "cpu":
        assert_same(whole, second)
    assert second.state.best_bits == pytest.approx(whole.state.best_bits, abs=0.0 if device == "cpu" else 0.05)
    own = bits_per_id(NumpyNetwork(whole.architecture, whole.best), VALIDATION, int(TRAINING[-1]))
    if kind == "streams":
        assert whole.state.best_bits == pytest.approx(own, abs=1e-2)


def test_evaluating_more_often_changes_no_weight() -> None:
    seldom, often = make_trainer(evaluations=1), make_trainer(evaluations=9)
    assert sum(isinstance(event, Evaluated) for event in finish(seldom)) == 1
    assert sum(isinstance(event, Evaluated) for event in finish(often)) == 9
    for name, array in seldom.parameters().items():
        np.testing.assert_array_equal(array, often.parameters()[name])


def test_the_seed_decides() -> None:
    same = [make_trainer(), make_trainer()]
    other = Trainer(make_plan(), DATASET, seed=2)
    for trainer in (*same, other):
        finish(trainer)
    assert_same(*same)
    assert not np.array_equal(same[0].parameters()["output.weight"], other.parameters()["output.weight"])


def test_time_that_the_reader_takes_is_no_training_time() -> None:
    ticks = iter(range(100_000))
    waiting = {"now": 0.0}

    def clock() -> float:
        return next(ticks) * 0.001 + waiting["now"]

    trainer = Trainer(make_plan(), DATASET, seed=1, pace=Pace(clock=clock))
    for _ in trainer.run():
        waiting["now"] += 1000
    assert 0 < trainer.state.seconds < 10


def clock_of(speed: Callable[[float], float]) -> Callable[[], float]:
    """Return a clock by which an update takes 1 / ``speed`` seconds, which is given its time: it is looked at twice for
    each, and once before it, which does not count."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5 / speed(now * 2 / 3)
        return now

    return clock


def trained_for(seconds: float, speed: Callable[[float], float], max_steps: int = 10**6) -> tuple[Trainer, list[Event]]:
    """Return a trainer, at the end, that planned 120 updates for ``seconds`` on a machine of that ``speed``, and its
    events."""
    pace = Pace(Budget(seconds=seconds, max_steps=max_steps), clock_of(speed))
    trainer = Trainer(make_plan(steps=120, warm_up=20), DATASET, seed=1, evaluations=5, pace=pace)
    return trainer, finish(trainer)


@pytest.mark.parametrize(("seconds", "steps"), [(75, 75), (165, 165), (10, 10), (1000, 175)])
def test_the_number_of_updates_is_fitted_to_the_time_and_can_be_followed(seconds: float, steps: int) -> None:
    """An update takes a second; at most 175 are allowed."""
    trainer, events = trained_for(seconds, lambda _: 1.0, max_steps=175)
    revised = [event for event in events if isinstance(event, Revised)]
    assert revised == [Revised(step=7, planned_steps=120, steps=steps)]
    assert trainer.plan == make_plan(steps=120, warm_up=20).revised(7, steps)
    assert (trainer.state.step, trainer.state.seconds) == (steps, steps)
    again = Trainer(trainer.plan, DATASET, seed=1, evaluations=5)
    assert scores(finish(again)) == scores(events)
    assert_same(trainer, again)


@pytest.mark.parametrize("seconds", [119, 120, 121])
def test_a_number_of_updates_that_fits_stays(seconds: float) -> None:
    trainer, events = trained_for(seconds, lambda _: 1.0)
    assert not any(isinstance(event, Revised) for event in events)
    assert trainer.plan == make_plan(steps=120, warm_up=20)


SPEEDS: list[Callable[[float], float]] = [
    lambda now: 1.0 if now < 60 else 0.5,
    lambda now: 1.0 if now < 60 else 2.0,
    lambda now: 0.5 if now < 60 or now > 90 else 1.0,
]


@pytest.mark.parametrize("speed", SPEEDS, ids=["halves", "doubles", "is shared twice"])
def test_a_machine_that_changes_its_speed_uses_the_time_and_its_run_can_be_followed(
    speed: Callable[[float], float],
) -> None:
    trainer, events = trained_for(120, speed)
    assert trainer.state.seconds == pytest.approx(120, rel=0.05)
    revised = [event for event in events if isinstance(event, Revised)]
    assert len(revised) >= 2
    assert [(event.step, event.planned_steps) for event in revised] == [
        (revision.step, revision.planned_steps) for revision in trainer.plan.revisions
    ]
    again = Trainer(trainer.plan, DATASET, seed=1, evaluations=5)
    assert scores(finish(again)) == scores(events)
    assert_same(trainer, again)


def test_resumed_at_any_boundary_a_run_repeats_what_the_clock_decided() -> None:
    """The clock of the resumed run runs otherwise, but nothing is left to decide: the run has its last revision."""
    budget = Budget(seconds=120, max_steps=10**6)
    first = Trainer(
        make_plan(steps=120, warm_up=20), DATASET, seed=1, evaluations=5, pace=Pace(budget, clock_of(SPEEDS[0]))
    )
    checkpoints = {0: first.checkpoint}
    for _ in first.run():
        checkpoints.setdefault(first.checkpoint.state.step, first.checkpoint)
    last = first.plan.revisions[-1].step
    resumable = [checkpoint for step, checkpoint in checkpoints.items() if step <= last]
    assert len(resumable) >= 8
    for checkpoint in resumable:
        second = Trainer(
            first.plan, DATASET, seed=1, evaluations=5, pace=Pace(budget, clock_of(lambda now: 1 + math.sin(now) / 2))
        )
        second.restore(Checkpoint.from_bytes(checkpoint.to_bytes()))
        while second.state.step < last:
            next(second.run())
        assert second.plan == first.plan
    for checkpoint in checkpoints.values():
        second = Trainer(first.plan, DATASET, seed=1, evaluations=5)
        second.restore(checkpoint)
        finish(second)
        assert_same(first, second)


def test_progress_counts_to_the_end() -> None:
    progress = [event for event in finish(make_trainer()) if isinstance(event, Progress)]
    assert progress[-1].step == progress[-1].steps == 60
    assert progress[-1].seconds_left == 0
    assert progress[-1].epoch == pytest.approx(60 * 4 * 10 / 4000)


def poison(trainer: Trainer, at: int, times: int) -> Iterator[Event]:
    """Run ``trainer`` and put NaN into its weights before step ``at``, ``times`` times."""
    updates = trainer._updates
    update, left = updates.update, [times]

    def poisoned(step: int, learning_rate: float) -> torch.Tensor:
        if step == at and left[0]:
            left[0] -= 1
            with torch.no_grad():
                updates.module.output.weight.fill_(math.nan)
        return update(step, learning_rate)

    updates.update = poisoned  # type: ignore[method-assign]
    return trainer.run()


def test_after_nan_it_goes_back_and_on_with_a_lower_rate() -> None:
    trainer = make_trainer()
    events = list(poison(trainer, at=25, times=2))
    recovered = [event for event in events if isinstance(event, Recovered)]
    assert [(event.step, event.back_to, event.rate_scale) for event in recovered] == [
        (28, 21, 0.5),
        (28, 21, 0.25),
    ]
    assert all(math.isnan(event.bits_per_character) for event in recovered)
    assert trainer.state.step == 60
    assert all(np.isfinite(array).all() for array in trainer.best.values())


def test_weights_that_are_no_numbers_are_divergence_though_the_loss_was_fine() -> None:
    trainer = make_trainer(make_plan(checkpoint_every=7))
    spoiled = False
    recovered: list[Recovered] = []
    for event in trainer.run():
        if isinstance(event, Progress) and event.step == 14 and not spoiled:
            spoiled = True
            with torch.no_grad():
                trainer._updates.module.output.bias[3] = math.nan
        if isinstance(event, Recovered):
            recovered.append(event)
        assert all(np.isfinite(array).all() for array in trainer.checkpoint.arrays.values())
    assert [(event.step, event.back_to) for event in recovered] == [(14, 7)]
    assert math.isfinite(recovered[0].bits_per_character)


def test_a_spike_of_the_loss_is_divergence_too() -> None:
    trainer = make_trainer()
    update = trainer._updates.update
    spikes = iter([9.0])

    def spiking(step: int, learning_rate: float) -> torch.Tensor:
        loss = update(step, learning_rate)
        return loss + 7 * next(spikes, 0.0) if step == 40 else loss

    trainer._updates.update = spiking  # type: ignore[method-assign]
    assert [event.back_to for event in trainer.run() if isinstance(event, Recovered)] == [35]
    assert trainer.state.rate_scale == 0.5


def test_a_run_that_always_diverges_gives_up_and_keeps_its_best() -> None:
    trainer = make_trainer(evaluations=60)
    with pytest.raises(TrainingError, match="lower --learning-rate"):
        list(poison(trainer, at=25, times=1000))
    assert trainer.state.best_step == 21
    assert all(np.isfinite(array).all() for array in trainer.best.values())


def test_resuming_after_a_recovery_is_exact_too() -> None:
    whole = make_trainer()
    list(poison(whole, at=25, times=1))
    first = make_trainer()
    for event in poison(first, at=25, times=1):
        if isinstance(event, Recovered):
            break
    second = make_trainer(resume=first.checkpoint)
    finish(second)
    assert_same(whole, second)


def test_with_nothing_held_out_the_last_model_is_kept() -> None:
    trainer = Trainer(make_plan(), Dataset(TRAINING, TRAINING[:0], VOCABULARY), seed=1)
    finish(trainer)
    assert (trainer.state.best_step, trainer.state.best_bits) == (60, None)
    np.testing.assert_array_equal(trainer.best["output.bias"], trainer.parameters()["output.bias"])


def test_a_gpu_whose_memory_runs_out_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer()

    def update(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer._updates, "update", update)
    with pytest.raises(TrainingError, match="too little free memory: lower --hidden"):
        finish(trainer)
