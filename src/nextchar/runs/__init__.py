"""Runs: training with texts and files around it.

Read in this order; a module imports only from those before it:

- `run_settings`: what a run follows from its first step to its last, resumed or not: the content of its
  settings.json.
- `event_log`: the log of a run on disk: a line that says its format, then an event a line, appended to.
- `folder`: the files of a run folder, and its lock.
- `training_text`: find the text of a run or model again.
- `duration`: how long a whole run takes: not training alone, but what is done beside it and after it.
- `trainers`: the trainer of a run, in one process or in several.
- `preparation`: what happens before training: texts, plan, or a run to resume.
- `run`: a whole run: texts in, a run folder and a model out.
- `forecast`: what training on a text would take and reach.
- `record`: what happened in a run, for its report.
- `history`: how a run learned, for the page.
- `screen`: what standard error and other streams can show: colours, a line that is drawn again, so many columns.
- `progress`: a run on the screen.
- `notebook`: what people see of a run in a notebook: one output, which grows with it, long lines wrapped.
"""
