"""Texts: from bytes to characters, from characters to ids, and the encoded corpus on disk.

Read in this order; a module imports only from those before it:

- `utf8_damage`: UTF-8 with wrong bytes in it, and files that are UTF-8 in one part only.
- `latin_code_pages`: code pages of Latin script told apart by the company their characters keep.
- `code_pages`: legacy encodings told apart by the lines of a file that have bytes beyond ASCII.
- `byte_forms`: what shows in the first bytes: byte order marks, zeros, escapes, and files that are not text.
- `encodings`: which encoding bytes are in, or what kind of file they are instead of text.
- `decoding`: bytes into characters: where they do not decode, what is read in their place, and zeros at the end.
- `text_file`: a text in a file: how it is read, and what is known once all of it was.
- `files`: open text files: find their encoding, and read them through once, strictly, in bounded memory.
- `known_texts`: the catalogue: texts known by name, with their sources and hashes.
- `backup_files`: files that lie beside texts and are not meant to be read: back-ups of editors, and what systems
  leave behind.
- `kept_texts`: texts kept in the cache: fetched ones, and what came through a pipe.
- `catalog`: turn names, paths and folders into text files.
- `tokenizer`: what a model needs of its tokens: text into ids, ids into text, and what is unknown.
- `vocabulary`: which characters a model knows, and what happens to the others.
- `held_out`: what is held out of texts: the end of each, so that a figure is of all of them, and no more than tells
  anything.
- `survey`: what is found out about texts before they are encoded: where they are cut, counts, the vocabulary.
- `corpus`: an encoded text, memory-mapped and keyed by its content.
- `inspection`: facts about a text: rare characters, lines, repetition, compression.
- `overlap`: find passages that one text copies from another.
"""
