"""The format, pinned by bytes, and what becomes of damaged files."""

import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nextchar.convert import keras_model, onnx_model, single_file
from nextchar.errors import ModelFileError
from nextchar.files import tensor_file
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import FORMAT_VERSION, ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture, Network, Parameters
from nextchar.networks.kinds import KINDS
from nextchar.page import build_page
from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer
from tests.small_networks import BigramNetwork, model_of_tokens, random_model
from tests.token_kinds import TOKEN_KINDS, jamo_of, tokens_of_every_kind


@pytest.fixture
def tiny() -> ModelFile:
    architecture = Architecture(vocabulary_size=3, embedding=None, hidden=(1,))
    parameters = {
        name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        for name, shape in architecture.parameter_shapes().items()
    }
    return ModelFile(architecture, Vocabulary("a가"), parameters, Provenance(corpus=("x.txt",), seed=3))


def test_what_is_saved_comes_back(tiny: ModelFile, tmp_path: Path) -> None:
    tiny.save(tmp_path / "m.safetensors")
    loaded = ModelFile.load(tmp_path / "m.safetensors")
    assert (loaded.architecture, loaded.vocabulary, loaded.provenance) == (
        tiny.architecture,
        tiny.vocabulary,
        tiny.provenance,
    )
    for name, array in tiny.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_the_format_by_bytes(tiny: ModelFile, tmp_path: Path) -> None:
    tiny.save(tmp_path / "m.safetensors")
    content = (tmp_path / "m.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["nextchar"])
    assert ours["format"] == FORMAT_VERSION == 2
    assert ours["written_by"].startswith("nextchar ")
    assert ours["architecture"] == {
        "kind": "lstm",
        "vocabulary_size": 3,
        "embedding": None,
        "hidden": [1],
        "context_length": None,
    }
    assert ours["tokens"] == {"kind": "characters", "characters": "a가", "has_unknown": True}
    assert len(ours["sha256"]) == 64
    entry = header["lstm.layer0.input_weight"]
    assert (entry["dtype"], entry["shape"]) == ("F32", [4, 3])
    start, end = entry["data_offsets"]
    data = content[8 + length :][start:end]
    assert data == np.arange(12, dtype="<f4").tobytes()


MODELS = Path(__file__).parents[1] / "data" / "models"
PINNED = sorted(path.relative_to(MODELS).as_posix() for path in MODELS.glob("format-*/*.safetensors"))


def test_there_are_pinned_files_of_every_format() -> None:
    formats = {int(name.removeprefix("format-").partition("/")[0]) for name in PINNED}
    assert formats == set(range(1, FORMAT_VERSION + 1))


@pytest.mark.parametrize("name", PINNED)
def test_files_of_every_format_write_and_score_as_they_did(name: str) -> None:
    model = LanguageModel.load(MODELS / name)
    known = json.loads((MODELS / name).with_suffix(".json").read_text(encoding="utf-8"))
    sampling = {option: known[option] for option in ("seed", "length", "temperature")}
    assert model.generate(known["prompt"], **sampling) == known["text"]
    assert model.bits_per_character(known["scored"]) == pytest.approx(known["bits_per_character"], abs=1e-5)
    assert model.vocabulary.size == known["vocabulary_size"]
    assert sum(array.size for array in model.file.parameters.values()) == known["parameters"]


def test_the_smallest_file_of_format_1_has_its_weights() -> None:
    model = ModelFile.load(MODELS / "format-1" / "smallest.safetensors")
    assert model.vocabulary == Vocabulary("a가")
    assert model.parameters["output.weight"].tolist() == [[0.0], [1.0], [2.0]]


def test_a_file_of_format_1_is_saved_in_the_present_one(tmp_path: Path) -> None:
    old = ModelFile.load(MODELS / "format-1" / "carried.safetensors")
    old.save(tmp_path / "m")
    new = ModelFile.load(tmp_path / "m")
    assert tensor_file.from_bytes((tmp_path / "m").read_bytes())[0]["format"] == FORMAT_VERSION
    assert (new.architecture, new.vocabulary, new.provenance) == (old.architecture, old.vocabulary, old.provenance)
    assert {n: a.tobytes() for n, a in new.parameters.items()} == {n: a.tobytes() for n, a in old.parameters.items()}


class UnigramHeader(BaseModel):
    """Of a network that has counted how often each id occurs, and knows nothing else."""

    kind: Literal["unigram"] = "unigram"
    vocabulary_size: int
    context_length: Literal[1] = 1


class UnigramKind:
    """A second kind: whole numbers instead of weights."""

    header = UnigramHeader

    def check_arrays(self, header: UnigramHeader, arrays: Mapping[str, np.ndarray]) -> None:
        if {name: array.shape for name, array in arrays.items()} != {"counts": (header.vocabulary_size,)}:
            raise ValueError("its counts do not fit")

    def make_network(
        self, header: UnigramHeader, arrays: Parameters, *, compiled: bool, carry_state: bool, weights: str
    ) -> Network[Any]:
        counts = np.asarray(arrays["counts"], np.float64)
        return BigramNetwork(np.tile(counts / counts.sum(), (header.vocabulary_size, 1)))

    def numpy_seconds(self, header: UnigramHeader, characters: int, *, carry_state: bool) -> float:
        return 0.0

    def parameter_count(self, header: UnigramHeader) -> int:
        return header.vocabulary_size

    def describe(self, header: UnigramHeader) -> str:
        return f"unigram of {header.vocabulary_size} ids"

    def sizes(self, header: UnigramHeader) -> dict[str, Any]:
        return {}


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a model of a second kind, which is known as long as the test lasts."""
    monkeypatch.setitem(KINDS, "unigram", UnigramKind())
    counts = {"counts": np.array([1, 4, 3], np.int64)}
    header: Any = UnigramHeader(vocabulary_size=3)
    ModelFile(header, Vocabulary("ab"), cast("Parameters", counts)).save(tmp_path / "m")
    return tmp_path / "m"


def test_a_network_of_another_kind_is_kept_and_writes_and_scores(counted: Path) -> None:
    model = LanguageModel.load(counted)
    assert model.file.parameters["counts"].dtype == np.int64
    assert model.bits_per_character("ab") == pytest.approx(-np.log2([4 / 8, 3 / 8]).mean())
    assert set(model.generate("a", length=50, temperature=1.0, seed=1)) == {"a", "b"}
    assert repr(model).startswith("LanguageModel(unigram of 3 ids, 2 characters, 3 parameters")
    _, arrays = tensor_file.from_bytes(counted.read_bytes())
    assert list(arrays) == ["unigram.counts"]


@pytest.mark.parametrize("suffix", ["html", "onnx", "keras"])
def test_formats_of_one_lstm_refuse_other_kinds(counted: Path, suffix: str) -> None:
    model, target = ModelFile.load(counted), counted.with_suffix(f".{suffix}")
    write: dict[str, Callable[[], object]] = {
        "html": lambda: single_file.write(model, target, counted),
        "onnx": lambda: onnx_model.write(model, target),
        "keras": lambda: keras_model.write(model, target),
    }
    with pytest.raises(ModelFileError, match="for models that are one LSTM"):
        write[suffix]()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": {"kind": "transformer", "heads": 4}}, "a network of the kind 'transformer'"),
        ({"architecture": {"vocabulary_size": 3}}, "a network of the kind 'None'"),
        ({"architecture": {"kind": ["lstm"]}}, "a network of the kind"),
        ({"tokens": {"kind": "syllables"}}, "tokens of the kind 'syllables'"),
    ],
)
def test_an_unknown_kind_is_named(tiny: ModelFile, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, **changes, written_by="nextchar 0.9.0"))
    with pytest.raises(ModelFileError, match=f"{words}.*written by nextchar 0.9.0.*update nextchar") as refused:
        ModelFile.load(tmp_path / "m")
    assert "damaged" not in str(refused.value)


def test_a_newer_format_names_the_version_that_wrote_it(tiny: ModelFile, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, format=3, written_by="nextchar 0.9.0"))
    with pytest.raises(ModelFileError, match=r"was written by nextchar 0\.9\.0, format 3; .* reads up to 2"):
        ModelFile.load(tmp_path / "m")


def test_tensors_of_another_kind_are_refused(tiny: ModelFile, tmp_path: Path) -> None:
    header, arrays = tensor_file.from_bytes(tiny.to_bytes())
    renamed = {name.removeprefix("lstm."): array for name, array in arrays.items()}
    (tmp_path / "m").write_bytes(tensor_file.to_bytes(header, renamed))
    with pytest.raises(ModelFileError, match="do not fit its architecture"):
        ModelFile.load(tmp_path / "m")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_every_flipped_byte_is_noticed(tiny: ModelFile, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "m.safetensors"
    tiny.save(path)
    content = bytearray(path.read_bytes())
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = ModelFile.load(path)
    except ModelFileError:
        return
    # Only white space that JSON does not care for may differ.
    assert (loaded.vocabulary, loaded.architecture) == (tiny.vocabulary, tiny.architecture)
    assert all(np.array_equal(loaded.parameters[name], array) for name, array in tiny.parameters.items())


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_tokens_of_every_kind_are_saved(kind: TokenKind, tmp_path: Path) -> None:
    text = "한글을 쓰는 the cat, the hat\n" * 9
    model = model_of_tokens(tokens_of_every_kind(text)[kind])
    model.file.save(tmp_path / "m")
    header, _ = tensor_file.from_bytes((tmp_path / "m").read_bytes())
    assert header["tokens"] == json.loads(json.dumps(model.vocabulary.header()))
    assert (header["format"], header["tokens"]["kind"]) == (2, kind)
    loaded = LanguageModel.load(tmp_path / "m")
    assert loaded.vocabulary == model.vocabulary
    assert loaded.generate("한", length=60, temperature=1.0, seed=1) == model.generate(
        "한", length=60, temperature=1.0, seed=1
    )
    assert loaded.bits_per_character(text) == pytest.approx(model.bits_per_character(text), abs=1e-6)


def test_the_header_of_tokens_by_bytes() -> None:
    characters = Vocabulary(" ab가")
    headers = {
        "bytes": ByteTokenizer(),
        "jamo": jamo_of("가a"),
        "words": WordTokenizer(characters, ["ab", " ab"]),
    }
    assert {kind: tokens.header() for kind, tokens in headers.items()} == {
        "bytes": {"kind": "bytes"},
        "jamo": {"kind": "jamo", "characters": "a\u1100\u1161", "has_unknown": True},
        "words": {
            "kind": "words",
            "characters": " ab가",
            "has_unknown": True,
            "words": ["ab", " ab"],
        },
    }


OF_WORDS = {"kind": "words", "characters": "ab", "has_unknown": True, "words": ["ab"]}


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({"kind": "bytes"}, "vocabulary does not fit"),
        ({"kind": "bytes", "characters": "ab"}, "wrong entries"),
        ({"kind": "jamo", "characters": "ab"}, "wrong entries"),
        ({"kind": "jamo", "characters": "a", "has_unknown": True}, "vocabulary does not fit"),
        ({"kind": "jamo", "characters": "ba", "has_unknown": True}, "in code-point order"),
        ({"kind": "jamo", "characters": "\u1161\u11a8", "has_unknown": True}, "spell no character"),
        ({**OF_WORDS, "characters": "abc"}, "vocabulary does not fit"),
        ({**OF_WORDS, "words": ["ac"]}, "words do not fit its characters"),
        ({**OF_WORDS, "words": ["a"]}, "words do not fit its characters"),
        ({**OF_WORDS, "words": "ab"}, "wrong entries"),
        ({**OF_WORDS, "words": None}, "wrong entries"),
        ({**OF_WORDS, "words": ["ab", 1]}, "wrong entries"),
        ({**OF_WORDS, "more": 1}, "wrong entries"),
        ({"kind": ["words"]}, "tokens of the kind"),
        ({}, "tokens of the kind"),
    ],
    ids=str,
)
def test_damaged_tokens_are_refused(tiny: ModelFile, tmp_path: Path, tokens: dict[str, object], words: str) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, tokens=tokens))
    with pytest.raises(ModelFileError, match=words):
        ModelFile.load(tmp_path / "m")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(kind=st.sampled_from(["bytes", "jamo", "words"]), data=st.data())
def test_whatever_tokens_say_there_is_a_model_or_an_error(
    tiny: ModelFile, kind: TokenKind, data: st.DataObject
) -> None:
    values = st.none() | st.booleans() | st.integers() | st.text("ab\u1100\u1161", max_size=4)
    pairs = st.lists(st.lists(values, max_size=3), max_size=3)
    names = ("characters", "has_unknown", "words")
    tokens = {"kind": kind, **data.draw(st.dictionaries(st.sampled_from(names), values | pairs))}
    content = with_header(tiny, tokens=tokens)
    try:
        loaded = ModelFile.from_bytes(content)
    except ModelFileError:
        return
    assert loaded.vocabulary.size == tiny.vocabulary.size
    LanguageModel(loaded).generate("a", length=5, seed=1)


def test_every_truncation_is_noticed(tiny: ModelFile, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    tiny.save(path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError):
            ModelFile.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\xff" * 64,
        (2**63).to_bytes(8, "little") + b"{}",
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x06\0\0\0\0\0\0\0[1, 2]",
        b"\x88\x13\0\0\0\0\0\0" + b"[" * 5000,
        tensor_file.to_bytes({"position": {}}, {"x": np.zeros(3, np.float32)}),
    ],
)
def test_other_files_are_no_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a nextchar model"):
        ModelFile.load(tmp_path / "m")


def test_a_header_that_claims_a_huge_network_allocates_nothing(tmp_path: Path) -> None:
    header = {
        "format": 1,
        "architecture": {"vocabulary_size": 1_000_000, "embedding": 8192, "hidden": [8192] * 8},
        "characters": "ab",
        "has_unknown": True,
        "provenance": {},
    }
    (tmp_path / "m").write_bytes(tensor_file.to_bytes(header, {"x": np.zeros(3, np.float32)}))
    with pytest.raises(ModelFileError, match="do not fit its architecture"):
        ModelFile.load(tmp_path / "m")


def test_a_newer_version_says_so(tiny: ModelFile, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(tensor_file.to_bytes({"format": 3}, {"x": np.zeros(3, np.float32)}))
    with pytest.raises(ModelFileError, match="update nextchar"):
        ModelFile.load(tmp_path / "m")


def test_a_missing_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nowhere"):
        ModelFile.load(tmp_path / "nowhere")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    random_model(seed=1).save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelFileError, match="No space left"):
        random_model(seed=2).save(path)
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def with_header(model: ModelFile, **changes: object) -> bytes:
    """Return the file of ``model`` with entries of its header changed, and the checksum made anew."""
    header, arrays = tensor_file.from_bytes(model.to_bytes())
    return tensor_file.to_bytes({**header, **changes}, arrays)


@pytest.mark.parametrize("version", [2.0, 1.0, "1", "2", -7, 0, True, None, [1], 10**30 * -1])
def test_the_format_is_the_integer_and_nothing_like_it(tiny: ModelFile, tmp_path: Path, version: object) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, format=version))
    with pytest.raises(ModelFileError, match=r"its format .* is not one of nextchar's"):
        ModelFile.load(tmp_path / "m")


@pytest.mark.parametrize("version", [3, 10**30])
def test_a_newer_format_says_that_it_is_newer_and_no_copy_is_asked_for(
    tiny: ModelFile, tmp_path: Path, version: int
) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, format=version, written_by="a newer nextchar", anything="else"))
    with pytest.raises(ModelFileError, match=r"newer nextchar.*update nextchar") as refused:
        ModelFile.load(tmp_path / "m")
    assert "damaged" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": {"kind": "characters", "characters": "a가", "has_unknown": "yes"}},
        {"tokens": {"kind": "characters", "characters": "a가", "has_unknown": 1}},
        {"architecture": {"kind": "lstm", "vocabulary_size": "3", "embedding": None, "hidden": [1]}},
        {"architecture": {"kind": "lstm", "vocabulary_size": 3, "embedding": None, "hidden": [True]}},
        {"architecture": {"kind": "lstm", "vocabulary_size": 3.0, "embedding": None, "hidden": [1]}},
    ],
)
def test_sizes_are_integers_and_answers_are_booleans(
    tiny: ModelFile, tmp_path: Path, changes: dict[str, object]
) -> None:
    (tmp_path / "m").write_bytes(with_header(tiny, **changes))
    with pytest.raises(ModelFileError, match="wrong entries"):
        ModelFile.load(tmp_path / "m")


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(tiny: ModelFile, tmp_path: Path, bad: float, half: bool) -> None:
    tiny.parameters["layer0.hidden_weight"][2, 0] = bad
    header, arrays = tensor_file.from_bytes(tiny.to_bytes())
    kind = np.float16 if half else np.float32
    content = tensor_file.to_bytes(header, {name: array.astype(kind) for name, array in arrays.items()})
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"not finite numbers.*Train again"):
        ModelFile.load(tmp_path / "m")


def test_a_model_without_characters_is_refused(tmp_path: Path) -> None:
    architecture = Architecture(vocabulary_size=1, embedding=None, hidden=(1,))
    parameters = {name: np.zeros(shape, np.float32) for name, shape in architecture.parameter_shapes().items()}
    ModelFile(architecture, Vocabulary(""), parameters).save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="knows no characters"):
        ModelFile.load(tmp_path / "m")


@pytest.mark.parametrize("depth", [tensor_file.MAX_DEPTH, 300, 900])
def test_a_header_nested_deeply_is_refused(tiny: ModelFile, tmp_path: Path, depth: int) -> None:
    """JSON of some hundred levels is parsed, and cannot be written again by pydantic."""
    nested: object = []
    for _ in range(depth):
        nested = [nested]
    (tmp_path / "m").write_bytes(with_header(tiny, provenance={"more": nested}))
    with pytest.raises(ModelFileError, match="nested too deeply"):
        ModelFile.load(tmp_path / "m")


def test_a_header_nested_deeper_than_json_can_be_parsed_is_refused(tmp_path: Path) -> None:
    index = json.dumps({"__metadata__": {"nextchar": "[" * 100_000}}).encode()
    (tmp_path / "m").write_bytes(len(index).to_bytes(8, "little") + index)
    with pytest.raises(ModelFileError, match="nested too deeply"):
        ModelFile.load(tmp_path / "m")


@pytest.mark.parametrize("form", ["safetensors", "half", "page"])
def test_loading_takes_at_most_twice_the_size_of_the_file(tmp_path: Path, form: str) -> None:
    model = large_model()
    path = tmp_path / form
    if form == "page":
        path.write_text(build_page({"name": "m", "history": None}, model.to_bytes(half=True)))
    else:
        path.write_bytes(model.to_bytes(half=form == "half"))
    tracemalloc.start()
    try:
        loaded = ModelFile.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    room = 200_000  # what parsing and checking take, however large the file is
    assert peak <= {"safetensors": 1.1, "half": 2, "page": 1.8}[form] * path.stat().st_size + room
    for name, values in model.parameters.items():
        kept = values if form == "safetensors" else values.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(loaded.parameters[name], kept)
        assert loaded.parameters[name].flags.writeable


def large_model() -> ModelFile:
    """Return a model nearly all of which is one matrix: the hardest to widen in little room."""
    architecture = Architecture(vocabulary_size=3, embedding=None, hidden=(600,))
    random = np.random.default_rng(0)
    parameters = {
        name: random.normal(0, 1, shape).astype(np.float32) for name, shape in architecture.parameter_shapes().items()
    }
    return ModelFile(architecture, Vocabulary("a가"), parameters)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("book.txt", "book.txt"),
        ("/home/ann/secret/book.txt", "book.txt"),
        ("../x/book.txt", "book.txt"),
        ("C:\\Users\\ann\\book.txt", "book.txt"),
        ("texts/", "texts"),
        ("standard input", "standard input"),
        ("shakespeare", "shakespeare"),
        ("/", "/"),
    ],
)
def test_a_model_names_texts_without_their_folders(tiny: ModelFile, tmp_path: Path, given: str, kept: str) -> None:
    assert Provenance(corpus=(given,)).corpus == (kept,)
    (tmp_path / "m").write_bytes(with_header(tiny, provenance={"corpus": [given]}))  # as older versions wrote it
    assert ModelFile.load(tmp_path / "m").provenance.corpus == (kept,)


def test_model_files_compare_and_show_without_their_weights(tiny: ModelFile) -> None:
    assert tiny != random_model().file
    assert tiny in {tiny}
    assert repr(tiny) == "<ModelFile: LSTM of 1 units, 3 ids, 26 parameters>"
