"""`nextchar info`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import print_facts, print_json

if TYPE_CHECKING:
    from nextchar.model.model_file import ModelFile

Flag = Annotated[bool, Parameter(negative=())]


def model_facts(model: ModelFile) -> dict[str, Any]:
    """Return what is known of a model, under full names, for JSON."""
    architecture, provenance = model.architecture, model.provenance
    return {
        **provenance.model_dump(mode="json", exclude={"plan"}),
        "vocabulary_size": architecture.vocabulary_size,
        "hidden": list(architecture.hidden),
        "layers": architecture.layers,
        "embedding": architecture.embedding,
        "context_length": architecture.context_length,
        "parameters": architecture.parameter_count,
        "plan": provenance.plan,
    }


def info(model: Path, *, json: Flag = False) -> int:
    """Show what a model file holds: sizes, characters, origin and score.

    Parameters
    ----------
    model
        A run folder or a model file.
    json
        Print everything as one JSON object.
    """
    from nextchar.model import description
    from nextchar.model.model_file import ModelFile
    from nextchar.model.model_path import find_model

    path = find_model(model)
    file = ModelFile.load(path)
    if json:
        print_json({"model": str(path), **model_facts(file), "characters_known": file.vocabulary.characters})
        return DONE
    provenance = file.provenance
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions.items())
    print_facts(
        [
            ("model", f"{path} ({path.stat().st_size / 1024:,.0f} KiB)"),
            *description.model_facts(file),
            ("corpus SHA-256", provenance.corpus_sha256),
            ("made with", versions or None),
        ]
    )
    return DONE
