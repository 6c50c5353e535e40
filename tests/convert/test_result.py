"""What a format that holds one LSTM lacks of a model is said."""

from nextchar.convert.result import without_memory
from tests.small_networks import random_blend, random_model, random_text

LIST = random_text("etaoin\n", 900).replace(" ", "\n") + "\n"


def test_of_a_list_it_says_how_to_begin_a_line() -> None:
    alone, notes = without_memory(random_blend(LIST, is_list=True), "A test")
    assert alone.architecture.line_end is not None
    assert len(notes) == 2
    assert "without the memory" in notes[0]
    assert "begin each line with zeros" in notes[1]


def test_of_one_lstm_on_running_text_there_is_nothing_to_say() -> None:
    file = random_model().file
    assert without_memory(file, "A test") == (file, ())
