"""Options of a text: how it is read and encoded."""

from __future__ import annotations

from pydantic import Field, model_validator

from nextchar.settings.validation import Settings, flag
from nextchar.settings.values import Boundary, Errors, Normalization, Repeated, TokenChoice, TokenKind


class TextSettings(Settings):
    """How a text is read and encoded."""

    encoding: str | None = Field(default=None, description="Encoding of the files; detected by default, with a note.")
    errors: Errors = Field(
        default="strict",
        description="What to do with bytes that do not decode: strict stops with an error, replace reads U+FFFD for "
        "each wrong sequence, latin reads each wrong byte as cp1252; a note says how many there are.",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        description="Column or field of JSON lines, CSV, TSV and Parquet files that holds the text; each record is a "
        "document. Without it, such files are read as plain text, except Parquet.",
    )
    label_column: str | None = Field(
        default=None,
        min_length=1,
        description="Column with the kind of each record of a list, like dwarf or elf: the model learns to write "
        "entries of a kind (nextchar sample --label).",
    )
    boundary: Boundary = Field(
        default="line",
        description="What separates documents, that is, files or records: line starts each on a new line, blank puts "
        "a blank line between them, none joins them as they stand.",
    )
    lines: bool | None = Field(
        default=None,
        description="Each line is an entry of a list, in no order: a name, a product, a line of a log. By default a "
        "list of short lines is noticed; --prose reads any text as running text.",
    )
    repeated: Repeated = Field(
        default="keep",
        description="Lines of a list that are there several times: keep learns them as often as they are there, once "
        "counts them once.",
    )
    lowercase: bool = Field(default=False, description="Lower-case the text.")
    normalize: Normalization | None = Field(
        default=None,
        description="Unicode's normalization form to bring the text into, and every prompt and scored text: nfc "
        "composes letters and their marks, nfkc also replaces compatibility characters like full-width letters.",
    )
    tokens: TokenChoice = Field(
        default="auto",
        description="What the model reads and writes at a time: characters; bytes, of any file; jamo, the letters of "
        "Hangul; or words, with rare ones spelled by their characters. auto takes characters.",
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=100,
        le=60_000,
        description="With --tokens words: most words and characters; by default there is a word for every 300 "
        "characters of the text.",
    )
    validation: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="Share of each text held out for validation, from its end; by default a tenth, at most 1,000,000 "
        "characters of all texts. 0 holds nothing out, which is the default of the classic recipe.",
    )
    min_count: int | None = Field(
        default=None,
        ge=1,
        description="Characters that occur fewer times than this in the training text share the unknown symbol; by "
        "default it depends on the size of the text.",
    )

    @model_validator(mode="after")
    def _labels_of_a_list(self) -> TextSettings:
        if self.label_column is not None and self.column is None:
            raise ValueError("--label-column is for files of records: name the column with the text in --column too")
        if self.label_column is not None and self.lines is False:
            raise ValueError("--label-column is for lists: leave --prose out")
        return self

    @model_validator(mode="after")
    def _tokens_of_a_text(self) -> TextSettings:
        if self.vocabulary_size is not None and self.tokens != "words":
            raise ValueError("--vocabulary-size is for words: add --tokens words")
        if self.tokens == "bytes":
            names = ("encoding", "lowercase", "normalize", "min_count")
            given = [name for name in names[self.column is not None :] if getattr(self, name)]
            if given:
                raise ValueError(f"--tokens bytes reads every byte as it is: leave {flag(given[0])} out")
        return self

    @property
    def token_kind(self) -> TokenKind:
        """What the tokens are."""
        return "characters" if self.tokens == "auto" else self.tokens
