"""Runs: training, from texts to the files of a run folder.

Read in this order; a module imports only from those before it:

- `run_settings`: the settings of a run, which never change: the content of settings.json.
- `event_log`: the log of a run on disk: one event a line.
- `base_models`: models to start from, and what a run records of them.
- `folder`: the files of a run folder, and its lock.
- `training_text`: the text of a run or a model, found again.
- `start`: what a run starts from: a model, or nothing.
- `duration`: how long a whole run takes, with everything besides training.
- `trainers`: the trainer of a run, in one process or in several.
- `texts`: the texts to learn from: found, noticed to be lists, and what to say of them.
- `plan_choice`: the plan of a run: chosen for its text and this machine, or taken from another run.
- `agreement`: whether a command asks for the run that is there.
- `preparation`: everything before training: finding texts and choosing a plan, or reading a run to resume.
- `samples`: what the model of a run writes after each scoring.
- `origin`: where the model of a run comes from.
- `run`: a whole run: texts in, a run folder and a model out.
- `counting_run`: a run that counts and trains nothing, and the choice between both.
- `forecast`: how long training on a text would take, and how good the model would be.
- `record`: what happened in a run, for its report and the page.
- `comparison`: runs beside each other.
- `screen`: what a stream can show: colours, a line drawn again, its width.
- `event_words`: events in words: a line for people.
- `progress`: a run on the screen.
- `notebook`: a run in a notebook: one output that grows.
"""
