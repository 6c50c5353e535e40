"""Texts: bytes into characters, characters into ids, and the encoded corpus on disk.

Read in this order; a module imports only from those before it:

- `reading_options`: how the files of a text are read.
- `utf8_damage`: UTF-8 files with wrong bytes, and files that are UTF-8 only in part.
- `latin_code_pages`: detect which code page of Latin script a text is in.
- `code_pages`: detect legacy encodings from the lines that have bytes beyond ASCII.
- `byte_forms`: what the first bytes of a file show: byte order marks, zeros, escapes, and files that are not text.
- `encodings`: the encoding of a text, or the kind of a file that is not text: the functions of the modules above.
- `decoding`: bytes into characters, with replacements for wrong bytes and without zeros at the end.
- `compression`: compressed files, known by their first bytes and read as a stream.
- `content`: what reading all of a text finds: its hash, size, length and line ends.
- `normalization`: a text in one of Unicode's normalization forms.
- `text_file`: a text in a file, and how to read it piece by piece.
- `files`: open text files: detect the encoding, then read the whole file strictly, in bounded memory.
- `lines`: the lines of a text as they come, from a pipe without waiting for more.
- `line_survey`: whether a text is a list: many short entries, one a line.
- `records`: the columns of JSON lines, CSV, TSV and Parquet files.
- `labels`: the kind of each entry of a list, before it on its line.
- `record_file`: a column of such a file as a text, each record a document.
- `known_texts`: the catalogue of texts known by name, with their sources and hashes.
- `backup_files`: files beside texts that are not texts: editor back-ups and system files.
- `kept_texts`: texts in the cache: downloads, and what came through a pipe.
- `addresses`: texts at addresses like https:// and s3://, fetched into the cache.
- `catalog`: turn names, paths, folders and addresses into text files.
- `tokenizer`: the protocol of a model's tokens: text into ids, ids into text, and unknown characters.
- `vocabulary`: the characters that a model knows, and what happens to the others.
- `symbol_tokenizer`: a text spelled in symbols, of which each is a token.
- `byte_tokenizer`: tokens that are bytes.
- `jamo`: tokens that are jamo, the letters of Hangul.
- `whole_characters`: which ids spell whole characters, after which a text may end.
- `overlap`: find passages that one text copies from another.
- `documents`: the documents of an encoded text: the file and the line of a place in it.
- `held_out`: where to cut texts: the end of each is held out for validation, or lines of a list.
- `word_tokenizer`: tokens that are words, the rare ones spelled by their characters.
- `tokenizers`: the kinds of tokens by name, and how a file describes them.
- `survey`: what to know about texts before they are encoded: cuts, counts, the vocabulary.
- `unfinished`: an encoded text while it is made, which the next process continues after a kill.
- `corpus`: an encoded text: ids and their vocabulary.
- `corpus_key`: the name of an encoded text in the cache.
- `corpus_cache`: encoded texts on disk, keyed by their content.
- `decomposition`: how much of a text is decomposed.
- `inspection`: facts about a text: rare characters, lines, repetition, compression.
"""
