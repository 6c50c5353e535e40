"""Texts: from bytes to characters, from characters to ids, and the encoded corpus on disk.

Read in this order; a module imports only from those before it:

- `encodings`: which encoding bytes are in, or what kind of file they are instead of text.
- `files`: read text files strictly, in bounded memory.
- `known_texts`: the catalogue: texts known by name, with their sources and hashes.
- `catalog`: turn names, paths and folders into text files.
- `vocabulary`: which characters a model knows, and what happens to the others.
- `corpus`: an encoded text, memory-mapped and keyed by its content.
- `inspection`: facts about a text: rare characters, lines, repetition, compression.
- `overlap`: find passages that one text copies from another.
"""
