"""The contract: names and shapes of the parameters, and their number."""

import pytest
from pydantic import ValidationError

from nextchar.networks.architecture import Architecture


def test_shapes_of_two_layers_with_an_embedding() -> None:
    architecture = Architecture(vocabulary_size=5, embedding=3, hidden=(4, 2))
    assert architecture.parameter_shapes() == {
        "embedding": (5, 3),
        "layer0.input_weight": (16, 3),
        "layer0.hidden_weight": (16, 4),
        "layer0.bias": (16,),
        "layer1.input_weight": (8, 4),
        "layer1.hidden_weight": (8, 2),
        "layer1.bias": (8,),
        "output.weight": (5, 2),
        "output.bias": (5,),
    }


def test_the_classic_example_has_as_many_parameters_as_keras_says() -> None:
    # LSTM(128) over 57 one-hot characters: 4 * 128 * (57 + 128 + 1) = 95,232; Dense(57): 128 * 57 + 57 = 7,353.
    assert Architecture(vocabulary_size=57, embedding=None, hidden=(128,)).parameter_count == 95_232 + 7_353


def test_multiplications_leave_out_what_a_table_answers() -> None:
    one_hot = Architecture(vocabulary_size=57, embedding=None, hidden=(128,))
    assert one_hot.multiplications == 4 * 128 * 128 + 4 * 128 + 57 * 128 + 57


@pytest.mark.parametrize("wrong", [{"hidden": ()}, {"hidden": (0,)}, {"vocabulary_size": 0}, {"embedding": -1}])
def test_impossible_sizes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Architecture.model_validate({"vocabulary_size": 5, "embedding": 3, "hidden": (4,), **wrong})
