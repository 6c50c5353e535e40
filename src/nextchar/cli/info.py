"""`nextchar info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import print_facts, print_json

Flag = Annotated[bool, Parameter(negative=())]


def info(model: Path, *, json: Flag = False) -> int:
    """Show what a model file contains: sizes, characters, origin and score.

    Parameters
    ----------
    model
        A run folder or a model file.
    json
        Print everything as one JSON object.
    """
    from nextchar.files.file_size import describe_size
    from nextchar.model import description
    from nextchar.model.model_file import ModelFile
    from nextchar.model.model_path import find_model

    path = find_model(model)
    file = ModelFile.load(path)
    if json:
        print_json({"model": str(path), **description.describe(file)})
        return DONE
    provenance = file.provenance
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions.items())
    print_facts(
        [
            ("model", f"{path} ({describe_size(path.stat().st_size)})"),
            *description.facts_in_words(file),
            ("corpus SHA-256", provenance.corpus_sha256),
            ("made with", versions or None),
        ]
    )
    return DONE
