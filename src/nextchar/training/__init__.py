"""Training: from an encoded corpus to weights, as events. No files, no printing.

Read in this order; a module imports only from those before it:

- `batches`: what the network reads at each update.
- `feeding`: parallel streams or shuffled windows: which batches a plan reads.
- `plan`: every size and number of a run.
- `recipe`: what a recipe decides: its settings, vocabulary, plan and prompt.
- `default_recipe`: everything chosen from the text, the time and the machine.
- `classic_recipe`: the Keras example.
- `recipes`: the recipes by name.
- `dataset`: the ids to learn from and to be scored on, and what they stand for.
- `initial_weights`: the weights that training starts from.
- `optimizers`: from gradients to changes of the weights.
- `updates`: one update after another.
- `schedule`: the learning rate as a function of the step.
- `checkpoint`: the state of training at one step, for an exact resume.
- `recovery`: when training has diverged, and how it goes on.
- `pace`: the clock, and the correction of the plan to a time budget.
- `validation`: when and on what the model is scored, and which one is the best.
- `events`: the events of a run.
- `memory`: the memory that training needs and what is available, checked before any is allocated: the system kills
  what takes more, without a word.
- `trainer`: the loop: updates, evaluations, recovery.
"""
