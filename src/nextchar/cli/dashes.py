"""Arguments that begin with a dash: options or texts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError

_OPTION = re.compile(r"--|--?[^\W\d][\w-]*(=.*)?", re.DOTALL)
"""``--``, after which everything is text, or a name with an optional value; not ``-``, ``- Hello`` or ``-1``."""
DEFAULTS = {"--trace": "20"}
"""Options whose number may be left out, and the number that is meant then: `nextchar.settings.MIN_RUN`, which is not
imported, so that no command waits for it."""


def as_tokens(arguments: Iterable[str]) -> list[str]:
    """Return ``arguments`` for cyclopts. Those that begin with a dash and cannot be options are marked as text; an
    option of `DEFAULTS` that no number follows gets its own."""
    tokens: list[str] = []
    for argument, following in pairwise([*arguments, ""]):
        is_text = argument.startswith("-") and not _OPTION.fullmatch(argument)
        tokens.append(_Text(argument) if is_text else argument)
        if argument in DEFAULTS and not following.isdecimal() and "--" not in tokens:
            tokens.append(DEFAULTS[argument])
    return tokens


class _Text(str):
    """A text that begins with a dash, so that cyclopts would take it for an option."""

    __slots__ = ()

    def startswith(self, *_: Any) -> bool:
        return False


def explain_usage(error: CycloptsError, arguments: Sequence[str]) -> str:
    """Return what is wrong with the options, and how to write a text that was taken for one."""
    match error:
        case UnknownOptionError(token=token) if token.keyword in arguments and "--" in arguments:
            return f"Everything after -- is text: put the option {token.keyword} before it."
        case UnknownOptionError(token=token):
            taken = next((given for given in arguments if given.split("=")[0] == token.value), token.value)
            quoted = shlex.quote(taken)
            prompts = [option.name for option in error.argument_collection if option.name == "--prompt"]
            or_so = f" or --prompt={quoted}" if prompts else ""
            return f"{error} If it is a text, not an option: -- {quoted}{or_so}"
        case MissingArgumentError(keyword=str(keyword)):
            following = next((b for a, b in pairwise(arguments) if a == keyword), "")
            value = f" If {following} is its value: {keyword}={shlex.quote(following)}"
            return str(error) + (value if following.startswith("-") else "")
        case _:
            return str(error)
