"""A base model of English for nextchar: model.safetensors in this folder."""
