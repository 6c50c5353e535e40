"""The door for the terminal: `nextchar`.

Read in this order; a module imports only from those before it:

- `app`: the command itself: its subcommands, and how its errors and exit statuses come about.
- `console`: what the commands share on their way to people and programs: standard output, standard error, JSON.
- `convert`: `nextchar convert`.
- `evaluate`: the command that scores: `nextchar evaluate`.
- `facts`: the commands that tell facts: `nextchar info`, `report`, `corpora`.
- `inspect`: `nextchar inspect`.
- `serve`: `nextchar serve`.
- `write`: `nextchar sample`.
- `follow`: a run that is done in front of somebody: shown, interrupted, reported.
- `train`: `nextchar train` and `nextchar demo`.
"""

from nextchar.cli.app import main as main
