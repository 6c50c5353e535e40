"""The plan of a run: every size and number that training follows, fixed before it starts, and how it is chosen."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Plan(BaseModel):
    """What training does, step by step. The same plan, text, seed and machine give the same weights, bit for bit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: tuple[int, ...] = Field(min_length=1, max_length=8)
    """Units of each LSTM layer."""
    embedding: int | None = Field(ge=1)
    """Size of the character embedding; None is one-hot."""
    dropout: float = Field(ge=0, lt=1)
    streams: int = Field(ge=1)
    """B: places of the text read in parallel."""
    window: int = Field(ge=1)
    """T: steps of truncated back-propagation through time."""
    steps: int = Field(ge=1)
    """Updates of the weights."""
    learning_rate: float = Field(gt=0)
    """Peak of the schedule: linear warm-up, then half a cosine down to zero."""
    warm_up: int = Field(ge=0)
    """Steps of the warm-up."""
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    """Largest norm of the gradient."""
    snapshot_every: int = Field(ge=1)
    """Steps between the states that a save writes and a diverging run returns to."""

    @property
    def characters(self) -> int:
        """Characters predicted over the whole run."""
        return self.steps * self.streams * self.window
