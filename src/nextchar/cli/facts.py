"""The commands that tell facts: `nextchar info`, `report`, `corpora`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import print_facts, print_json

if TYPE_CHECKING:
    from nextchar.model_file import ModelFile

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
        "context_length": architecture.context_length,
        "parameters": architecture.parameter_count,
        "plan": provenance.plan,
    }


def info(model: Path, *, json: Flag = False) -> int:
    """Tell what is in a model file: sizes, characters, where it comes from, how well it did.

    Parameters
    ----------
    model
        A run folder or a model file.
    json
        Print everything as one JSON object.
    """
    from nextchar.model_file import ModelFile
    from nextchar.run_folder import find_model

    path = find_model(model)
    file = ModelFile.load(path)
    if json:
        print_json({"model": str(path), **model_facts(file), "characters_known": file.vocabulary.characters})
        return DONE
    provenance, architecture = file.provenance, file.architecture
    bits = provenance.validation_bits_per_character
    print_facts(
        [
            ("model", f"{path} ({path.stat().st_size / 1024:,.0f} KiB)"),
            (
                "network",
                f"LSTM, {' + '.join(map(str, architecture.hidden))} units, "
                + ("one-hot" if architecture.embedding is None else f"embedding {architecture.embedding}"),
            ),
            (
                "reads",
                None
                if architecture.context_length is None
                else f"{architecture.context_length} characters for each prediction",
            ),
            ("parameters", f"{architecture.parameter_count:,}"),
            (
                "vocabulary",
                f"{len(file.vocabulary.characters):,} characters: {_shown(file.vocabulary.characters)}",
            ),
            ("trained on", ", ".join(provenance.corpus) or None),
            ("characters", _number(provenance.characters)),
            ("lower-cased", "yes" if provenance.lowercase else None),
            ("training", _training(file)),
            (
                "held-out text",
                None
                if bits is None
                else f"{bits:.3f} bits per character on {provenance.validation_characters:,} characters"
                + (f", {provenance.unknown_characters:,} of them unknown" if provenance.unknown_characters else ""),
            ),
            ("corpus SHA-256", provenance.corpus_sha256),
            (
                "made with",
                ", ".join(f"{name} {version}" for name, version in provenance.versions.items()) or None,
            ),
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
    from nextchar.corpus import default_cache_folder
    from nextchar.report.page import write_report
    from nextchar.run_folder import RunFolder

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
    from nextchar import catalog
    from nextchar.corpus import default_cache_folder

    entries = catalog.listing(default_cache_folder())
    if json:
        print_json({"corpora": entries})
        return DONE
    for entry in entries:
        here = "here" if entry["here"] else ("to download" if entry["url"] else "not here")
        print(f"{entry['name']:<18} {entry['language']:<12} {here:<12} {entry['title']}")
    return DONE


def _shown(characters: str, most: int = 100) -> str:
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters[:most])
    return printable + (" ..." if len(characters) > most else "")


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _training(file: ModelFile) -> str | None:
    from nextchar.settings import describe_duration

    provenance = file.provenance
    if provenance.training_seconds is None:
        return None
    return f"{describe_duration(provenance.training_seconds)}, step {provenance.step:,}, seed {provenance.seed}"
