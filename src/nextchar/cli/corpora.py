"""`nextchar corpora`."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import print_beside, print_json
from nextchar.runs.screen import width_of


def corpora(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """List the texts that have a name, with title, language, and whether they are on this machine.

    Parameters
    ----------
    json
        Print the list as one JSON object.
    """
    from nextchar.text import catalog
    from nextchar.text.corpus_cache import default_cache_folder

    entries = catalog.listing(default_cache_folder())
    if json:
        print_json({"corpora": entries})
        return DONE
    columns = width_of(sys.stdout)
    for entry in entries:
        here = "here" if entry["here"] else ("to download" if entry["url"] else "not here")
        print_beside(f"{entry['name']:<18} {entry['language']:<12} {here:<12} ", entry["title"], columns)
    return DONE
