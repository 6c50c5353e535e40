"""A base model of Spanish for nextchar: model.safetensors in this folder."""
