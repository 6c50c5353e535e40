"""`nextchar info`."""

import json
from pathlib import Path

from tests.command import Outcome, nextchar


def test_info_tells_the_same(trained: Outcome, run: Path) -> None:
    outcome = nextchar("info", run, "--json")
    facts, result = json.loads(outcome.stdout), json.loads(trained.stdout)
    same = ["validation_bits_per_character", "training_seconds", "characters", "vocabulary_size", "parameters", "seed"]
    assert {name: facts[name] for name in same} == {name: result[name] for name in same}
    assert len(facts["characters_known"]) == 58
    assert outcome.stderr == ""
    words = nextchar("info", run).stdout
    assert "30,000" in words
    assert f"{result['validation_bits_per_character']:.3f} bits per character on 3,000 characters" in words
