"""Options of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nextchar.settings.validation import Settings
from nextchar.settings.values import NOTHING, Duration, Exchange, Precision, RecipeName, Size


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
