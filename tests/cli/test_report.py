"""`nextchar report`."""

from pathlib import Path

from tests.command import Outcome, nextchar


def test_a_report_is_written_anew(trained: Outcome, run: Path) -> None:
    (run / "report.html").unlink()
    outcome = nextchar("report", run)
    assert (outcome.status, outcome.stdout) == (0, f"{run / 'report.html'}\n")
    assert (run / "report.html").read_text().startswith("<!DOCTYPE html>")
