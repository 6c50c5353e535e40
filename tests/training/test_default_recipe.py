"""The default recipe: the choice of sizes and lengths."""

import math
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from nextchar.errors import UsageError
from nextchar.settings import TrainingSettings, build
from nextchar.training.chooser import GPU_SIZES, MAX_GPU_CHARACTERS, SIZES, STREAMS, WINDOW
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.exchange import Way
from nextchar.training.feeding import Streams
from nextchar.training.plan import ChosenPlan, Plan, training_work

TWO_CORES = 3e11


def measure_like_two_cores(plan: Plan) -> float:
    """Return the seconds of a step on a machine whose speed follows the model that the chooser has of machines."""
    hidden = plan.hidden[0]
    rate = TWO_CORES * hidden / (hidden + 180) / training_work(hidden, plan.embedding or 60, 60)
    return plan.feeding.predicted * len(plan.hidden) / rate


def choose(characters: int, vocabulary_size: int = 60, speed: float = 1.0, **options: object) -> ChosenPlan:
    return DefaultRecipe().choose_plan(
        characters,
        vocabulary_size,
        build(TrainingSettings, options),
        2,
        lambda plan: measure_like_two_cores(plan) / speed,
    )


def never(plan: Plan) -> float:
    raise AssertionError("nothing is to be measured")


@pytest.mark.parametrize(("seconds", "hidden"), [(5, 128), (10, 192), (60, 384), (180, 512)])
def test_more_time_means_a_larger_network(seconds: float, hidden: int) -> None:
    assert choose(540_803, time=seconds).plan.hidden == (hidden,)


def test_a_faster_machine_means_a_larger_network() -> None:
    sizes = [choose(1_000_000, time=20, speed=speed).plan.hidden[0] for speed in (0.2, 1, 5)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("seconds", [2, 10, 60, 600])
def test_the_time_is_used_and_not_exceeded(seconds: float) -> None:
    chosen = choose(5_000_000, time=seconds)
    assert chosen.expected_seconds == pytest.approx(0.95 * seconds, rel=0.05)
    assert chosen.expected_seconds is not None
    assert chosen.expected_seconds <= seconds
    assert chosen.plan.steps * measure_like_two_cores(chosen.plan) == pytest.approx(chosen.expected_seconds)


@pytest.mark.parametrize("options", [{"steps": 50}, {"epochs": 1}, {"time": 60}])
def test_a_size_that_is_given_is_trained_like_one_that_is_chosen(options: dict[str, Any]) -> None:
    small, large = (choose(540_803, hidden=hidden, **options).plan for hidden in (64, 512))
    assert small.feeding == large.feeding == Streams(batch=STREAMS, window=WINDOW)
    assert choose(540_803, hidden=512, streams=7, **options).plan.feeding.batch == 7


def test_a_large_alphabet_is_read_in_short_windows_and_embedded_widely() -> None:
    small, large = (choose(540_803, size, time=60).plan for size in (256, 257))
    assert (small.feeding.window, small.embedding) == (64, 32)
    assert (large.feeding.window, large.embedding) == (32, 128)
    assert choose(540_803, 257, time=60, window=48).plan.feeding.window == 48


def test_every_layer_counts_for_dropout() -> None:
    assert (
        choose(540_803, epochs=8, hidden=256, layers=2).plan.dropout
        > choose(540_803, epochs=8, hidden=256).plan.dropout
    )


def test_what_is_timed_has_the_dropout_that_it_will_have() -> None:
    timed: list[Plan] = []

    def measure(plan: Plan) -> float:
        timed.append(plan)
        return measure_like_two_cores(plan)

    chosen = DefaultRecipe().choose_plan(100_000, 60, TrainingSettings(time=60), 2, measure).plan
    assert chosen.dropout > 0.1
    assert (timed[-1].hidden, timed[-1].feeding) == (chosen.hidden, chosen.feeding)
    assert timed[-1].dropout == pytest.approx(chosen.dropout, rel=0.1)


def test_a_minute_is_the_default() -> None:
    assert choose(1_000_000).plan == choose(1_000_000, time=60).plan


def test_a_short_text_is_not_learned_by_heart() -> None:
    chosen = choose(18_000, time=600)
    assert chosen.plan.characters / 18_000 == pytest.approx(40, abs=0.1)
    assert "short" in chosen.notes[0]
    assert (chosen.plan.dropout, round(chosen.plan.weight_dropout, 2)) == (0.4, 0.3)
    assert chosen.plan.hidden[0] <= 128


@pytest.mark.parametrize(("characters", "few"), [(40_000, 20), (67_500, 30), (540_803, 30)])
def test_recurrent_weights_are_left_out_where_a_text_is_read_more_often_than_a_whole_network_should(
    characters: int, few: int
) -> None:
    shares = [
        choose(characters, epochs=passes, hidden=128).plan.weight_dropout
        for passes in (1, few, 1.5 * few, 2 * few, 9 * few)
    ]
    assert shares == pytest.approx([0, 0, 0.15, 0.3, 0.3], abs=0.002)
    assert choose(characters, epochs=2 * few, dropout=0.0).plan.weight_dropout == 0
    assert choose(characters, epochs=2 * few, dropout=0.1).plan.weight_dropout == pytest.approx(0.3, abs=0.002)
    assert choose(characters, epochs=2 * few, hidden=512, from_="english").plan.weight_dropout == 0


def test_a_large_network_leaves_out_recurrent_weights_where_dropout_is_high() -> None:
    for size, passes in ((256, 30), (512, 12), (512, 30)):
        plan = choose(540_803, epochs=passes, hidden=size).plan
        assert plan.dropout >= 0.1
        assert plan.weight_dropout == pytest.approx(plan.dropout / 4, abs=0.0002)
    assert plan.weight_dropout == 0.1
    few, small, whole = (
        choose(540_803, epochs=passes, hidden=size, dropout=dropout).plan.weight_dropout
        for size, passes, dropout in ((512, 3, None), (192, 30, None), (512, 30, 0.0))
    )
    assert (few, small, whole) == (0, 0, 0)
    assert choose(540_803, epochs=12, hidden=512, from_="english").plan.weight_dropout == 0


def test_the_learning_rate_is_higher_where_a_text_is_read_many_times() -> None:
    once, often, most = (choose(540_803, epochs=passes, hidden=256).plan for passes in (1, 12, 40))
    assert (once.dropout, most.dropout) == (0, 0.4)
    assert once.learning_rate == 3 / 256
    assert often.learning_rate == pytest.approx((1 + 2.5 * often.dropout) * 3 / 256, rel=1e-3)
    assert once.learning_rate < often.learning_rate < most.learning_rate == pytest.approx(2 * 3 / 256)


def test_a_text_gets_a_larger_network_where_the_time_allows_the_most_passes() -> None:
    plans = [choose(67_500, time=seconds).plan for seconds in (4, 30, 600)]
    assert [plan.hidden[0] for plan in plans] == [128, 192, 256]
    assert [plan.characters / 67_500 for plan in plans] == pytest.approx([14, 60, 60], abs=1)


@pytest.mark.parametrize(("characters", "share"), [(90_000, 0.15), (250_000, 0.25), (1_000_000, 0.5), (9_000_000, 0.5)])
def test_a_model_is_tuned_carefully_and_more_so_on_a_short_text(characters: int, share: float) -> None:
    sizes = {"hidden": 512, "layers": 1, "embedding": 32, "steps": 400}
    fresh = choose(characters, **sizes).plan
    tuned = choose(characters, **sizes, from_="english").plan
    assert tuned.learning_rate == pytest.approx(share * 3 / 512)
    assert tuned.dropout == min(fresh.dropout, 0.1)
    given = choose(characters, **sizes, from_="english", learning_rate=0.01, dropout=0.3).plan
    assert (given.learning_rate, given.dropout) == (0.01, 0.3)


@pytest.mark.parametrize(
    ("characters", "hidden", "passes"),
    [(4_000_000, 512, 2.78), (1_000_000, 512, 2.78), (90_000, 512, 9.27), (1_000_000, 256, 5.3), (250_000, 64, 30)],
)
def test_a_model_is_tuned_in_few_passes_and_a_small_one_in_more(characters: int, hidden: int, passes: float) -> None:
    sizes = {"hidden": hidden, "layers": 1, "embedding": 32, "time": 10_000}
    fresh, tuned = choose(characters, **sizes), choose(characters, **sizes, from_="english")
    assert fresh.plan.characters / characters == pytest.approx(60, rel=0.01)
    assert tuned.plan.characters / characters == pytest.approx(passes, rel=0.02)
    assert tuned.notes[0].startswith("The text is soon learned from a model")
    assert f"after {passes:.0f} passes" in tuned.notes[0]


def test_syllables_learn_by_their_letters_unless_a_model_knows_them() -> None:
    assert choose(100_000, 1500, time=60).plan.factored
    assert not choose(100_000, 1500, time=60, hidden=512, from_="korean").plan.factored


def test_a_large_text_is_read_without_dropout() -> None:
    assert choose(50_000_000, time=60).plan.dropout == 0


def test_steps_and_epochs_need_no_measurement() -> None:
    chosen = DefaultRecipe().choose_plan(540_803, 58, TrainingSettings(steps=500), 2, never)
    assert (chosen.plan.steps, chosen.expected_seconds) == (500, None)
    by_epochs = DefaultRecipe().choose_plan(540_803, 58, TrainingSettings(epochs=2), 2, never).plan
    assert by_epochs.characters == pytest.approx(2 * 540_803, rel=0.01)


def test_what_is_given_is_taken() -> None:
    given = {
        "hidden": 77, "layers": 2, "embedding": 0, "dropout": 0.3, "streams": 5, "window": 9, "learning_rate": 0.5,
        "weight_decay": 0.7, "clip": 3.0, "steps": 4,
    }  # fmt: skip
    plan = choose(100_000, **given).plan
    assert (plan.hidden, plan.embedding, plan.dropout, plan.feeding) == (
        (77, 77),
        None,
        0.3,
        Streams(batch=5, window=9),
    )
    assert (plan.learning_rate, plan.weight_decay, plan.clip, plan.steps) == (0.5, 0.7, 3.0, 4)


@pytest.mark.parametrize(("threads", "shards"), [(1, 1), (2, 2), (3, 3), (64, 8)])
def test_each_thread_has_streams_enough(threads: int, shards: int) -> None:
    assert DefaultRecipe().choose_plan(540_803, 58, TrainingSettings(steps=5), threads, never).plan.shards == shards


@pytest.mark.parametrize(
    ("processes", "streams", "shards"), [(1, 32, 8), (2, 32, 8), (3, 32, 6), (8, 32, 8), (64, 256, 64)]
)
def test_processes_share_the_shards_evenly(processes: int, streams: int, shards: int) -> None:
    settings = TrainingSettings(steps=5)
    plan = DefaultRecipe().choose_plan(540_803, 58, settings, 8 * processes, never, processes=processes).plan
    assert (plan.feeding.batch, plan.shards) == (streams, shards)


def test_fewer_streams_than_processes_are_refused() -> None:
    settings = TrainingSettings(steps=5, streams=3)
    with pytest.raises(UsageError, match="--streams 3 cannot be shared by 4 processes: give 4 or more"):
        DefaultRecipe().choose_plan(540_803, 58, settings, 4, never, processes=4)


@pytest.mark.parametrize(("waiting", "streams"), [(0.0, 32), (0.01, 64), (0.02, 128), (0.3, 256)])
def test_the_longer_processes_wait_for_each_other_the_more_they_read(waiting: float, streams: int) -> None:
    """An update takes what it computes, shared by two, and the seconds of ``waiting`` for each other."""

    def measure(plan: Plan) -> float:
        return measure_like_two_cores(plan) + waiting

    settings = TrainingSettings(time=60, hidden=128)
    chosen = DefaultRecipe().choose_plan(5_000_000, 60, settings, 2, measure, processes=2).plan
    assert chosen.feeding.batch == streams
    alone = DefaultRecipe().choose_plan(5_000_000, 60, settings, 2, measure).plan
    assert alone.feeding.batch == 32
    assert chosen.learning_rate == pytest.approx(alone.learning_rate * math.sqrt(streams / 32))
    assert chosen.warm_up / chosen.steps == pytest.approx(min(0.2, 0.05 * math.sqrt(streams / 32)), abs=0.01)
    assert chosen.feeding.predicted <= 2 * 8192


@pytest.mark.parametrize("characters", [2, 3, 10, 100, 127, 128, 1000, 49_999, 50_000])
def test_any_length_of_text_has_a_plan(characters: int) -> None:
    plan = choose(characters, vocabulary_size=2, time=1).plan
    assert plan.feeding.predicted <= max(characters, 1)
    assert plan.hidden[0] in SIZES


@pytest.mark.parametrize("seconds", [{"float32": 0.1, "bfloat16": 0.1}, {"float32": 0.1, "bfloat16": math.inf}])
def test_bfloat16_is_taken_only_where_it_is_faster(seconds: dict[str, float]) -> None:
    settings = build(TrainingSettings, {"time": 60})
    chosen = DefaultRecipe().choose_plan(540_803, 60, settings, 2, lambda plan: seconds[plan.precision])
    assert chosen.plan.precision == "float32"


@pytest.mark.parametrize("disturbed", [{0}, {1}, {0, 1}, {1, 2}, {0, 2, 3}])
def test_a_neighbour_during_some_timings_changes_neither_precision_nor_size(disturbed: set[int]) -> None:
    """The timings with these numbers take six times as long; bfloat16 is twice as fast."""

    def plan_on(disturbed: set[int]) -> Plan:
        numbers = count()

        def measure(plan: Plan) -> float:
            factor = 6 if next(numbers) in disturbed else 1
            return factor * measure_like_two_cores(plan) / (2 if plan.precision == "bfloat16" else 1)

        return DefaultRecipe().choose_plan(540_803, 60, TrainingSettings(time=60), 2, measure).plan

    assert plan_on(disturbed) == plan_on(set())
    assert plan_on(disturbed).precision == "bfloat16"


def test_a_precision_that_is_far_slower_is_timed_once() -> None:
    timed: list[str] = []

    def measure(plan: Plan) -> float:
        timed.append(plan.precision)
        return measure_like_two_cores(plan) * (9 if plan.precision == "bfloat16" else 1)

    DefaultRecipe().choose_plan(540_803, 60, TrainingSettings(time=60), 2, measure)
    assert timed.count("bfloat16") == 1
    assert timed.count("float32") == 4


def test_a_size_that_is_given_is_timed_twice_where_one_precision_is_left() -> None:
    timed: list[int] = []

    def measure(plan: Plan) -> float:
        timed.append(plan.hidden[0])
        return math.inf if plan.precision == "bfloat16" else measure_like_two_cores(plan)

    DefaultRecipe().choose_plan(540_803, 60, TrainingSettings(time=10, hidden=512), 2, measure)
    assert timed == [512, 512, 512]  # one of them in a precision that the machine does not have


@pytest.mark.parametrize(
    ("seconds", "way"),
    [(0.002, Way()), (0.012, Way("bfloat16")), (0.024, Way("local", 4)), (0.1, Way("local", 16))],
    ids=str,
)
def test_a_slow_network_changes_what_processes_exchange(seconds: float, way: Way) -> None:
    """An update of 32 streams computes for 0.0088 s."""

    def measure_exchange(plan: Plan) -> float:
        return seconds / 2 if plan.exchange == "bfloat16" else seconds

    def measure(plan: Plan) -> float:
        waiting = measure_exchange(plan) if plan.exchange != "local" else 0.0
        return measure_like_two_cores(plan) + waiting

    settings = TrainingSettings(time=60, hidden=128)
    chosen = DefaultRecipe().choose_plan(
        5_000_000, 60, settings, 2, measure, measure_exchange=measure_exchange, processes=2
    )
    assert (chosen.plan.exchange, chosen.plan.average_every) == (way.exchange, way.every)
    assert chosen.notes == (chosen.notes[0],)
    assert chosen.notes[0].endswith(f"So the processes exchange {way}.")
    assert chosen.plan.feeding.batch == 32
    step_seconds = measure_like_two_cores(chosen.plan) + measure_exchange(chosen.plan) / way.every
    assert chosen.expected_seconds == pytest.approx(chosen.plan.steps * step_seconds)


def test_nothing_is_timed_for_a_number_of_steps_and_the_exchange_is_what_is_given() -> None:
    for exchange, way in ((None, Way()), ("bfloat16", Way("bfloat16")), ("local", Way("local", 16))):
        settings = build(TrainingSettings, {"steps": 5, "exchange": exchange})
        plan = DefaultRecipe().choose_plan(540_803, 58, settings, 2, never, measure_exchange=never, processes=2).plan
        assert (plan.exchange, plan.average_every) == (way.exchange, way.every)


def gpu(speed: float, memory: float = math.inf) -> Callable[[Plan], float]:
    """Return the measure of a GPU: a step of a window takes 30 microseconds at least, then its work counts."""

    def measure(plan: Plan) -> float:
        work = training_work(plan.hidden[0], plan.embedding or 60, 60) * len(plan.hidden) * plan.feeding.predicted
        if sum(plan.hidden) * plan.feeding.predicted > memory:
            return math.inf
        return max(work / speed, 30e-6 * plan.feeding.window * len(plan.hidden))

    return measure


def choose_on_gpu(characters: int, measure: Callable[[Plan], float], **options: object) -> ChosenPlan:
    settings = build(TrainingSettings, options)
    return DefaultRecipe().choose_plan(characters, 60, settings, 1, measure, device="cuda")


def test_a_gpu_is_given_streams_and_sizes_that_a_processor_is_not() -> None:
    plan = choose_on_gpu(100_000_000, gpu(1e13), time=120).plan
    assert plan.hidden[0] in GPU_SIZES[len(SIZES) :]
    assert STREAMS < plan.feeding.batch <= MAX_GPU_CHARACTERS // plan.feeding.window
    assert plan.shards == 1
    assert choose(100_000_000, time=120, speed=100).plan.hidden == (SIZES[-1],)


def test_a_faster_gpu_means_a_larger_network_with_more_layers() -> None:
    works = [
        (sum(plan.hidden), len(plan.hidden))
        for speed in (1e12, 1e13, 2e14)
        for plan in [choose_on_gpu(100_000_000, gpu(speed), time=60).plan]
    ]
    assert works == sorted(set(works))
    assert works[-1] > works[0]
    assert works[-1][1] > 1


def test_a_short_text_is_not_given_a_large_network_by_a_gpu() -> None:
    plan = choose_on_gpu(1_000_000, gpu(1e14), time=60).plan
    assert plan.hidden == (512, 512, 512)
    assert plan.characters <= 60_000_000 + plan.feeding.predicted
    assert (plan.dropout, plan.weight_dropout) == (0.4, 0.3)


def test_what_does_not_fit_the_memory_of_a_gpu_is_not_chosen() -> None:
    plan = choose_on_gpu(100_000_000, gpu(1e14, memory=2**23), time=60).plan
    assert sum(plan.hidden) * plan.feeding.predicted <= 2**23
    assert plan.hidden[0] >= 512


@pytest.mark.parametrize("options", [{"hidden": 1024}, {"layers": 2}, {"streams": 48}, {"hidden": 96, "layers": 3}])
def test_what_is_given_is_taken_on_a_gpu_too(options: dict[str, int]) -> None:
    plan = choose_on_gpu(100_000_000, gpu(1e13), time=60, **options).plan
    assert plan.hidden[0] == options.get("hidden", plan.hidden[0])
    assert len(plan.hidden) == options.get("layers", len(plan.hidden))
    assert plan.feeding.batch == options.get("streams", plan.feeding.batch)


def test_a_gpu_is_timed_a_few_times_only() -> None:
    timed: list[Plan] = []

    def measure(plan: Plan) -> float:
        timed.append(plan)
        return gpu(1e12)(plan)

    choose_on_gpu(100_000_000, measure, time=60)
    assert len(timed) <= 20


def test_a_checkpoint_is_rarer_on_a_gpu() -> None:
    """It copies the weights."""
    on_gpu, on_cpu = (
        DefaultRecipe().choose_plan(10**8, 60, TrainingSettings(steps=5000, hidden=512), 1, never, device=device).plan
        for device in ("cuda", "cpu")
    )
    assert on_gpu.checkpoint_every > on_cpu.checkpoint_every
