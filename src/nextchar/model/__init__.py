"""Models: a network and its characters, which write, predict and score.

Read in this order; a module imports only from those before it:

- `kept_text`: the training text inside a model file.
- `line_quantiles`: how odd a line is: quantiles of the bits per character of held-out lines.
- `spread`: how many bits per character a model needs for stretches of text like its own.
- `provenance`: where a model comes from: its texts, its training, and the models before it.
- `model_file`: a model on disk.
- `model_path`: find the model file that a path means.
- `sampling`: from logits to the next character: temperature, top-k, top-p, min-p.
- `scoring`: bits per character of a text.
- `copying`: a guard against runs that are copied from the training text.
- `generation`: the loop that draws an id, feeds it back and draws again.
- `token_guards`: the same guard where tokens are bytes, jamo or words.
- `continuation`: a prompt becoming a text, for everything that writes.
- `batch_scoring`: the bits of many texts, side by side.
- `held_out_lines`: scores of held-out lines, for these quantiles.
- `text_score`: the score of a text among many, in short.
- `session`: a model's place in a text, to be read on from in several ways.
- `reranking`: candidates for the same text, ordered by what a model gives them and scores of their own.
- `logprobs`: log-probabilities of the characters of a text, with alternatives.
- `list_settings`: the options of a list: which entries, and how they are drawn.
- `known_entries`: the entries of the training list, to tell whether another one is new.
- `list_constraints`: which ids may come next in an entry, and which entries are accepted.
- `exclusion`: the tree of what must not be drawn again.
- `list_drawing`: entries drawn side by side.
- `list_quality`: which share of what a model lists is valid, unique and new.
- `best_entries`: the most probable entries, by best-first search.
- `listing`: a list: as many entries as asked for, or why there are fewer.
- `calibration`: the softmax temperature that fits held-out text best.
- `blending`: the weights of a network and of counts, fitted on held-out text.
- `baselines`: PPMd, zpaq and an n-gram model, to compare a score with.
- `dynamic_evaluation`: scoring with weights that learn from the text they have scored (torch).
- `label_scores`: what the entries of each label of a list need.
- `adapting`: models that learn from the text they read.
- `evaluation`: how well a model predicts a text.
- `description`: a model in words: one line, or a few facts, for `nextchar info`, the API and notebooks.
- `loaded_model`: a model from its file: its tokens, its networks, and its training text.
- `language_model`: all of this for strings.
- `surprise`: the surprise at each character of a text, what was expected there, and the most surprising places.
- `comparison`: several models beside each other on one text.
- `authorship`: which of several models a text is most like.
"""
