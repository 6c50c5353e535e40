"""All loops in advance: nothing that reads, writes or counts has to compile one afterwards."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from nextchar.networks.loops import compile_all

compile_all()


def signatures():
    modules = [module for name, module in sys.modules.items() if name.startswith("nextchar.networks.")]
    return {
        (module.__name__, name): len(loop.signatures)
        for module in modules
        for name, loop in vars(module).items()
        if hasattr(loop, "signatures")
    }


before = signatures()
import numpy as np
from nextchar.model import blending
from nextchar.model.language_model import LanguageModel
from nextchar.networks.word_counts import kinds_of
from tests.small_networks import random_blend, random_text

few, many = random_text("abcdef \\n", 2000), random_text("".join(map(chr, range(0x4E00, 0x4E00 + 400))) + " ", 2000)
for text in (few, many):
    for words in (False, True):
        model = LanguageModel(random_blend(text, words=words))
        model.compiled_network
        model.evaluate(text[:200], adapt="counts")
        model.generate_many("a", 3, length=3000 // 3, seed=1)
        model.generate("a", length=20_000, seed=1)
    vocabulary = model.vocabulary
    ids = vocabulary.encode(text)
    kinds = kinds_of(vocabulary.token_texts(range(vocabulary.size)))
    blending.remember(ids, vocabulary.size, kinds=kinds, size=2000)
after = signatures()
assert len(after) > 20, "the loops were not found"
print([name for name in after if after[name] > before.get(name, 0)])
"""


def test_nothing_is_compiled_afterwards() -> None:
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", CODE], cwd=root, capture_output=True, text=True, check=False)
    assert found.stdout == "[]\n", found.stdout + found.stderr
