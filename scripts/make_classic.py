"""Makes the figures, texts and numbers in docs/classic.md and classic.ko.md from a real run.

Usage: NEXTCHAR_CORPORA=... python scripts/make_classic.py [--run RUN | --recorded]

Trains the classic recipe on Nietzsche for nine epochs (seven minutes on two cores), or takes RUN, the folder of such a
run. Saves what the pages show in docs/classic.json, draws docs/images/classic-*.svg, and fills in the text between
<!--name--> and <!--/name--> in both pages. --recorded trains nothing: it makes figures and pages again from
docs/classic.json, after a change of words or of the table behind the staircase.

After a new training, read the pages again: their text about a figure describes the old one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

import classic_figures as figures
from classic_record import LENGTH, SHOWN_EPOCHS, Record, gather

from nextchar.report.markup import visible_lines
from nextchar.runs.folder import RunFolder

DOCS = Path(__file__).parents[1] / "docs"
RECORD, IMAGES = DOCS / "classic.json", DOCS / "images"
COMMAND = ("nietzsche", "--recipe", "classic", "--lowercase", "--epochs", "9", "--validation", "0.1")
TARGET = 2.178
"""Bits per character of the Keras example after nine epochs, measured elsewhere; also in benchmarks/recipe_steps.py."""
SURPRISES, SAMPLE, LINE = 300, 165, 90
"""Numbers of characters: with surprise drawn, shown of each sample, and at most in a line of text."""
MOST_BYTES = 60_000

ENGLISH = {
    "name": "classic.md",
    "suffix": ".svg",
    "letters": "58",
    "one character after another": "Six steps of writing: the probabilities of the next character, and the one drawn.",
    "surprise of each character": "How surprising each written character is to the model, at three temperatures.",
    "one distribution": "One distribution of the next character at four temperatures.",
    "learning curves": "Bits per character after each epoch, on the text learned from and on held-out text.",
    "staircase": "Bits per character after each step from the classic recipe to the default one.",
    "temperature": "temperature",
    "again and again": "the same {period} characters, again and again",
    "mean": "on average",
    "bits": "{bits} bits",
    "surprise": "surprise of each character, in bits",
    "character": "character {number}",
    "entropy": "entropy {bits} bits",
    "others": "all others:",
    "seconds of training": "seconds of training",
    "bits per character": "bits per character",
    "epochs": "epochs",
    "best": "best:",
    "held out": "held-out text: the last 10 %",
    "training": "text learned from",
    "example": "Keras, 9 epochs: {bits:.3f} bits",
    "seconds to it, first line": "seconds to",
    "seconds to it, second line": "that line",
    "table of epochs": "| epoch | seconds so far | bits, text learned from | bits, held-out text |",
    "kept": "kept",
}
KOREAN = {
    "name": "classic.ko.md",
    "suffix": ".ko.svg",
    "letters": "36",
    "one character after another": "글쓰기의 여섯 단계: 다음 글자의 확률과 뽑힌 글자.",
    "surprise of each character": "세 가지 온도에서 쓴 글자 하나하나가 모델에게 얼마나 뜻밖인지.",
    "one distribution": "네 가지 온도에서 본 다음 글자의 확률 분포 하나.",
    "learning curves": "에포크마다 잰 글자당 비트 수: 학습한 글과 검증용으로 떼어 둔 글.",
    "staircase": "고전 레시피에서 기본 레시피까지, 단계마다의 글자당 비트 수.",
    "temperature": "온도",
    "again and again": "같은 {period}글자가 끝없이 되풀이됩니다",
    "mean": "평균",
    "bits": "{bits}비트",
    "surprise": "글자마다의 놀라움(비트)",
    "character": "{number}번째 글자",
    "entropy": "엔트로피 {bits}비트",
    "others": "나머지 모두:",
    "seconds of training": "학습 시간(초)",
    "bits per character": "글자당 비트 수",
    "epochs": "에포크",
    "best": "최저:",
    "held out": "검증용으로 떼어 둔 마지막 10 %",
    "training": "학습한 글",
    "example": "Keras 9에포크: {bits:.3f}비트",
    "seconds to it, first line": "그 선에 닿기까지",
    "seconds to it, second line": "걸린 시간(초)",
    "table of epochs": "| 에포크 | 누적 시간(초) | 학습한 글, 비트 | 떼어 둔 글, 비트 |",
    "kept": "채택",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--run", type=Path, help="run folder to take instead of training")
    given.add_argument("--recorded", action="store_true", help="train nothing, take docs/classic.json")
    arguments = parser.parse_args()
    if not arguments.recorded:
        record = gather(RunFolder(arguments.run)) if arguments.run else train_and_gather()
        RECORD.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    record = Record.model_validate_json(RECORD.read_bytes())
    for words in (ENGLISH, KOREAN):
        page = DOCS / words["name"]
        page.write_text(fill(page.read_text(encoding="utf-8"), values(record, words)), encoding="utf-8")
        for name, drawn in drawings(record, page.read_text(encoding="utf-8"), words).items():
            if len(drawn.encode()) > MOST_BYTES:
                raise SystemExit(f"{name} has {len(drawn.encode()):,} bytes, more than {MOST_BYTES:,}.")
            (IMAGES / name).write_text(drawn, encoding="utf-8")


def train_and_gather() -> Record:
    """Return the record of a new run in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "classic")
        subprocess.run([sys.executable, "-m", "nextchar", "train", *COMMAND, "--out", out], check=True)
        return gather(RunFolder(Path(out)))


def drawings(record: Record, page: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return the figures of ``page`` by the names of their files."""
    drawn = {
        "writing": figures.writing(record.steps, words),
        "surprises": figures.surprises(record.written, record.loop, SURPRISES, words),
        "temperatures": figures.temperatures(record.effect, words),
        "epochs": figures.curves(record.evaluations, words),
        "steps": figures.staircase(staircase_rows(page), TARGET, words, int(words["letters"])),
    }
    return {f"classic-{name}{words['suffix']}": svg for name, svg in drawn.items()}


def staircase_rows(page: str) -> list[figures.Row]:
    """Return the rows of the table in ``page`` with step, updates, characters, bits and seconds."""
    found = re.findall(r"^\| ([^|]+) \| [\d,]+ \| [\d.]+[^|]* \| (\d\.\d{3}) \| ([^|]+) \|$", page, re.M)
    return [figures.Row(re.sub(r"[*`]", "", name), float(bits), seconds) for name, bits, seconds in found]


def values(record: Record, words: Mapping[str, str]) -> dict[str, str]:
    """Return everything of ``record`` that a page shows, by the names between ``<!--`` and ``-->``."""
    greedy, cool, plain = record.written
    first, last = record.evaluations[0], record.evaluations[-1]
    named = {
        "period": f"{record.loop.period}",
        "loop begins": f"{record.loop.begins + 1}",
        "bits after 1": f"{first.validation_bits_per_character:.3f}",
        "bits after 9": f"{last.validation_bits_per_character:.3f}",
        "training bits after 9": f"{last.training_bits_per_character:.3f}",
        "kept epoch": f"{record.kept_epoch}",
        "kept bits": f"{record.validation_bits:.3f}",
        "odds": f"{2**record.validation_bits:.1f}",
        "greedy text": fence(broken(greedy.text)),
        "text at 0.5": fence(broken(cool.text)),
        "text at 1.0": fence(broken(plain.text)),
        "temperature in Python": temperature_example(record.effect.read),
        "epochs": epochs_table(record, words),
        "samples": samples(record),
    }
    for one in record.written:
        named[f"surprise at {one.temperature:g}"] = f"{sum(one.surprises) / LENGTH:.2f}"
    for temperature, entropy in zip(record.effect.temperatures, record.effect.entropies, strict=True):
        named[f"entropy at {temperature:g}"] = f"{entropy:.2f}"
    return named


def fence(text: str, language: str = "text") -> str:
    """Return ``text`` as a block between two lines of its own."""
    return f"\n```{language}\n{text}\n```\n"


def temperature_example(read: str) -> str:
    """Return a program that prints what the figure of temperatures shows."""
    return fence(
        "import numpy as np\n"
        "import nextchar\n\n"
        'model = nextchar.load("runs/classic")\n'
        f"likely = model.next_character_distribution({json.dumps(read)})\n"
        "for temperature in (0.2, 0.5, 1.0, 1.2):\n"
        "    shares = nextchar.reweight_distribution(list(likely.values()), temperature)\n"
        "    possible = shares[shares > 0]\n"
        "    entropy = -(possible * np.log2(possible)).sum()\n"
        '    first = ", ".join(f"{character!r} {share:.3f}" for character, share in zip(list(likely)[:5], shares))\n'
        '    print(f"temperature {temperature}: {entropy:.2f} bits; {first}")',
        "python",
    )


def epochs_table(record: Record, words: Mapping[str, str]) -> str:
    """Return time and bits after each epoch."""
    rows = [words["table of epochs"], "|---:|---:|---:|---:|"]
    for event in record.evaluations:
        kept = f" ({words['kept']})" if round(event.epoch) == record.kept_epoch else ""
        rows.append(
            f"| {event.epoch:g}{kept} | {event.seconds:.0f} | {event.training_bits_per_character:.3f} | "
            f"{event.validation_bits_per_character:.3f} |"
        )
    return "\n\n" + "\n".join(rows) + "\n\n"


def samples(record: Record) -> str:
    """Return the beginnings of the samples of some epochs, at each temperature."""
    lines: list[str] = []
    for epoch in SHOWN_EPOCHS:
        lines += [f"epoch {epoch}"]
        for sample in record.samples:
            if round(sample.epoch) == epoch:
                text = broken(sample.text[:SAMPLE], indent="       ")
                lines.append(f"  {sample.temperature:.1f}{text[5:]}")
    return fence("\n".join(lines))


def broken(text: str, indent: str = "") -> str:
    """Return ``text`` broken into lines between words, with a sign for each of its own line ends."""
    lines = textwrap.wrap(visible_lines(text), LINE, break_on_hyphens=False)
    return "\n".join(indent + line for line in lines)


def fill(page: str, named: Mapping[str, str]) -> str:
    """Return ``page`` with new text between ``<!--name-->`` and ``<!--/name-->``.

    Raises:
        KeyError: the page names something that has no value.
    """
    return re.sub(
        r"<!--([^/>-][^>]*?)-->.*?<!--/\1-->",
        lambda match: f"<!--{match[1]}-->{named[match[1]]}<!--/{match[1]}-->",
        page,
        flags=re.S,
    )


if __name__ == "__main__":
    main()
