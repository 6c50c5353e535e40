"""The commands that tell facts: `nextchar evaluate`, `inspect`, `info`, `report`, `corpora`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from nextchar import catalog
from nextchar.cli.app import DONE
from nextchar.cli.console import note, print_facts, print_json
from nextchar.corpus import default_cache_folder
from nextchar.language_model import LanguageModel
from nextchar.model_file import ModelFile
from nextchar.run_folder import RunFolder, find_model

Flag = Annotated[bool, Parameter(negative=())]


def model_facts(model: ModelFile) -> dict[str, Any]:
    """Return what is known of a model, in full names."""
    architecture, provenance = model.architecture, model.provenance
    return {
        **provenance.model_dump(mode="json", exclude={"plan"}),
        "vocabulary_size": architecture.vocabulary_size,
        "hidden": list(architecture.hidden),
        "layers": architecture.layers,
        "embedding": architecture.embedding,
        "parameters": architecture.parameter_count,
        "plan": provenance.plan,
    }
