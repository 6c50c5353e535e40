"""The classic recipe: the numbers of the example, and what may be changed of it."""

import random

import pytest

from nextchar.errors import TextError, UsageError
from nextchar.settings import TextSettings, TrainingSettings, build
from nextchar.training.classic_recipe import ClassicRecipe, seed_text_start
from nextchar.training.feeding import Windows
from nextchar.training.plan import Plan
from nextchar.training.recipes import recipe_of
from nextchar.training.validation import evaluation_steps

NIETZSCHE = 600_893


def choose(characters: int = NIETZSCHE, measured: float | None = None, **options: object) -> Plan:
    def measure(plan: Plan) -> float:
        assert measured is not None, "nothing is to be measured"
        return measured

    _, training = ClassicRecipe().complete(TextSettings(), build(TrainingSettings, {"recipe": "classic", **options}))
    return ClassicRecipe().choose_plan(characters, 57, training, 2, measure).plan


def windows_of(plan: Plan) -> int:
    """Return how many windows ``plan`` reads in a pass."""
    assert isinstance(plan.feeding, Windows)
    return plan.feeding.count


def test_it_is_the_example() -> None:
    plan = choose()
    assert (plan.hidden, plan.embedding) == ((128,), None)
    assert plan.feeding == Windows(batch=128, window=60, stride=3, count=200_278)
    assert (plan.feeding.epoch_steps, plan.steps) == (1_565, 9 * 1_565)
    assert (plan.optimizer, plan.learning_rate, plan.schedule, plan.warm_up) == ("rmsprop", 0.01, "constant", 0)
    assert (plan.clip, plan.weight_decay, plan.dropout, plan.input_dropout) == (None, 0, 0, 0)
    assert plan.initial_weights == "keras"
    assert plan.architecture(57).context_length == 60
    assert plan.architecture(57).parameter_count == 57 * 512 + 128 * 512 + 512 + 128 * 57 + 57


def test_it_is_scored_after_each_pass() -> None:
    assert evaluation_steps(choose(), 9) == [1_565 * epoch for epoch in range(1, 10)]
    plan = choose(epochs=2.5)
    assert evaluation_steps(plan, 3) == [1_565, 3_130, plan.steps]
    assert plan.epochs(1_565, NIETZSCHE) == 1


def test_checkpoints_fall_on_the_end_of_every_pass() -> None:
    plan, step, boundaries = choose(epochs=2), 0, []
    while step < plan.steps:
        step = plan.boundary_after(step)
        boundaries.append(step)
    assert {1_565, 3_130} <= set(boundaries)
    assert max(after - before for before, after in zip([0, *boundaries], boundaries, strict=False)) <= 100


def test_the_seed_text_is_where_the_example_finds_it() -> None:
    random.seed(42)
    assert seed_text_start(NIETZSCHE, 60) == random.randint(0, NIETZSCHE - 60 - 1)


def test_what_is_given_is_taken() -> None:
    plan = choose(hidden=32, layers=2, embedding=8, window=40, streams=64, learning_rate=0.001, dropout=0.2, clip=1.0)
    assert (plan.hidden, plan.embedding, plan.feeding.window, plan.feeding.batch) == ((32, 32), 8, 40, 64)
    assert (plan.learning_rate, plan.dropout, plan.clip) == (0.001, 0.2, 1.0)
    assert windows_of(plan) == len(range(0, NIETZSCHE - 40, 3))
    assert choose(steps=7).steps == 7
    assert choose(time=60, measured=0.05).steps == 1200


def test_defaults_of_the_example_give_way_to_what_is_given() -> None:
    text, training = ClassicRecipe().complete(TextSettings(), TrainingSettings(recipe="classic"))
    assert (text.validation, training.sample_length, training.epochs) == (0, 400, 9)
    text, training = ClassicRecipe().complete(
        TextSettings(validation=0.1), TrainingSettings(recipe="classic", sample_length=200, steps=5)
    )
    assert (text.validation, training.sample_length, training.epochs, training.steps) == (0.1, 200, None, 5)
    text, default = TextSettings(), TrainingSettings()
    added = {"memory": True, "keep_text": True}
    assert recipe_of(default).complete(text, default) == (text, default.model_copy(update=added))
    assert training.keep_text is None  # of the example
    without = TrainingSettings(memory=False, keep_text=False)
    assert recipe_of(without).complete(text, without) == (text, without)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(TextError, match="60"):
        choose(60)
    assert windows_of(choose(61)) == 1
    with pytest.raises(UsageError, match="weight-decay"):
        choose(weight_decay=0.1)
    with pytest.raises(UsageError, match="has no memory"):
        choose(memory=True)
    with pytest.raises(UsageError, match="leave --memory-size out"):
        choose(memory_size=1e6)
    with pytest.raises(UsageError, match="no --exchange local: leave it out"):
        choose(exchange="local")
    assert choose(exchange="float32") == choose()
