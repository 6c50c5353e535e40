"""The classic recipe against Keras itself: the same probabilities, the same learning, the same writing."""

import pydoc_data.topics
from typing import Any

import numpy as np
import pytest
import torch

from nextchar.model.generation import generate_ids
from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.engine import make_network
from nextchar.networks.torch_network import LSTM, make_torch_network
from nextchar.networks.torch_threads import Compute
from nextchar.randomness import random_stream
from nextchar.settings import SAMPLE_TEMPERATURES, SamplingSettings, TrainingSettings
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.classic_recipe import ClassicRecipe, seed_text_start
from nextchar.training.dataset import Dataset
from nextchar.training.initial_weights import keras_initial_parameters
from nextchar.training.updates import Updates
from tests.devices import exact_products, on_devices
from tests.keras_models import NUMPY_WARNING, get_parameters, keras_example, set_parameters

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

TEXT = "".join(pydoc_data.topics.topics.values()).lower()[:60_000]
ALPHABET = sorted(set(TEXT))
IDS = np.array([ALPHABET.index(character) for character in TEXT], np.uint8)
VOCABULARY, WINDOW, HIDDEN = len(ALPHABET), 60, 128


@pytest.fixture(scope="module")
def trained() -> tuple[Any, Architecture, Parameters]:
    """A model that Keras trained for some steps from our first weights, its architecture and its weights."""
    architecture = Architecture(vocabulary_size=VOCABULARY, embedding=None, hidden=(HIDDEN,), context_length=WINDOW)
    model = keras_example(WINDOW, VOCABULARY, HIDDEN)
    set_parameters(model, keras_initial_parameters(architecture, np.random.default_rng(0)))
    windows = np.lib.stride_tricks.sliding_window_view(IDS[: 40 * 128 + WINDOW], WINDOW + 1)  # (N, T + 1)
    for batch in np.split(windows[: 40 * 128], 40):
        model.train_on_batch(one_hot(batch[:, :-1]), one_hot(batch[:, -1]))
    return model, architecture, get_parameters(model)


@pytest.mark.parametrize("steps", [12, pytest.param(50, marks=pytest.mark.slow)])
def test_some_steps_end_at_the_same_weights(steps: int) -> None:
    plan = ClassicRecipe().choose_plan(len(IDS), VOCABULARY, TrainingSettings(steps=steps), 2, measure=never).plan
    dataset = Dataset(IDS, IDS[:0], Vocabulary("".join(ALPHABET), has_unknown=False))
    updates = Updates(plan, dataset, seed=0, compute=Compute(threads=2))
    model = keras_example(WINDOW, VOCABULARY, HIDDEN)
    set_parameters(model, updates.parameters())
    for step in range(steps):
        inputs, targets = updates.batches.batch(step)  # (T, B), (1, B)
        theirs = model.train_on_batch(one_hot(inputs.T), one_hot(targets[0]))
        ours = updates.update(step, plan.learning_rate)
        assert float(ours) == pytest.approx(float(theirs), abs=1e-4)
    learned, expected = updates.parameters(), get_parameters(model)
    for name, weight in expected.items():
        np.testing.assert_allclose(learned[name], weight, atol=1e-4, err_msg=name)
    updates.threads.close()


@on_devices
def test_the_same_windows_have_the_same_probabilities(
    trained: tuple[Any, Architecture, Parameters], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact_products(monkeypatch)
    model, architecture, parameters = trained
    windows = np.lib.stride_tricks.sliding_window_view(IDS[:400], WINDOW)  # (N, T)
    expected = model.predict(one_hot(windows), verbose=0)  # (N, V)
    for network in (
        make_network(architecture, parameters),
        make_torch_network(LSTM(architecture, parameters).to(device)),
    ):
        logits, _ = network.forward(IDS[None, :400], network.initial_state(1))  # (1, T, V)
        np.testing.assert_allclose(softmax(logits[0, WINDOW - 1 :]), expected, atol=1e-5)


@pytest.mark.parametrize("temperature", SAMPLE_TEMPERATURES)
def test_the_same_draws_write_the_same_400_characters(
    trained: tuple[Any, Architecture, Parameters], temperature: float
) -> None:
    """The loop of the example, its draw from the multinomial distribution made of one uniform number."""
    model, architecture, parameters = trained
    start = seed_text_start(len(IDS), WINDOW)
    window = IDS[start : start + WINDOW].astype(np.intp)
    uniforms = random_stream(0, "sampling")
    expected: list[int] = []
    for _ in range(400):
        with torch.no_grad():
            prediction = model(one_hot(window[None]))[0].cpu().numpy().astype(np.float64)
        powers = np.exp(np.log(prediction) / temperature)
        running = np.cumsum(powers / powers.sum())
        drawn = int(np.searchsorted(running, uniforms.random(), side="right"))
        expected.append(drawn)
        window = np.append(window[1:], drawn)
    network = make_network(architecture, parameters)
    settings = SamplingSettings(temperature=temperature)
    written = generate_ids(network, IDS[start : start + WINDOW], settings, random_stream(0, "sampling"))
    assert [next(written) for _ in range(400)] == expected


def one_hot(ids: np.ndarray) -> np.ndarray:
    return np.eye(VOCABULARY, dtype=np.float32)[ids]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def never(plan: object) -> float:
    raise AssertionError("nothing is to be measured")
