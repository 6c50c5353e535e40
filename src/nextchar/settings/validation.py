"""Validation: what a wrong option is, in a sentence that says what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.errors import MAX_SHOWN, UsageError, shortened, without_middle


class Settings(BaseModel):
    """The base of all options: they are immutable, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
