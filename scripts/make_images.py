"""Makes the pictures of the READMEs: real reports of real runs, photographed in Chromium.

Usage: NEXTCHAR_CORPORA=... python scripts/make_images.py [--time 60s]

NEXTCHAR_CORPORA must name a folder with the Korean text. Chromium must be on the path.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parents[1] / "docs/images"
PICTURES = {"report.png": "python-docs", "report.ko.png": "korean-stories"}
"""Which text each picture is of."""
SIZE = (1240, 1620)
"""Width and height in pixels: down to the first samples."""
MOST_BYTES = 400_000
CHROMIUM = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", default="60s", help="time budget of each run (default: %(default)s)")
    budget = parser.parse_args().time
    IMAGES.mkdir(exist_ok=True)
    for picture, text in PICTURES.items():
        # The report shows the path of its run: a short one, as a user's is.
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "nextchar", "train", text, "--from", "none", "--time", budget]
            subprocess.run(command, cwd=folder, check=True)
            photograph(Path(folder, "runs", text, "report.html"), IMAGES / picture)


def photograph(page: Path, picture: Path) -> None:
    """Write what Chromium shows of ``page`` to ``picture``."""
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        raise SystemExit("There is no chromium on the path: install it (Debian: apt-get install chromium).")
    with tempfile.TemporaryDirectory() as profile:
        options = (f"--user-data-dir={profile}", f"--screenshot={picture}", f"--window-size={SIZE[0]},{SIZE[1]}")
        subprocess.run([chromium, *CHROMIUM, *options, page.as_uri()], check=True, capture_output=True)
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size:,} bytes, more than {MOST_BYTES:,}.")


if __name__ == "__main__":
    main()
