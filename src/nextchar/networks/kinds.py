"""The kinds of networks that a model file can hold, by name.

A kind defines the header, its arrays, how to make a network of both, and how to describe it. A new kind needs a header
like `nextchar.networks.architecture.Architecture`, an object like `LSTM_KIND`, and a line in `KINDS`. A kind that
consists of other networks, like a blend, gets their kinds from `kind_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from nextchar.files.tensor_file import under
from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.blend import BlendNetwork, LineBlend, TextCounts
from nextchar.networks.engine import can_compile, make_network, numpy_seconds
from nextchar.networks.headers import BlendHeader, NetworkHeader, NgramHeader
from nextchar.networks.lines import LineNetwork, in_lines
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import UNREAD, NgramNetwork
from nextchar.networks.word_counts import WordCounts
from nextchar.networks.word_network import WordNetwork
from nextchar.settings import Weights

NGRAM_STEP = 40e-6
"""Seconds that the n-gram network takes in NumPy for a character and each id of its context, when it writes."""
PLACES = 3
"""Contexts that take as long as those of words do."""

H = TypeVar("H")


class NetworkKind(Protocol[H]):
    """A kind of network; H is its header."""

    @property
    def header(self) -> type[H]:
        """A pydantic model with ``kind``, ``vocabulary_size`` and ``context_length``."""
        ...

    def check_arrays(self, header: H, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` have the names, shapes and types that ``header`` requires.

        Raises:
            ValueError: they have not; the message completes "the file is damaged: ...".
        """
        ...

    def make_network(
        self, header: H, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: Weights
    ) -> Network[Any]:
        """Return the network; options as in `nextchar.networks.engine.make_network`."""
        ...

    def numpy_seconds(self, header: H, characters: int, *, carry_state: bool) -> float:
        """Return roughly how many seconds the network takes in NumPy to write ``characters``."""
        ...

    def parameter_count(self, header: H) -> int:
        """Return the number of trained or counted values."""
        ...

    def describe(self, header: H) -> str:
        """Return a short description, like "LSTM of 128 units"."""
        ...

    def sizes(self, header: H) -> dict[str, Any]:
        """Return the sizes by their full names, for `nextchar info --json` and the API."""
        ...


class LSTMKind:
    """The LSTM of `nextchar.networks.architecture`."""

    header = Architecture

    def check_arrays(self, header: Architecture, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` are the parameters of the architecture, in float32 or float16.

        Raises:
            ValueError: they are not.
        """
        if {name: array.shape for name, array in arrays.items()} != header.parameter_shapes():
            raise ValueError("its tensors do not fit its architecture")
        if any(array.dtype.name not in ("float32", "float16") for array in arrays.values()):
            raise ValueError("its tensors are neither float32 nor float16")

    def make_network(
        self, header: Architecture, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: Weights
    ) -> Network[Any]:
        """Return the network, in NumPy or compiled."""
        return make_network(header, arrays, compiled=compiled, carry_state=carry_state, weights=weights)

    def numpy_seconds(self, header: Architecture, characters: int, *, carry_state: bool) -> float:
        """Return roughly how many seconds the network takes in NumPy; it reads a whole window for each character."""
        steps = 1 if carry_state else header.context_length or 1
        return numpy_seconds(header, characters * steps)

    def parameter_count(self, header: Architecture) -> int:
        """Return the number of trained values."""
        return header.parameter_count

    def describe(self, header: Architecture) -> str:
        """Return the units of its layers in words."""
        return f"LSTM of {' + '.join(map(str, header.hidden))} units"

    def sizes(self, header: Architecture) -> dict[str, Any]:
        """Return the sizes of its layers."""
        return {"hidden": list(header.hidden), "layers": header.layers, "embedding": header.embedding}


NETWORK, NGRAMS, WORDS, WEIGHTS = "network.", "ngrams.", "words.", "weights"
"""Names of a blend's arrays: the beginning of those of its network and of its counts, and its own."""


class BlendKind:
    """A network blended with counts."""

    header = BlendHeader

    def check_arrays(self, header: BlendHeader, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` are those of the network, of the counts, and the weights of both.

        Raises:
            ValueError: they are not.
        """
        LSTM_KIND.check_arrays(header.network, under(NETWORK, arrays))
        shape = text_counts_of(header, arrays).weights_shape()
        others = {name for name in arrays if not name.startswith((NETWORK, NGRAMS, WORDS))}
        if others != {WEIGHTS} or arrays[WEIGHTS].shape != shape:
            raise ValueError("its tensors do not fit its architecture")

    def make_network(
        self, header: BlendHeader, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: Weights
    ) -> Network[Any]:
        """Return the blend, in NumPy or compiled."""
        network = LSTM_KIND.make_network(
            header.network, under(NETWORK, arrays), compiled=compiled, carry_state=carry_state, weights=weights
        )
        return blend_networks(network, text_counts_of(header, arrays), arrays[WEIGHTS], compiled=compiled)

    def numpy_seconds(self, header: BlendHeader, characters: int, *, carry_state: bool) -> float:
        """Return roughly how many seconds both take in NumPy."""
        seconds = LSTM_KIND.numpy_seconds(header.network, characters, carry_state=carry_state)
        contexts = header.order + (PLACES if header.words else 0)
        return seconds + characters * NGRAM_STEP * contexts

    def parameter_count(self, header: BlendHeader) -> int:
        """Return the number of trained values and of counts."""
        return header.parameter_count

    def describe(self, header: BlendHeader) -> str:
        """Return the units of the network's layers and the numbers of counts in words."""
        words = f" and {header.words:,} beginnings of words" if header.words else ""
        return f"{LSTM_KIND.describe(header.network)} with a memory of {header.ngrams:,} n-grams{words}"

    def sizes(self, header: BlendHeader) -> dict[str, Any]:
        """Return the sizes of the network's layers, and those of the memory."""
        memory = {"ngrams": header.ngrams, "order": header.order, "words": header.words}
        return {**LSTM_KIND.sizes(header.network), **memory}


class NgramKind:
    """An n-gram network, which has counted and learned nothing."""

    header = NgramHeader

    def check_arrays(self, header: NgramHeader, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check that ``arrays`` are those of counts.

        Raises:
            ValueError: they are not.
        """
        counts_of(header, arrays)

    def make_network(
        self,
        header: NgramHeader,
        arrays: Parameters,
        *,
        compiled: bool,
        carry_state: bool,  # noqa: ARG002 (it has no windows)
        weights: Weights,  # noqa: ARG002 (it has none)
    ) -> Network[Any]:
        """Return the network, in NumPy or compiled."""
        counts, before = counts_of(header, arrays), UNREAD if header.line_end is None else header.line_end
        if not (compiled and can_compile()):
            return in_lines(NgramNetwork(counts, before), header.line_end)
        from nextchar.networks.compiled_ngram_network import CompiledNgramNetwork, compile_kernels

        compile_kernels()
        return in_lines(CompiledNgramNetwork(counts, before), header.line_end)

    def numpy_seconds(self, header: NgramHeader, characters: int, *, carry_state: bool) -> float:  # noqa: ARG002
        """Return roughly how many seconds it takes in NumPy."""
        return characters * NGRAM_STEP * header.order

    def parameter_count(self, header: NgramHeader) -> int:
        """Return the number of n-grams."""
        return header.parameter_count

    def describe(self, header: NgramHeader) -> str:
        """Return the number of n-grams and their length in words."""
        return f"{header.ngrams:,} n-grams of up to {header.order + 1} characters"

    def sizes(self, header: NgramHeader) -> dict[str, Any]:
        """Return the number and the length of the n-grams."""
        return {"ngrams": header.ngrams, "order": header.order}


def blend_networks(
    network: Network[Any], counts: TextCounts, weights: NDArray[Any], *, compiled: bool
) -> BlendNetwork | LineBlend:
    """Return the blend of ``network`` and ``counts`` with ``weights``.

    Args:
        network: compiled or not, as it should be used.
        counts: of the text.
        weights: of the parts in each situation: `nextchar.networks.blend.weights_shape`.
        compiled: use compiled loops for the counts if numba is installed.
    """
    if isinstance(network, LineNetwork):
        return LineBlend(_blend(network.within, counts, weights, network.line_end, compiled=compiled), network.line_end)
    return _blend(network, counts, weights, UNREAD, compiled=compiled)


def _blend(
    network: Network[Any], counts: TextCounts, weights: NDArray[Any], before: int, *, compiled: bool
) -> BlendNetwork:
    """Return the blend as `blend_networks` does, with the id ``before`` as all ids before a text."""
    ngrams, words = counts
    if not (compiled and can_compile()):
        of_words = None if words is None else WordNetwork(words)
        return BlendNetwork(network, NgramNetwork(ngrams, before), weights, of_words)
    from nextchar.networks.compiled_blend import CompiledBlend, compile_kernels
    from nextchar.networks.compiled_network import CompiledNetwork
    from nextchar.networks.compiled_ngram_network import CompiledNgramNetwork
    from nextchar.networks.compiled_word_network import CompiledWordNetwork

    parts = CompiledNgramNetwork(ngrams, before), weights, None if words is None else CompiledWordNetwork(words)
    if not isinstance(network, CompiledNetwork):
        return BlendNetwork(network, *parts)
    compile_kernels()
    return CompiledBlend(network, *parts)


def blend_content(
    network: Architecture, parameters: Parameters, counts: TextCounts, weights: NDArray[Any]
) -> tuple[BlendHeader, Parameters]:
    """Return the header and the arrays of a blend in a model file."""
    ngrams, words = counts
    header = BlendHeader(
        network=network, order=ngrams.order, ngrams=len(ngrams.ids) - 1, words=0 if words is None else len(words)
    )
    arrays = {
        **{f"{NETWORK}{name}": array for name, array in parameters.items()},
        **{f"{NGRAMS}{name}": array for name, array in ngrams.to_arrays().items()},
        WEIGHTS: weights,
    }
    if words is not None:
        arrays.update({f"{WORDS}{name}": array for name, array in words.to_arrays().items()})
    return header, arrays


def ngram_content(counts: NgramCounts, line_end: int | None = None) -> tuple[NgramHeader, Parameters]:
    """Return the header and the arrays of counts alone in a model file, of a list if there is a ``line_end``."""
    header = NgramHeader(
        vocabulary_size=counts.vocabulary_size, order=counts.order, ngrams=len(counts.ids) - 1, line_end=line_end
    )
    return header, counts.to_arrays()


def network_alone(header: Architecture | BlendHeader, arrays: Parameters) -> tuple[Architecture, Parameters]:
    """Return the LSTM of ``header`` and ``arrays``, without what was counted."""
    return (header, arrays) if isinstance(header, Architecture) else (header.network, under(NETWORK, arrays))


def counts_of(header: BlendHeader | NgramHeader, arrays: Mapping[str, NDArray[Any]]) -> NgramCounts:
    """Return what a network with these ``arrays`` has counted.

    Raises:
        ValueError: they are not those of counts, or not as many as the header says.
    """
    counted = under(NGRAMS, arrays) if isinstance(header, BlendHeader) else arrays
    counts = NgramCounts.from_arrays(header.vocabulary_size, header.order, counted)
    if len(counts.ids) != header.ngrams + 1:
        raise ValueError("its counts do not fit its architecture")
    return counts


def text_counts_of(header: BlendHeader, arrays: Mapping[str, NDArray[Any]]) -> TextCounts:
    """Return what a blend with these ``arrays`` has counted; errors as for `counts_of`."""
    ngrams, of_words = counts_of(header, arrays), under(WORDS, arrays)
    words = WordCounts.from_arrays(header.vocabulary_size, of_words) if of_words else None
    if header.words != (0 if words is None else len(words)):
        raise ValueError("its counts do not fit its architecture")
    return TextCounts(ngrams, words)


LSTM_KIND = LSTMKind()
BLEND_KIND = BlendKind()
NGRAM_KIND = NgramKind()

KINDS: dict[str, NetworkKind[Any]] = {"lstm": LSTM_KIND, "blend": BLEND_KIND, "ngram": NGRAM_KIND}
"""All kinds by name; the name is also the prefix of the arrays in a file."""


def kind_of(header: NetworkHeader) -> NetworkKind[Any]:
    """Return the kind of the network with this ``header``."""
    return KINDS[header.kind]
