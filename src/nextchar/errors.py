"""Errors. Every error that a user can cause is one of these. Its message says in one or two sentences what was given,
what is allowed and what to do next.

NextcharError
├── UsageError                  the options given do not make sense (terminal: exit status 2)
├── TextError                   a text cannot be found, read, decoded or learned from
├── UnknownCharacterError       strict mode met characters that the model does not know
├── ModelFileError              a model file is missing, damaged, or of another kind or version
├── ListError                   there are fewer entries for a list than were asked for
├── RunFolderError              a run folder cannot be written, is in use, or cannot be resumed
├── TrainingError               training cannot continue
└── MissingDependencyError      an optional package is not installed
"""

MAX_SHOWN = 100
"""Characters of a value given that an error repeats."""


def shortened(value: object) -> str:
    """Return ``value`` as an error repeats it, cut where it is long."""
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"


def without_middle(message: str) -> str:
    """Return ``message``, without its middle where it is long because it repeats what was given.

    >>> len(without_middle("x" * 1000 + " is not allowed")), without_middle("x" * 1000 + " is not allowed")[-16:]
    (401, 'x is not allowed')
    """
    return message if len(message) <= 4 * MAX_SHOWN else f"{message[: 2 * MAX_SHOWN]}…{message[-2 * MAX_SHOWN :]}"


class NextcharError(Exception):
    """An error that the user of nextchar can understand and fix.

    >>> import nextchar
    >>> try:
    ...     nextchar.load("nowhere.safetensors")
    ... except nextchar.NextcharError as error:
    ...     print(error)
    There is no model nowhere.safetensors. Give a run folder or a .safetensors file.
    """


class UsageError(NextcharError):
    """The options given do not make sense, alone or together."""


class TextError(NextcharError):
    """A text cannot be found, read, decoded or learned from."""


class UnknownCharacterError(NextcharError):
    """A prompt holds characters that the model does not know, and strict mode was asked for."""


class ModelFileError(NextcharError):
    """A model file is missing, damaged, or of another kind or version."""


class ListError(NextcharError):
    """There are fewer entries for a list than were asked for."""


class RunFolderError(NextcharError):
    """A run folder cannot be written, is in use by another process, or cannot be resumed."""


class TrainingError(NextcharError):
    """Training cannot continue; what was saved stays on disk."""


class MissingDependencyError(NextcharError):
    """An optional package is needed and not installed."""
