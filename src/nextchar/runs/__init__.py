"""Runs: training with texts and files around it.

Read in this order; a module imports only from those before it:

- `folder`: the files of a run folder, and its lock.
- `training_text`: find the text of a run or model again.
- `preparation`: what happens before training: texts, plan, or a run to resume.
- `run`: a whole run: texts in, a run folder and a model out.
- `forecast`: what training on a text would take and reach.
- `record`: what happened in a run, for its report.
- `history`: how a run learned, for the page.
- `progress`: a run on the screen.
"""
