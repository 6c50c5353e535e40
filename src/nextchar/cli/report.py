"""`nextchar report`."""

from __future__ import annotations

from pathlib import Path

from nextchar.cli.app import DONE


def report(run: Path) -> int:
    """Write the report of a run, an HTML page in its folder, and print its path.

    Parameters
    ----------
    run
        A run folder.
    """
    from nextchar.report.page import write_report
    from nextchar.runs.folder import RunFolder
    from nextchar.text.corpus_cache import default_cache_folder

    folder = RunFolder(run)
    write_report(folder, default_cache_folder())
    print(folder.report_path)
    return DONE
