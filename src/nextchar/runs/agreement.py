"""Whether a command asks for the run that is there."""

from __future__ import annotations

from pathlib import Path

from nextchar.errors import UsageError
from nextchar.runs.run_settings import RunSettings
from nextchar.runs.texts import Texts
from nextchar.settings import TrainingSettings, flag
from nextchar.training.recipes import recipe_of


def check_agreement(recorded: RunSettings, texts: Texts, training: TrainingSettings) -> None:
    """Check that a command to train asks for the run that is there.

    Args:
        recorded: settings of the run.
        texts: what the command asks to learn from; files are compared by their paths, not by their content.
        training: how it asks to train.

    Raises:
        UsageError: they differ; the message names the first difference.
    """
    text, completed = recipe_of(training).complete(texts.settings, training)
    for name in ("memory", "keep_text"):  # a run from before there were such options has neither
        if getattr(recorded.training, name) is None and not getattr(training, name):
            completed = completed.model_copy(update={name: None})
    for asked, known in ((text, recorded.text), (completed, recorded.training)):
        for name in type(asked).model_fields:
            given, had = getattr(asked, name), getattr(known, name)
            if given != had and not _is_settled(name, given, had):
                raise UsageError(
                    f"The run that is there does not agree with this command: {flag(name)} is "
                    f"{_shown(had)} in the run and {_shown(given)} here. Give the command that began "
                    "it, or choose another --out."
                )
    paths = [Path(name).absolute() for name in texts.names if Path(name).exists()]
    strange = [path for path in recorded.corpus if not any(Path(path).is_relative_to(given) for given in paths)]
    if strange and len(paths) == len(texts.names):
        raise UsageError(
            f"The run that is there does not agree with this command: it learns from {strange[0]}, which is not among "
            f"{', '.join(texts.names)}. Give the command that began it, or choose another --out."
        )


def _is_settled(name: str, given: object, had: object) -> bool:
    """Return whether the run has settled what was left open by ``given`` for the option ``name``."""
    settled = {
        "lines": given is None,  # it has looked whether the text is a list
        "tokens": given == "auto",  # it has the tokens that suit it, or those of its base
        "keep_characters": given is None and had is False,  # it is from before syllables stayed by default
    }
    return settled.get(name, False)


def _shown(value: object) -> str:
    """Return the value of an option as a person reads it."""
    return "not given" if value is None else str(value)
