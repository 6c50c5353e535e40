"""What a model knows of characters goes over to another vocabulary by what they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.transfer import Transfer, transfer

BASE = Vocabulary("".join(sorted(" .aeilnorstABEé")))
TEXT = "a bee sat in a tree. "


def model(
    embedding: int | None, known: Vocabulary = BASE, hidden: tuple[int, ...] = (6,)
) -> tuple[Architecture, Parameters]:
    """Return a network with random weights."""
    architecture = Architecture(vocabulary_size=known.size, embedding=embedding, hidden=hidden)
    random = np.random.default_rng(3)
    shapes = architecture.parameter_shapes()
    return architecture, {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def moved(vocabulary: Vocabulary, text: str = TEXT, embedding: int | None = 4, known: Vocabulary = BASE) -> Transfer:
    return transfer(*model(embedding, known), known, vocabulary, vocabulary.encode(text))


def shared_log_probabilities(
    architecture: Architecture, parameters: Parameters, vocabulary: Vocabulary, shared: str, text: str
) -> np.ndarray:
    """Return ln p of the characters ``shared``, given that one of them comes next, after each character of ``text``."""
    sized = architecture.model_copy(update={"vocabulary_size": vocabulary.size})
    network = NumpyNetwork(sized, parameters)
    logits, _ = network.forward(vocabulary.encode(text)[None], network.initial_state(1))  # (1, T, V)
    chosen = logits[0][:, vocabulary.encode(shared)].astype(np.float64)
    return chosen - np.log(np.exp(chosen).sum(1, keepdims=True))


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("layers", [1, 2])
@given(
    left_out=st.sets(st.sampled_from("inorstABEé"), max_size=6),
    new=st.sets(st.sampled_from("çdmzÇÉÀ가나漢!ß"), max_size=6),
    has_unknown=st.tuples(st.booleans(), st.booleans()),
)
def test_what_is_predicted_of_shared_characters_stays(
    embedding: int | None, layers: int, left_out: set[str], new: set[str], has_unknown: tuple[bool, bool]
) -> None:
    known = Vocabulary(BASE.characters, has_unknown[0])
    shared = "".join(sorted(set(BASE.characters) - left_out))
    vocabulary = Vocabulary("".join(sorted(set(shared) | new)), has_unknown[1])
    architecture, parameters = model(embedding, known, (6,) * layers)
    text = shared + shared[::-1]
    before = shared_log_probabilities(architecture, parameters, known, shared, text)
    found = transfer(architecture, parameters, known, vocabulary, vocabulary.encode(text + "".join(sorted(new))))
    after = shared_log_probabilities(architecture, found.parameters, vocabulary, shared, text)
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert found.known == len(shared)
    assert [character for character, _ in found.new] == sorted(new)
    assert found.left_out == "".join(sorted(left_out))
    sized = architecture.model_copy(update={"vocabulary_size": vocabulary.size})
    assert {name: array.shape for name, array in found.parameters.items()} == sized.parameter_shapes()
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in found.parameters.values())


def test_a_new_character_begins_as_its_look_alike() -> None:
    vocabulary = Vocabulary("".join(sorted(" .aelnrstbÈ\uff41")))
    found = dict(moved(vocabulary).new)
    assert found == {"b": "B", "È": "E", "\uff41": "a"}


def test_a_character_without_look_alike_begins_as_what_is_followed_by_the_same() -> None:
    vocabulary = Vocabulary("".join(sorted(" .aeinrst#")))
    text = "sat in a ten. sat in a tin. a rat in a net. " * 20
    text += text.replace("t", "#")  # followed by the same characters as t
    assert dict(moved(vocabulary, text).new) == {"#": "t"}
    assert dict(moved(vocabulary, "sat in a ten. #").new) == {"#": ""}  # seen too seldom to tell


def test_a_new_character_takes_a_share_of_the_probability_by_its_frequency() -> None:
    vocabulary = Vocabulary("".join(sorted(" .aelnrstè")))
    found = moved(vocabulary, "e" * 30 + "è" * 10)
    bias = dict(zip(vocabulary.characters, found.parameters["output.bias"][1:], strict=True))
    base = model(4)[1]["output.bias"][BASE.encode("e")[0]]
    assert bias["e"] == base
    assert bias["è"] - base == pytest.approx(np.log(10.5 / 41), abs=1e-6)
    row = dict(zip(vocabulary.characters, found.parameters["embedding"][1:], strict=True))
    np.testing.assert_array_equal(row["è"], row["e"])


def test_the_weights_of_the_model_stay_as_they_are() -> None:
    architecture, parameters = model(4)
    before = {name: array.copy() for name, array in parameters.items()}
    vocabulary = Vocabulary("aeè")
    found = transfer(architecture, parameters, BASE, vocabulary, vocabulary.encode("aeeè"))
    for name, array in parameters.items():
        np.testing.assert_array_equal(array, before[name])
    found.parameters["output.bias"][:] = 0
    np.testing.assert_array_equal(parameters["output.bias"], before["output.bias"])
