"""Makes the texts that ship with nextchar, from the Git repositories that have them.

Usage: python scripts/make_texts.py --holmes REPOSITORY --korean REPOSITORY...

REPOSITORY is a clone, with or without a work tree. Holmes: the first seven of "The Adventures of Sherlock Holmes"
(Standard Ebooks, arthur-conan-doyle_the-adventures-of-sherlock-holmes; Doyle died in 1930, the edition is CC0). Korean:
ten stories by authors who died before 1952 (juuuuunyy/txt, kim-juwan/wordcloud, jeongjjju/MagToTheFuture). A paragraph
is a line. Writes src/nextchar/text/data/*.txt.xz and prints size and hash of each text for the catalogue.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import re
import subprocess
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

DATA = Path(__file__).parents[1] / "src/nextchar/text/data"
CASES = (
    "a-scandal-in-bohemia",
    "the-redheaded-league",
    "a-case-of-identity",
    "the-boscombe-valley-mystery",
    "the-five-orange-pips",
    "the-man-with-the-twisted-lip",
    "the-adventure-of-the-blue-carbuncle",
)
STORIES = (
    "운수좋은날.txt",
    "B사감과러브레터.txt",
    "술권하는사회.txt",
    "Typing/동백꽃.txt",
    "날개.txt",
    "광염소나타.txt",
    "레디메이드인생.txt",
    "치숙.txt",
    "탈출기.txt",
    "홍염.txt",
)
HEADS = {"Typing/동백꽃.txt": ("동백꽃\n", "동백꽃\n김유정\n\n"), "날개.txt": ("", "날개\n이상\n\n")}
"""Where the file lacks author or title: its beginning, and what is put there instead."""
CONTENTS = re.compile(r"\[목차\]\n(?:\d+\..*\n)+\n")
"""A table of contents, which is left out."""
_LEFT_OUT = str.maketrans("", "", "\u2060\ufeff\u00ad\u200b")


def read(repositories: Sequence[Path], path: str) -> str:
    """Return the file ``path`` of the first of ``repositories`` that has it."""
    for repository in repositories:
        found = subprocess.run(["git", "-C", repository, "show", f"HEAD:{path}"], capture_output=True, check=False)
        if found.returncode == 0:
            return found.stdout.decode("utf-8-sig", "strict")
    raise SystemExit(f"{path} is in none of the repositories")


def case(page: str) -> str:
    """Return the text of a page of Standard Ebooks: headings and paragraphs, each a line with a blank one after it."""
    body = ElementTree.fromstring(page).find("{*}body")
    assert body is not None
    blocks = (node for node in body.iter() if node.tag.rpartition("}")[2] in {"h2", "h3", "p"})
    lines = (" ".join("".join(node.itertext()).translate(_LEFT_OUT).split()) for node in blocks)
    return "\n\n".join(filter(None, lines))


def story(text: str) -> str:
    """Return ``text`` without padding: no blanks at the ends of lines, at most one blank line in a row."""
    text = unicodedata.normalize("NFC", text.translate(_LEFT_OUT))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return CONTENTS.sub("", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


def pack(name: str, texts: Sequence[str]) -> None:
    """Write ``texts``, one after another, and print what the catalogue says of them."""
    content = ("\n\n\n".join(texts) + "\n").encode()
    DATA.mkdir(exist_ok=True)
    packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    (DATA / f"{name}.txt.xz").write_bytes(packed)
    print(name, f"bytes={len(content):_}, sha256={hashlib.sha256(content).hexdigest()!r}; {len(packed):,} packed")  # noqa: T201


def main() -> None:
    """Make both texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holmes", type=Path, required=True)
    parser.add_argument("--korean", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    pack("holmes", [case(read([options.holmes], f"src/epub/text/{name}.xhtml")) for name in CASES])
    korean: list[str] = []
    for path in STORIES:
        beginning, head = HEADS.get(path, ("", ""))
        korean.append(head + story(read(options.korean, path)).removeprefix(beginning))
    pack("korean", korean)


if __name__ == "__main__":
    main()
