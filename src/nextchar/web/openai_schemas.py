"""Requests to /v1/completions, as OpenAI's clients send them, and the responses.

Source: OpenAI, "API reference", Completions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, model_validator

from nextchar.settings import SamplingSettings, Settings, as_texts
from nextchar.web.schemas import MAX_STOPS, ModelName, Prompt, ReplacementCount, Stop, setting

MAX_CHOICES = 128
"""Texts in one request: prompts times n."""
_FIELDS = SamplingSettings.model_fields


def _as_prompts(prompt: Any) -> Any:
    prompts = cast("list[Any]", prompt if isinstance(prompt, list) else [prompt])
    if not all(isinstance(text, str) for text in prompts):
        raise ValueError(
            "The prompt must be a string or a list of strings: this server reads characters, not token ids"
        )
    return prompts


def _refuse_unless_empty(value: object, info: ValidationInfo) -> object:
    if value:
        raise ValueError(f"{info.field_name} is not supported by this server: leave it out")
    return value


NOT_SUPPORTED = BeforeValidator(_refuse_unless_empty)
"""For a field that clients may send, but only with a value that has no effect."""


def _as_count(logprobs: object) -> object:
    if logprobs is True:
        raise ValueError(
            "logprobs must be a number here, how many alternatives to return: give 0 to 5, or leave it out"
        )
    return None if logprobs is False else logprobs


class StreamOptions(Settings):
    """What else a stream contains."""

    include_usage: bool = Field(default=False, description="End with a chunk that gives the usage.")
    include_obfuscation: bool = Field(default=False, description="Accepted and ignored.")


class CompletionBody(Settings):
    """Asks for texts. Tokens are counted in characters, whatever the tokens of the model."""

    model: ModelName = None
    prompt: Annotated[tuple[Prompt, ...], BeforeValidator(_as_prompts, json_schema_input_type=str | list[str])] = Field(
        default=("",), min_length=1, max_length=MAX_CHOICES, description="Text to continue, or a list of texts."
    )
    max_tokens: int = setting("length", 16)
    temperature: float = setting("temperature", 1.0)
    top_p: float | None = _FIELDS["top_p"]  # type: ignore[assignment]
    top_k: int | None = _FIELDS["top_k"]  # type: ignore[assignment]
    min_p: float | None = _FIELDS["min_p"]  # type: ignore[assignment]
    max_copy: int | None = _FIELDS["max_copy"]  # type: ignore[assignment]
    n: int = Field(default=1, ge=1, le=MAX_CHOICES, description="Texts to write for each prompt.")
    stop: Annotated[tuple[Stop, ...], BeforeValidator(as_texts, json_schema_input_type=Stop | list[Stop])] = Field(
        default=(), max_length=MAX_STOPS, description="Stop before this text, or before one of these."
    )
    seed: int | None = _FIELDS["seed"]  # type: ignore[assignment]
    logprobs: Annotated[int | None, BeforeValidator(_as_count, json_schema_input_type=int | Literal[False] | None)] = (
        Field(
            default=None,
            ge=0,
            le=5,
            description="Return ln p of each token and of this many most probable alternatives; false is off.",
        )
    )
    echo: bool = Field(default=False, description="Repeat the prompt before the text.")
    stream: bool = Field(default=False, description="Send server-sent events while the texts are written.")
    stream_options: StreamOptions | None = None
    user: str | None = Field(default=None, description="Accepted and ignored.")
    best_of: int | None = Field(default=None, ge=1, description="Must equal n: all texts are returned.")
    frequency_penalty: Annotated[float, NOT_SUPPORTED] = Field(
        default=0, ge=0, le=0, description="Not supported: must be 0."
    )
    presence_penalty: Annotated[float, NOT_SUPPORTED] = Field(
        default=0, ge=0, le=0, description="Not supported: must be 0."
    )
    logit_bias: Annotated[dict[str, float], NOT_SUPPORTED] = Field(
        default={}, max_length=0, description="Not supported: must be {}."
    )
    suffix: Annotated[str, NOT_SUPPORTED] = Field(
        default="", max_length=0, description="Not supported: the model reads forwards only."
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_given(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if value is not None}  # pyright: ignore[reportUnknownVariableType]
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> CompletionBody:
        if self.best_of not in {None, self.n}:
            raise ValueError(f"best_of = {self.best_of} is not supported: it must equal n = {self.n}, so leave it out")
        if self.stream_options is not None and not self.stream:
            raise ValueError('stream_options need a stream: add "stream": true, or leave them out')
        if len(self.prompt) * self.n > MAX_CHOICES:
            raise ValueError(f"{len(self.prompt)} prompts times n = {self.n} is more than {MAX_CHOICES} texts")
        return self

    @property
    def read(self) -> int:
        """Characters of the prompts."""
        return sum(map(len, self.prompt))

    @property
    def written(self) -> int:
        """Characters of the response for each of n texts, over all prompts."""
        return len(self.prompt) * self.max_tokens + (self.read if self.echo else 0)

    @property
    def sampling(self) -> SamplingSettings:
        """How characters are drawn."""
        drawn = ("temperature", "top_k", "top_p", "min_p", "max_copy", "stop", "seed")
        return SamplingSettings(length=self.max_tokens, **{name: getattr(self, name) for name in drawn})


class Logprobs(BaseModel):
    """For each token of a text, which is a character in most models; the first one of a prompt has no probability."""

    tokens: list[str]
    token_logprobs: list[float | None]
    """ln p as the model gives it, whatever the sampling settings."""
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]
    """Where each token begins, counted from the beginning of the prompt."""


class Choice(BaseModel):
    """One text, or the next part of one."""

    index: int
    text: str
    logprobs: Logprobs | None
    finish_reason: str | None


class Usage(BaseModel):
    """Characters read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionAnswer(BaseModel):
    """Generated texts."""

    id: str
    object: str = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    """Identifies the model file."""
    choices: list[Choice]
    usage: Usage | None
    seed: int
    """An extension: the seed, drawn if none was given."""
    replacements: list[ReplacementCount]
    """An extension: what the model did not know in the prompts."""


class ModelCard(BaseModel):
    """A model in a list."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "nextchar"


class ModelList(BaseModel):
    """The served models."""

    object: str = "list"
    data: list[ModelCard]
