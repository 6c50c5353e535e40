"""Train a small character-level language model on your own text in a minute, and write with it."""
