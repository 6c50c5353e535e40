"""Models: a network and its characters, which write, predict and score.

Read in this order; a module imports only from those before it:

- `kept_text`: the training text inside a model file.
- `model_file`: a model on disk.
- `model_path`: find the model file that a path means.
- `sampling`: from logits to the next character: temperature, top-k, top-p, min-p.
- `copying`: a guard against runs that are copied from the training text.
- `generation`: the loop that draws an id, feeds it back and draws again.
- `continuation`: a prompt becoming a text, for everything that writes.
- `scoring`: bits per character of a text.
- `batch_scoring`: the bits of many texts, side by side.
- `logprobs`: log-probabilities of the characters of a text, with alternatives.
- `calibration`: the softmax temperature that fits held-out text best.
- `blending`: the weights of a network and of counts, fitted on held-out text.
- `baselines`: PPMd, zpaq and an n-gram model, to compare a score with.
- `dynamic_evaluation`: scoring with weights that learn from the text they have scored (torch).
- `adapting`: models that learn from the text they read.
- `evaluation`: how well a model predicts a text.
- `description`: a model in words: one line, or a few facts, for `nextchar info`, the API and notebooks.
- `language_model`: all of this for strings.
- `surprise`: the surprise at each character of a text, what was expected there, and the most surprising places.
- `comparison`: several models beside each other on one text.
"""
