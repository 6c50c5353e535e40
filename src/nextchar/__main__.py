"""``python -m nextchar`` is the command ``nextchar``."""

import sys

from nextchar.cli import main

sys.exit(main())
