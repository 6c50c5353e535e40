"""Training: from an encoded corpus to weights, as events. No files, no printing.

Read in this order; a module imports only from those before it:

- `batches`: the ids that an update reads and predicts.
- `feeding`: what a plan reads: parallel streams or shuffled windows.
- `plan`: every size and number of a run.
- `exchange`: what processes that train together exchange.
- `chooser`: the rules of the default recipe for sizes, streams and rates.
- `recipe`: what a recipe decides: its settings, vocabulary, plan and prompt.
- `default_recipe`: everything chosen from the text, the time and the machine.
- `classic_recipe`: the Keras example.
- `counts_recipe`: nothing is trained, the text is counted.
- `recipes`: the recipes by name.
- `device_batches`: what an update reads, on the device that learns from it.
- `dataset`: the ids to learn from and to score on, and their vocabulary.
- `initial_weights`: the weights before the first update.
- `transfer`: the weights of a model as the first ones for another vocabulary.
- `factors`: what is learned of a syllable of Hangul is learned of its letters, too.
- `weight_dropout`: an update leaves some of the recurrent weights out.
- `optimizers`: they change the weights by the gradients.
- `sampled_loss`: the loss of a large vocabulary, from some of its ids.
- `updates`: one update after another.
- `schedule`: the learning rate as a function of the step.
- `checkpoint`: the state of training at one step, for an exact resume.
- `recovery`: when training has diverged, and how it continues.
- `pace`: the clock, and the number of updates that fits the time budget.
- `validation`: when and on what the model is scored, and which model is the best.
- `events`: the events of a run.
- `memory`: the memory that training needs and the memory available, compared before any is allocated.
- `trainer`: the loop: updates, evaluations, recovery.
- `measurement`: the seconds of an update on this machine, and of an exchange.
"""
