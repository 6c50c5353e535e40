"""What a run follows from its first step to its last, resumed or not: the content of its settings.json."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextchar.plan import Plan
from nextchar.settings import TextSettings, TrainingSettings, explain_details, shortened

FORMAT = 1
MOST_EVALUATIONS = 100_000
_TOLD = 3
"""Wrong entries that an error tells of."""


class RunSettings(BaseModel):
    """What a run follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    corpus: tuple[str, ...] = Field(min_length=1)
    """The texts as they were named, files by their absolute path."""
    names: tuple[str, ...]
    """What the texts are called."""
    corpus_key: str = Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")
    """Key of the encoded corpus in the cache."""
    text: TextSettings
    training: TrainingSettings
    plan: Plan
    device: str = Field(pattern="^(cpu|cuda|mps)$")
    threads: int = Field(ge=1, le=1024)
    """Threads torch computes with; the order of its sums depends on it."""
    evaluations: int = Field(ge=1, le=MOST_EVALUATIONS)
    """Validations, each with samples, evenly over the plan."""
    prompt: str = Field(max_length=4096)
    """What every sample goes on from."""

    def to_json(self) -> bytes:
        """Return the content of settings.json."""
        # json, unlike pydantic, carries file names whose bytes are no UTF-8: Python has lone surrogates for them.
        return json.dumps(self.model_dump(mode="json"), indent=2).encode()

    @classmethod
    def from_json(cls, content: bytes) -> RunSettings:
        """Return the settings that `to_json` wrote, every entry of its own type and within its range.

        Raises:
            ValueError: they are damaged, of a newer format, or an entry is not allowed; the message says which.
        """
        try:
            raw: object = json.loads(content)
            _check_format(raw)
            return cls.model_validate(_with_tuples(raw), strict=True)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            more = f" {len(wrong) - _TOLD} more entries are wrong, too." if len(wrong) > _TOLD else ""
            raise ValueError(explain_details(cls, wrong[:_TOLD], "entry") + more) from error
        except RecursionError:
            raise ValueError("It is damaged: it is nested too deeply.") from None
        except ValueError as error:
            if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
                raise ValueError(f"It is damaged: it is no JSON ({error}).") from error
            raise


def _check_format(raw: object) -> None:
    """Raise a `ValueError` unless ``raw`` is a JSON object of the format known here, told by a whole number."""
    if not isinstance(raw, dict):
        raise ValueError("It is damaged: it is no JSON object.")
    found: object = cast("dict[str, Any]", raw).get("format")
    if type(found) is int and found > FORMAT:
        raise ValueError(
            f"It was written by a newer nextchar: its format is {shortened(found)}, and this one reads {FORMAT}. "
            "Update nextchar."
        )
    if type(found) is not int or found != FORMAT:  # Literal[1] would let true and 1.0 in
        raise ValueError(f"format = {shortened(found)} is not allowed: it has to be {FORMAT}.")


def _with_tuples(value: object) -> object:
    """Return ``value`` with tuples for its lists, which strict validation asks for."""
    if isinstance(value, list):
        return tuple(_with_tuples(held) for held in cast("list[object]", value))
    if isinstance(value, dict):
        return {key: _with_tuples(held) for key, held in cast("dict[str, object]", value).items()}
    return value
