"""Requests and responses of our own API, with the options of `nextchar.settings`, which checks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from nextchar.model.list_settings import ListSettings
from nextchar.settings import SamplingSettings, Settings, TokenKind
from nextchar.text.tokenizer import Replacement

MAX_STOPS, MAX_STOP_LENGTH = 16, 1000
MAX_COMPARED = 8
"""Most models that a text is compared with: each of them reads it."""
MAX_TEXTS = 900
"""Most texts that a request scores: a body may hold a few more values."""
_FIELDS = SamplingSettings.model_fields


def with_line_feeds(text: str) -> str:
    """Return ``text`` with all line ends as line feeds, as in texts that are read from files."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def setting(name: str, default: Any) -> Any:
    """Return the field ``name`` of `SamplingSettings`, its range and description, with another ``default``."""
    field = _FIELDS[name]
    bounds = {key: value for bound in field.metadata for key, value in asdict(bound).items()}
    return Field(default=default, description=field.description, **bounds)


ModelName = Annotated[str | None, Field(description="Name of the model; by default the first.")]
Stop = Annotated[str, Field(max_length=MAX_STOP_LENGTH), AfterValidator(with_line_feeds)]
Prompt = Annotated[str, AfterValidator(with_line_feeds), Field(description="Text to continue.")]


class GenerateBody(SamplingSettings):
    """Asks for a text."""

    model: ModelName = None
    prompt: Prompt = ""
    stop: tuple[Stop, ...] = Field(default=(), max_length=MAX_STOPS, description=_FIELDS["stop"].description)
    index: int = Field(default=0, ge=0, lt=2**32, description="Number of the text among those of one seed.")
    stream: bool = Field(default=False, description="Send server-sent events while the text is written.")
    trace: int | None = Field(
        default=None,
        ge=1,
        description="Return the runs of this many characters or more that stand in the training text, which must be in "
        "the model file.",
    )

    @property
    def sampling(self) -> SamplingSettings:
        """How characters are drawn."""
        return SamplingSettings.model_construct(**{name: getattr(self, name) for name in _FIELDS})


class DistributionBody(Settings):
    """Asks for the distribution of the next character."""

    model: ModelName = None
    prompt: Prompt = ""
    # The fields of the settings themselves, with their ranges.
    temperature: float = _FIELDS["temperature"]  # type: ignore[assignment]
    top_k: int | None = _FIELDS["top_k"]  # type: ignore[assignment]
    top_p: float | None = _FIELDS["top_p"]  # type: ignore[assignment]
    min_p: float | None = _FIELDS["min_p"]  # type: ignore[assignment]
    limit: int | None = Field(
        default=40, ge=1, description="Number of characters to return, most probable first; null is all."
    )

    @property
    def sampling(self) -> SamplingSettings:
        """How the distribution is reweighted."""
        return SamplingSettings(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, min_p=self.min_p)


class ScoreBody(Settings):
    """Asks for the score of a text, or for those of many."""

    model: ModelName = None
    text: str | None = Field(default=None, description="Text to score; each character is predicted from all before it.")
    texts: tuple[str, ...] | None = Field(
        default=None,
        max_length=MAX_TEXTS,
        description="Texts to score instead, each by itself; without alternatives.",
    )
    alternatives: int = Field(
        default=5, ge=0, le=20, description="Number of alternatives for each character, most probable first."
    )
    adapt: bool = Field(default=False, description="Learn from each character of the text after it is scored.")

    @model_validator(mode="after")
    def _one_or_many(self) -> ScoreBody:
        if self.text is None and self.texts is None:
            raise ValueError("text is missing: give text, a string, or texts, a list of them")
        if self.text is not None and self.texts is not None:
            raise ValueError("text and texts exclude each other: give one of them")
        if self.texts is not None and self.adapt:
            raise ValueError("adapt is for a single text: each of texts is scored by itself")
        return self


class WhoBody(Settings):
    """Asks which of several models a text is most like."""

    models: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_COMPARED,
        description="Names of the models; null is all, if not more.",
    )
    text: Annotated[str, AfterValidator(with_line_feeds)] = Field(description="Text to attribute, whole and by lines.")


class ListBody(ListSettings):
    """Asks for a list of entries like those of the training list."""

    model: ModelName = None
    max: int = Field(default=500, ge=1, le=1000, description=ListSettings.model_fields["max"].description)


class ReplacementCount(BaseModel):
    """A piece of the prompt that the model does not know, what it read instead ("" if left out), and how often."""

    character: str
    replacement: str
    count: int


def count_replacements(replacements: Iterable[Replacement]) -> list[dict[str, Any]]:
    """Return ``replacements`` of a prompt in the shape of `ReplacementCount`."""
    counts = Counter((replacement.given, replacement.read_as) for replacement in replacements)
    return [{"character": given, "replacement": read, "count": count} for (given, read), count in counts.items()]


class CopiedPassage(BaseModel):
    """Characters of the text, from ``start`` up to ``end``, that stand in the training text, and where."""

    start: int
    end: int
    length: int = Field(description="Characters of the whole run, which may begin before start.")
    name: str = Field(description="Name of the file; empty if unknown.")
    line: int | None = Field(description="Number of the line, from 1; null if unknown.")


class GenerateAnswer(BaseModel):
    """A generated text."""

    text: str
    seed: int
    finish_reason: str
    replacements: list[ReplacementCount]
    copied: list[CopiedPassage] = Field(default=[], description="Left out unless trace is given.")


class DistributionAnswer(BaseModel):
    """The most probable next tokens, characters in most models; the entropies, in bits, are over all tokens."""

    characters: list[str]
    """The text of each token by itself; a part of a character is escaped, or a single jamo."""
    probabilities: list[float]
    """As the model gives them."""
    reweighted: list[float]
    """After the settings have reweighted them."""
    entropy: float
    reweighted_entropy: float
    possible: int = Field(description="Number of tokens that may come next.")
    begun: str = Field(
        description="The end of the prompt that the tokens repeat and go on with, where tokens are words; else empty."
    )
    replacements: list[ReplacementCount]


class Alternative(BaseModel):
    """A token, in most models a character, that the model predicted in this place, and its probability."""

    character: str
    probability: float


class ScoreAnswer(BaseModel):
    """The bits of each token, which is a character in most models; characters of several tokens are scored whole. The
    text is lower-cased if the model was trained on lower case."""

    bits_per_character: float
    character_count: int
    """Characters of the text."""
    characters: list[str]
    """The text in tokens, or in characters where these have several."""
    bits: list[float]
    unknown: list[bool]
    alternatives: list[list[Alternative]]


class AttributionAnswer(BaseModel):
    """Whose a text is. What is unknown, and the posterior of an empty line, is null."""

    author: str | None = Field(description="The most likely model; null if it is none of them.")
    none_of_them: bool = Field(description="Whether all models are more surprised than by their own held-out text.")
    characters: int
    posterior: dict[str, float | None] = Field(description="Probability of each model, if it is one of them.")
    bits_per_character: dict[str, float | None]
    deviations: dict[str, float | None] = Field(
        description="Standard deviations above the mean of each model's own held-out text."
    )


class LineAttribution(AttributionAnswer):
    """Whose a line is."""

    text: str


class WhoAnswer(AttributionAnswer):
    """Whose a text is, as a whole and line by line."""

    lines: list[LineAttribution]


class ListedEntry(BaseModel):
    """An entry of a list."""

    text: str
    bits: float = Field(description="-log2 of the probability of its line, with the line end, at temperature 1.")
    new: bool | None = Field(description="Whether it is not in the training list; null if that is not in the model.")


class ListAnswer(BaseModel):
    """A list."""

    entries: list[ListedEntry]
    seed: int | None
    drawn: int = Field(description="Entries drawn, those that were refused as well.")
    refused: dict[str, int] = Field(description="How many were refused, by the reason.")
    shortfall: str | None = Field(description="Why there are fewer entries than asked for; null if there are not.")


class ShortScore(BaseModel):
    """The score of one of many texts; all but bits and characters are null for an empty one."""

    bits: float
    bits_per_character: float | None
    characters: int
    surprise_column: int | None = Field(description="Where the most surprising character is, from 1.")
    surprise_character: str | None
    surprise_bits: float | None
    odder_than: float | None = Field(
        description="Share of held-out lines of the model with fewer bits a character; null if it has none."
    )


class ScoresAnswer(BaseModel):
    """The scores of many texts, in their order."""

    scores: list[ShortScore]


class ModelInfo(BaseModel):
    """The facts about a model."""

    id: str
    name: str
    tokens: TokenKind
    characters: list[str] = Field(description="What tokens consist of; jamo of syllables are conjoining.")
    vocabulary_size: int
    hidden: list[int]
    embedding: int | None
    context_length: int | None
    parameters: int
    lowercase: bool
    bits_per_character: float | None
    corpus: list[str]
    seconds: float | None
    has_history: bool
    finished: bool
    has_text: bool = Field(default=False, description="Whether the training text is in the file; left out if not.")
    labels: list[str] = Field(
        default=[], description="Kinds of entries that the model of a list can write; left out if there are none."
    )
    started_from: str = Field(
        default="", description="The model that training started from; left out if it started from nothing."
    )
    path: str = Field(default="", description="As given to the server; left out if absolute.")


class ModelsAnswer(BaseModel):
    """The served models."""

    models: list[ModelInfo]


class Sample(BaseModel):
    """What a model wrote during training."""

    temperature: float
    text: str


class EvaluationAnswer(BaseModel):
    """How well a model predicted at one point of its training."""

    step: int
    epoch: float
    seconds: float
    training_bits: float | None
    validation_bits: float | None
    best: bool
    samples: list[Sample]


class HistoryAnswer(BaseModel):
    """How a model learned."""

    prompt: str
    finished: bool
    evaluations: list[EvaluationAnswer]


class ErrorDetail(BaseModel):
    """The error."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """An error response."""

    error: ErrorDetail


REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "An option is not allowed, or exceeds a limit."},
    401: {"model": ErrorAnswer, "description": "The API key is missing or wrong."},
    404: {"model": ErrorAnswer, "description": "There is no such model."},
    408: {"model": ErrorAnswer, "description": "The request took longer than the limit."},
    413: {"model": ErrorAnswer, "description": "The body is larger than the limit."},
    503: {"model": ErrorAnswer, "description": "Too many requests are waiting, or the server is stopping."},
}
"""Error responses of every route, for the documentation of the API."""
