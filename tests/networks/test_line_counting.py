"""The counts of a list are those of its lines."""

import numpy as np
import pytest

from nextchar.networks import ngram_counting
from nextchar.networks.line_counting import count_lines
from nextchar.networks.lines import LineNetwork
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.text.vocabulary import Vocabulary

NAMES = ["anna", "anton", "ben", "anna", "bea", "ann", "a", "elisabeth"]
VOCABULARY = Vocabulary("".join(sorted({*"".join(NAMES), "\n"})), has_unknown=False)
END = 0


def counts(lines: list[str], order: int = 3) -> NgramCounts:
    return count_lines(VOCABULARY.encode("".join(f"{line}\n" for line in lines)), VOCABULARY.size, order, END)


def ngrams(counted: NgramCounts) -> dict[str, int]:
    """Return each n-gram and its count."""
    names = [""]
    for context, last in zip(counted.contexts[1:], counted.ids[1:], strict=True):
        names.append(names[context] + VOCABULARY.decode([last]))
    return dict(zip(names[1:], counted.counts[1:].tolist(), strict=True))


def test_a_beginning_is_counted_as_often_as_it_is_there() -> None:
    found = ngrams(counts(NAMES))
    assert found["\n\n\na"] == 5
    assert found["\n\n\nb"] == 2
    assert found["\n\nan"] == 4
    assert found["nna\n"] == 2


def test_no_ngram_reaches_into_another_line() -> None:
    for ngram in ngrams(counts(NAMES, order=5)):
        assert "\n" not in ngram.lstrip("\n")[:-1]
        assert len(ngram) <= 5 or ngram.strip("\n")


def test_the_order_of_the_lines_does_not_matter() -> None:
    assert ngrams(counts(NAMES)) == ngrams(counts(NAMES[::-1]))


def test_without_compiled_loops_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counts(NAMES, order=6)
    monkeypatch.setattr(ngram_counting, "can_compile", lambda: False)
    plain = counts(NAMES, order=6)
    assert ngrams(plain) == ngrams(compiled)
    np.testing.assert_array_equal(plain.lost, compiled.lost)


def test_probabilities_sum_to_one_and_a_line_hardly_ends_at_once() -> None:
    counted = counts(NAMES, order=4)
    network = LineNetwork(NgramNetwork(counted, END), END)
    for text in ("\n", "\na", "\nann", "\nzz", "\nelis", "\nb\nan"):
        ids = VOCABULARY.encode(text.replace("z", "t"))[None]
        log_p, _ = network.forward(ids, network.initial_state(1))
        assert np.exp(log_p[0, -1].astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    log_p, _ = network.forward(np.array([[END]]), network.initial_state(1))
    first = np.exp(log_p[0, 0])
    assert first[END] < 0.1 < 8 / 41  # the share of line ends
    assert first[VOCABULARY.encode("a")[0]] > first[VOCABULARY.encode("b")[0]] > first[VOCABULARY.encode("t")[0]]
