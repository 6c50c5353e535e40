"""A base model of Russian for nextchar: model.safetensors in this folder."""
