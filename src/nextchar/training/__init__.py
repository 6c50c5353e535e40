"""Training: from an encoded corpus to weights, told as events. No files, no printing.

Read in this order; a module imports only from those before it:

- `plan`: every size and number of a run, and how they are chosen.
- `batches`: what the network reads at each update.
- `classic_recipe`: the Keras example as a plan.
- `initial_weights`: the weights that training starts from.
- `optimizers`: from gradients to changes of the weights.
- `updates`: one update after another.
- `checkpoint`: the state of training at one step, for an exact resume.
- `events`: what a run reports.
- `trainer`: the loop: updates, evaluations, recovery.
"""
