"""Where a model comes from."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nextchar.model.provenance import Ancestor, Provenance

HASH = "0" * 64
TEXTS = st.text("aÄ\u0130é\u0301한\u1112\u1161 \n", max_size=30)


def test_the_folders_of_texts_are_left_out() -> None:
    assert Provenance(corpus=("/home/me/book.txt", "notes/draft.txt", "names")).corpus == (
        "book.txt",
        "draft.txt",
        "names",
    )


def test_what_training_started_from_is_the_nearest_model() -> None:
    first, second = Ancestor(name="english", sha256=HASH), Ancestor(name="mine", sha256=HASH)
    assert Provenance(ancestors=(second, first)).started_from == "mine"
    assert Provenance().started_from is None
    with pytest.raises(ValidationError, match="sha256"):
        Ancestor(name="english", sha256="unknown")


@given(TEXTS, st.lists(st.integers(0, 30)), st.booleans(), st.sampled_from([None, "nfc", "nfkc"]))
def test_a_text_is_read_as_it_was_trained_however_it_is_cut(
    text: str, cuts: list[int], lowercase: bool, form: str | None
) -> None:
    provenance = Provenance.model_validate({"lowercase": lowercase, "normalize": form})
    whole = unicodedata.normalize("NFKC" if form == "nfkc" else "NFC", text) if form else text
    whole = whole.lower() if lowercase else whole
    assert provenance.as_trained(text) == whole
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    assert "".join(provenance.pieces_as_trained(pieces)) == whole
