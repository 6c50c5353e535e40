"""The commands that tell facts: `nextchar info`, `report`, `corpora`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import print_beside, print_facts, print_json
from nextchar.runs.screen import width_of

Flag = Annotated[bool, Parameter(negative=())]


def info(model: Path, *, json: Flag = False) -> int:
    """Tell what is in a model file: sizes, characters, where it comes from, how well it did.

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


def report(run: Path) -> int:
    """Write the report of a run anew, as one HTML page in its folder, and print where it is.

    Parameters
    ----------
    run
        A run folder.
    """
    from nextchar.report.page import write_report
    from nextchar.runs.folder import RunFolder
    from nextchar.text.corpus import default_cache_folder

    folder = RunFolder(run)
    write_report(folder, default_cache_folder())
    print(folder.report_path)
    return DONE


def corpora(*, json: Flag = False) -> int:
    """List the texts known by name: what they are, where they come from, and which are here already.

    Parameters
    ----------
    json
        Print the list as one JSON object.
    """
    from nextchar.text import catalog
    from nextchar.text.corpus import default_cache_folder

    entries = catalog.listing(default_cache_folder())
    if json:
        print_json({"corpora": entries})
        return DONE
    columns = width_of(sys.stdout)
    for entry in entries:
        here = "here" if entry["here"] else ("to download" if entry["url"] else "not here")
        print_beside(f"{entry['name']:<18} {entry['language']:<12} {here:<12} ", entry["title"], columns)
    return DONE
