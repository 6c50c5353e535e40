"""The options of a text on the terminal."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.settings import TextSettings


class TextOptions(TextSettings):
    """How a text is read and encoded: the opposite of --lines is --prose."""

    lines: Annotated[bool | None, Parameter(negative="--prose")] = Field(
        default=None, description=TextSettings.model_fields["lines"].description
    )
