"""A base model of German for nextchar: model.safetensors in this folder."""
