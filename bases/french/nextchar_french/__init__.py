"""A base model of French for nextchar: model.safetensors in this folder."""
