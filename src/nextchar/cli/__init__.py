"""The door for the terminal: `nextchar`."""

from nextchar.cli.app import main as main
