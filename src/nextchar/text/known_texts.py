"""The catalogue: texts known by name, with their licences, sizes, hashes and addresses.

Sizes and hashes are those of the files as stored. A text has an address only if exactly these bytes are there; the
others are joined or cleaned-up versions that have no download.
"""

from __future__ import annotations

from dataclasses import dataclass

_GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class CatalogEntry:
    """A text known by name."""

    name: str
    title: str
    language: str
    licence: str
    file: str
    """Name of the file in a folder of texts."""
    bytes: int | None = None
    sha256: str | None = None
    url: str | None = None
    """Address of exactly these bytes; None if there is no download."""
    shipped: bool = False
    """Whether the package has the text, compressed (scripts/make_texts.py)."""


BUILT_IN = "python-docs"
"""A text that is always available, like those that are shipped: it is built from what comes with Python, and differs
by Python version."""

_ENTRIES = (
    CatalogEntry(
        name=BUILT_IN,
        title="Reference topics that ship with Python (pydoc_data.topics), no download",
        language="English",
        licence="PSF-2.0",
        file="python-docs.txt",
    ),
    CatalogEntry(
        name="holmes",
        title="Arthur Conan Doyle, seven of The Adventures of Sherlock Holmes (1892)",
        language="English",
        licence="public domain; edition CC0 (Standard Ebooks)",
        file="holmes.txt",
        bytes=323_167,
        sha256="6f7262577a956b7be98ce349c20641920fe5873fd426b053ea515bd1c08dae35",
        shipped=True,
    ),
    CatalogEntry(
        name="korean",
        title="현진건, 김유정, 이상, 김동인, 채만식, 최서해: 단편소설 10편 (1921-1936)",
        language="Korean",
        licence="public domain",
        file="korean.txt",
        bytes=327_456,
        sha256="1d4c1d04bd542baadf91b05afbe835622bad6e73b9b1ed65a6d11787d49f39eb",
        shipped=True,
    ),
    CatalogEntry(
        name="nietzsche",
        title="Nietzsche, the text of the Keras LSTM example",
        language="English",
        licence="public domain",
        file="nietzsche.txt",
        bytes=600_901,
        sha256="23cf69874ab69d3d256099ab530ea4be24d47d9675b673bcc67cbcd6298ec647",
        url="https://s3.amazonaws.com/text-datasets/nietzsche.txt",
    ),
    CatalogEntry(
        name="tinyshakespeare",
        title="Tiny Shakespeare, the text of char-rnn and nanoGPT",
        language="English",
        licence="public domain",
        file="tinyshakespeare.txt",
        bytes=1_115_394,
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        url=f"{_GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ),
    CatalogEntry(
        name="war-and-peace",
        title="Tolstoy, War and Peace (Maude), the text of char-rnn",
        language="English",
        licence="public domain",
        file="war_and_peace.txt",
        bytes=3_196_231,
        sha256="e9d70cc7d26da7bb53c09a90844647f75cd2ef081b6aa358290a8cf7184d889b",
    ),
    CatalogEntry(
        name="names",
        title="32,033 first names, one a line, the text of makemore",
        language="names",
        licence="MIT",
        file="names.txt",
        bytes=228_145,
        sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        url=f"{_GITHUB}/karpathy/makemore/master/names.txt",
    ),
    CatalogEntry(
        name="korean-stories",
        title="현진건, 김유정, 이상 외: 단편소설 13편 (1921-1938)",
        language="Korean",
        licence="public domain",
        file="korean_stories.txt",
        bytes=399_520,
        sha256="8e6ea9c820872291cf04ca23003c58d50e91fd71202dd204a520b2ebf415bb1e",
    ),
    CatalogEntry(
        name="korean-bible",
        title="성경전서 개역한글판 (1961), 15권, 대한성서공회",
        language="Korean",
        licence="economic rights expired; name 대한성서공회, keep the wording",
        file="korean_bible_krv.txt",
        bytes=1_716_619,
        sha256="feedf01523cc85e78ed05eba38418fea60a9462c3e49db632efad63856bd0499",
    ),
    CatalogEntry(
        name="neko",
        title="夏目漱石『吾輩は猫である』",
        language="Japanese",
        licence="public domain",
        file="japanese_neko.txt",
        bytes=965_971,
        sha256="3a05f10114fa7eea9df80a9bb371f9787445e98119900bd6a6bbd8f2c06e3f4b",
        url=f"{_GITHUB}/atsukoba/nlp-100-knock/a4487cdeba048dba85f28dfa7e7424389c38dbe1/neko.txt",
    ),
    CatalogEntry(
        name="hongloumeng",
        title="曹雪芹《红楼梦》",
        language="Chinese",
        licence="public domain",
        file="chinese_hongloumeng.txt",
        bytes=2_522_985,
        sha256="5eca888fb54188d644df70fa555dd3c9cbdd3a8d7b3034fb59f7a81e16f05dc7",
        url=f"{_GITHUB}/tennessine/corpus/c5ce96aca36c6a3cb4da5f0ff7d2d5fa30c32aea/%E7%BA%A2%E6%A5%BC%E6%A2%A6.txt",
    ),
    CatalogEntry(
        name="hafez",
        title="حافظ: غزلیات",
        language="Persian",
        licence="public domain",
        file="persian_hafez.txt",
        bytes=539_725,
        sha256="4f71bd802c850bac09c82bced1513b99904f7acff8372cf92236ca185ef48355",
        url=f"{_GITHUB}/amnghd/Persian_poems_corpus/f6a7e87ea06293b20eaa08346817069749e37178/normalized/hafez_norm.txt",
    ),
    CatalogEntry(
        name="thirukkural",
        title="திருக்குறள், 1,330 couplets",
        language="Tamil",
        licence="public domain verse; collection Apache-2.0",
        file="tamil_thirukkural.txt",
        bytes=224_905,
        sha256="52816664a52a4a5f6447baa3e46a116a04e64dad4f115587264e1746261f8142",
    ),
    CatalogEntry(
        name="python-stdlib",
        title="Modules of the standard library of CPython 3.11.7, joined",
        language="Python",
        licence="PSF-2.0",
        file="python_stdlib.txt",
        bytes=1_931_175,
        sha256="d75d9d2243463fd8e4d4ff1b595855148fc1bda9c4337252154233d9a99a9636",
    ),
    CatalogEntry(
        name="world-cities",
        title="Cities of the world: name, country, subcountry, number (GeoNames)",
        language="CSV",
        licence="CC BY 4.0, credit GeoNames",
        file="world_cities.csv",
        bytes=1_329_857,
        sha256="918a8894081b3406b6bcfdc0cccd6b151d939c18cd239fe636744b56c7486965",
    ),
)

CATALOG = {entry.name: entry for entry in _ENTRIES}
"""The texts known by name."""
