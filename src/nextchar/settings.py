"""Options: one list, validated in one place. Terminal flags, keyword arguments and the records of runs use it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from nextchar.errors import MAX_SHOWN, UsageError, shortened, without_middle

Weights = Literal["float32", "int8"]
"""How a model's weights are stored while it writes and scores."""

Adapt = Literal["none", "counts", "weights"]
"""What learns from a text as it is scored: nothing; the counts, and with them the output layer and the weights of the
mixture (`nextchar.networks.reading_along`); or the counts and all weights of the network
(`nextchar.model.dynamic_evaluation`)."""

Errors = Literal["strict", "replace", "latin"]
"""How wrong bytes are read: as an error, as U+FFFD for each sequence, or as one cp1252 character for each byte."""

Boundary = Literal["line", "blank", "none"]
"""What separates documents: each starts on a new line, or after a blank line, or they are joined as they stand."""

Repeated = Literal["keep", "once"]
"""How often a line of a list is learned that is there several times."""

TokenKind = Literal["characters", "bytes", "jamo", "words"]
"""What the tokens of a model are."""

TokenChoice = Literal["auto", TokenKind]
"""The same, or what suits the text."""

Normalization = Literal["nfc", "nfkc"]
"""Unicode's normalization forms that a text may be brought into before it is learned: composed, or composed with
compatibility characters replaced."""

Precision = Literal["float32", "bfloat16"]
"""Number format of matrix products in training."""

Exchange = Literal["float32", "bfloat16", "local"]
"""What processes that train together exchange: the gradients of every update, in one of two number formats, or their
weights after some local updates."""

RecipeName = Literal["default", "classic", "counts"]
"""Names of the recipes (`nextchar.training.recipes`)."""

SAMPLE_TEMPERATURES = (0.2, 0.5, 1.0, 1.2)

NOTHING = "none"
"""In place of a model to start from: start from random weights, whatever base models are installed."""

MIN_RUN = 20
"""Characters from which a run counts as copied, unless another number is given."""

_RANGE = ("type", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(value: object) -> object:
    """Turn ``"90"``, ``"60s"``, ``"5m"``, ``"1.5h"`` into seconds; leave anything that is not a string alone.

    Raises:
        ValueError: the string is not a duration.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(s|min|m|h|)\s*", value)
    if match is None:
        raise ValueError(
            f"{shortened(value)} is not a duration: write seconds, minutes or hours like 90, 60s, 5m or 1h"
        )
    return float(match[1]) * _UNITS[match[2]]


def describe_duration(seconds: float) -> str:
    """Return ``seconds`` as people write it: 4.2 s, 59 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def describe_value(value: object) -> str:
    """Return the value of an option as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value).strip("()[],")  # (128, 128)


def parse_size(value: object) -> object:
    """Turn ``"250000"``, ``"500kB"``, ``"1.5MB"`` into bytes; leave anything that is not a string alone.

    Raises:
        ValueError: the string is not a size.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmg]?b|)\s*", value, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{shortened(value)} is not a size: write bytes, kB, MB or GB like 500kB or 1.5MB")
    return float(match[1]) * _SIZES[match[2].lower()]


Size = Annotated[float, BeforeValidator(parse_size)]
Duration = Annotated[float, BeforeValidator(parse_duration)]


def as_texts(value: object) -> object:
    """Return a single text as a tuple, so that a string is never taken for its characters; return others unchanged."""
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[tuple[str, ...], BeforeValidator(as_texts)]


class Settings(BaseModel):
    """The base of all options: they are immutable, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TextSettings(Settings):
    """How a text is read and encoded."""

    encoding: str | None = Field(default=None, description="Encoding of the files; detected by default, with a note.")
    errors: Errors = Field(
        default="strict",
        description="What to do with bytes that do not decode: strict stops with an error, replace reads U+FFFD for "
        "each wrong sequence, latin reads each wrong byte as cp1252; a note says how many there are.",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        description="Column or field of JSON lines, CSV, TSV and Parquet files that holds the text; each record is a "
        "document. Without it, such files are read as plain text, except Parquet.",
    )
    label_column: str | None = Field(
        default=None,
        min_length=1,
        description="Column with the kind of each record of a list, like dwarf or elf: the model learns to write "
        "entries of a kind (nextchar sample --label).",
    )
    boundary: Boundary = Field(
        default="line",
        description="What separates documents, that is, files or records: line starts each on a new line, blank puts "
        "a blank line between them, none joins them as they stand.",
    )
    lines: bool | None = Field(
        default=None,
        description="Each line is an entry of a list, in no order: a name, a product, a line of a log. By default a "
        "list of short lines is noticed; --prose reads any text as running text.",
    )
    repeated: Repeated = Field(
        default="keep",
        description="Lines of a list that are there several times: keep learns them as often as they are there, once "
        "counts them once.",
    )
    lowercase: bool = Field(default=False, description="Lower-case the text.")
    normalize: Normalization | None = Field(
        default=None,
        description="Unicode's normalization form to bring the text into, and every prompt and scored text: nfc "
        "composes letters and their marks, nfkc also replaces compatibility characters like full-width letters.",
    )
    tokens: TokenChoice = Field(
        default="auto",
        description="What the model reads and writes at a time: characters; bytes, of any file; jamo, the letters of "
        "Hangul; or words, with rare ones spelled by their characters. auto takes characters.",
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=100,
        le=60_000,
        description="With --tokens words: most words and characters; by default there is a word for every 300 "
        "characters of the text.",
    )
    validation: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="Share of each text held out for validation, from its end; by default a tenth, at most 1,000,000 "
        "characters of all texts. 0 holds nothing out, which is the default of the classic recipe.",
    )
    min_count: int | None = Field(
        default=None,
        ge=1,
        description="Characters that occur fewer times than this in the training text share the unknown symbol; by "
        "default it depends on the size of the text.",
    )

    @model_validator(mode="after")
    def _labels_of_a_list(self) -> TextSettings:
        if self.label_column is not None and self.column is None:
            raise ValueError("--label-column is for files of records: name the column with the text in --column too")
        if self.label_column is not None and self.lines is False:
            raise ValueError("--label-column is for lists: leave --prose out")
        return self

    @model_validator(mode="after")
    def _tokens_of_a_text(self) -> TextSettings:
        if self.vocabulary_size is not None and self.tokens != "words":
            raise ValueError("--vocabulary-size is for words: add --tokens words")
        if self.tokens == "bytes":
            names = ("encoding", "lowercase", "normalize", "min_count")
            given = [name for name in names[self.column is not None :] if getattr(self, name)]
            if given:
                raise ValueError(f"--tokens bytes reads every byte as it is: leave {flag(given[0])} out")
        return self

    @property
    def token_kind(self) -> TokenKind:
        """What the tokens are."""
        return "characters" if self.tokens == "auto" else self.tokens


class TrainingSettings(Settings):
    """How a model is trained. Anything not given is chosen for the text, the time and the speed of the machine."""

    recipe: RecipeName = Field(
        default="default",
        description="classic is the well-known Keras example: windows of 60 characters in random order, one-hot, LSTM "
        "of 128 units, RMSprop; 9 passes unless a length is given. counts trains nothing: it counts n-grams, which "
        "takes about a second and needs no torch.",
    )
    from_: str | None = Field(
        default=None,
        min_length=1,
        description="Model to start from: a run folder, a model file, or the name of an installed base model. Its "
        "sizes are used, and what it knows of each character. By default an installed base model that a sample of the "
        f"text shows to pay; {NOTHING}: random weights.",
    )
    keep_characters: bool | None = Field(
        default=None,
        description="Also keep the characters of the model to start from that the text does not have; by default "
        "syllables of Hangul alone, where the text has others.",
    )
    time: Duration | None = Field(
        default=None,
        gt=0,
        le=30 * 86400,
        description="Time budget for training itself, like 60s, 5m or 1h; one minute unless time, epochs or steps are "
        "given.",
    )
    epochs: float | None = Field(
        default=None, gt=0, le=100_000, description="Passes over the text to train for, instead of a time."
    )
    steps: int | None = Field(
        default=None, ge=1, le=100_000_000, description="Updates to train for, instead of a time."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed for everything random in the run.")
    hidden: int | None = Field(default=None, ge=1, le=8192, description="Units of each LSTM layer.")
    layers: int | None = Field(default=None, ge=1, le=8, description="Stacked LSTM layers.")
    embedding: int | None = Field(
        default=None, ge=0, le=8192, description="Size of the character embedding; 0 is one-hot."
    )
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Dropout: share of units dropped in training.")
    streams: int | None = Field(
        default=None, ge=1, le=4096, description="Parallel streams through the text (batch size)."
    )
    window: int | None = Field(
        default=None, ge=1, le=4096, description="Steps of truncated back-propagation through time."
    )
    learning_rate: float | None = Field(default=None, gt=0, le=10, description="Highest learning rate of the schedule.")
    weight_decay: float | None = Field(default=None, ge=0, le=10, description="Decoupled weight decay (AdamW).")
    clip: float | None = Field(default=None, gt=0, description="Largest norm of the gradient.")
    precision: Precision | None = Field(
        default=None,
        description="Number format of matrix products in training; by default the faster one where a time is given, "
        "else float32.",
    )
    memory: bool | None = Field(
        default=None,
        description="Blend the network with what was counted in the text: fewer bits, a larger model file. On by "
        "default, except with the classic recipe.",
    )
    keep_text: bool | None = Field(
        default=None,
        description="Keep the training text in the model file, for --max-copy and --trace: whoever has the file can "
        "read it. On by default, except with the classic recipe.",
    )
    memory_size: Size | None = Field(
        default=None,
        ge=1000,
        le=1e8,
        description="Size of the memory in the model file, like 500kB or 4MB, about four bytes for each count; by "
        "default it has as many n-grams as the text has characters, at most a million, and a fifth of that of words.",
    )
    evaluations: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Validations over the run, each with samples; by default longer runs have more.",
    )
    sample_length: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Characters of each sample written while training; 400 with the classic recipe.",
    )
    save_every: Duration = Field(
        default=30.0,
        gt=0,
        le=30.0,
        description="Time between saves; at most 30s.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="Where to train.")
    gpu_memory_fraction: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Largest share of the GPU's memory to use; no limit by default.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Threads to compute with on the CPU; by default one for each core.",
    )
    exchange: Exchange | None = Field(
        default=None,
        description="What several processes exchange: the gradients of every update, in float32 or in bfloat16 (half "
        "as many bytes), or, with local, their weights after some updates each; by default the first of these that "
        "takes no longer than the computing if a time is given, else float32.",
    )

    @model_validator(mode="after")
    def _one_length(self) -> TrainingSettings:
        given = [name for name in ("time", "epochs", "steps") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join('--' + name for name in given)} exclude each other: give one of them")
        return self

    @model_validator(mode="after")
    def _kept_of_a_base(self) -> TrainingSettings:
        if self.keep_characters and self.from_ in {None, NOTHING}:
            raise ValueError("--keep-characters is for training that starts from a model: add --from MODEL")
        return self

    @model_validator(mode="after")
    def _size_of_a_memory(self) -> TrainingSettings:
        if self.memory is False and self.memory_size is not None:
            raise ValueError("--memory-size is for a model with a memory: leave it out, or --no-memory")
        return self


class SamplingSettings(Settings):
    """How the next character is drawn. ``None`` is off."""

    length: int = Field(default=400, ge=0, le=100_000_000, description="Characters to write.")
    temperature: float = Field(
        default=0.5,
        ge=0,
        le=100,
        description="0 is greedy; below 1 is safer, above 1 wilder than the model itself.",
    )
    top_k: int | None = Field(default=None, ge=1, description="Draw only from the K most probable characters.")
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Draw only from the fewest characters whose probabilities add up to P or more.",
    )
    min_p: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Draw only from characters at least P times as probable as the most probable one.",
    )
    adapt: bool = Field(default=False, description="Learn from the prompt first; best with a long one.")
    max_copy: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Copy at most N characters in a row from the training text, which must be in the model file.",
    )
    stop: OneOrMore = Field(default=(), description="Stop before this text; may be repeated.")
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="The same seed gives the same text; by default it is drawn and reported.",
    )


def sampling_limits() -> dict[str, dict[str, Any]]:
    """Return the range and the default of each number in `SamplingSettings`, in the words of JSON Schema."""
    limits: dict[str, dict[str, Any]] = {}
    for name, schema in SamplingSettings.model_json_schema()["properties"].items():
        number = schema.get("anyOf", [schema])[0]  # an option that may be off is a number or null
        if number["type"] in {"integer", "number"}:
            limits[name] = {key: number[key] for key in _RANGE if key in number} | {"default": schema["default"]}
    return limits


class ServeSettings(Settings):
    """Where a server listens, whom it lets in, and how much it does for one request."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; one that other machines reach, like 0.0.0.0, needs --api-key or --public.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one and prints it.")
    api_key: str | None = Field(
        default=None,
        min_length=1,
        description="Key that requests must send, as OpenAI's clients do; by default that in NEXTCHAR_API_KEY.",
    )
    public: bool = Field(default=False, description="Let in anyone who can reach the host, without a key.")
    origin: OneOrMore = Field(
        default=(),
        description="Origin of other web pages that may use the API, like https://example.org; may be repeated.",
    )
    max_characters: int = Field(default=20_000, ge=1, description="Maximum number of characters written for a request.")
    max_text: int = Field(default=20_000, ge=1, description="Maximum length of a prompt, or of a text to score.")
    max_body: int = Field(default=1_048_576, ge=1, description="Maximum size of a request's body, in bytes.")
    max_connections: int = Field(
        default=512,
        ge=1,
        le=65536,
        description="Maximum number of open connections; fewer where the system allows fewer. Beyond that, the server "
        "closes idle ones, or refuses the new one if none is idle.",
    )
    max_writing: int = Field(
        default=16, ge=1, description="Maximum number of requests that write at once; others wait."
    )
    max_waiting: int = Field(default=256, ge=0, description="Maximum number of requests that wait; more are refused.")
    max_time: Duration = Field(
        default=60.0,
        gt=0,
        le=86400,
        description="Time limit of a request, including its wait and sending the response.",
    )
    max_arrival: Duration = Field(
        default=20.0, gt=0, le=3600, description="Time limit for the headers and body of a request to arrive."
    )
    max_stall: Duration = Field(
        default=10.0, gt=0, le=3600, description="Time that a client may leave its response unread."
    )
    max_idle: Duration = Field(
        default=15.0, gt=0, le=3600, description="Time that a connection stays open between requests."
    )
    drain: Duration = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="Time that the server goes on answering after a signal to stop, while /readyz says that it stops.",
    )
    cores: int | None = Field(
        default=None, ge=1, le=1024, description="Threads that write and score; by default one for each core."
    )

    @field_validator("origin")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s?#]+", origin):
                raise ValueError(
                    f"{shortened(origin)} is not an origin: write it like https://example.org, without a path"
                )
        return origins


S = TypeVar("S", bound=Settings)


def build(kind: type[S], options: Mapping[str, Any]) -> S:
    """Validate ``options`` as settings of ``kind``.

    Raises:
        UsageError: an option is unknown (the nearest known name is given) or its value is not allowed.
    """
    try:
        return kind(**options)
    except ValidationError as error:
        raise UsageError(explain(kind, error)) from None


def flag(name: str) -> str:
    """Return the option of the terminal for the setting ``name``: ``from_`` is ``--from``."""
    return f"--{name.strip('_').replace('_', '-')}"


def explain(kind: type[Settings], error: ValidationError) -> str:
    """Return a sentence for each wrong option: what was given, and what is allowed."""
    return explain_details(kind, error.errors(include_url=False))


def explain_details(kind: type[BaseModel], details: Iterable[Mapping[str, Any]], noun: str = "option") -> str:
    """Return the same for ``details`` in the form of pydantic; ``noun`` names what each is."""
    sentences: list[str] = []
    for detail in details:
        name = ".".join(str(part) for part in detail["loc"])[:MAX_SHOWN]
        # It may quote the value given, with line ends of its own.
        message = detail["msg"].removeprefix("Value error, ")
        message = without_middle("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))
        if detail["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, kind.model_fields, n=1)
            hint = f". Did you mean {near[0]!r}?" if near else ": leave it out."
            sentences.append(f"There is no {noun} {shortened(name)}{hint}")
        elif name and detail["type"] != "value_error":
            message = f"{message[0].lower()}{message[1:]}"
            missing = detail["type"] == "missing"
            given = "is missing" if missing else f"= {shortened(detail.get('input'))} is not allowed: {message}"
            sentences.append(f"{name} {given}.")
        else:
            sentences.append(message + ".")
    return " ".join(sentences)
