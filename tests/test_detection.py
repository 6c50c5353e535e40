from __future__ import annotations

import codecs
import zlib

import pytest

from nextchar.detection import (
    find_foreign_bytes,
    gather_evidence,
    is_damaged_utf8,
    kind_of_binary,
    legacy_encoding,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)

SENTENCES = {
    "cp949": "안녕하세요. 오늘은 날씨가 참 좋습니다. 우리는 똠방각하를 읽었다.\n",
    "cp1251": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n",
    "koi8_r": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n",
    "cp1252": "Longtemps, je me suis couché de bonne heure. « Je m’endors », pensée, cœur à l’aise.\n",
    "cp1250": "Litwo! Ojczyzno moja! ty jesteś jak zdrowie. Ile cię trzeba cenić, żył łabędź.\n",
    "cp1253": "Ήταν μια φορά κι έναν καιρό ένας βασιλιάς που είχε τρεις κόρες, η μικρότερη ήταν όμορφη.\n",
    "cp1254": "Bir varmış bir yokmuş, evvel zaman içinde kalbur saman içinde, güneş doğdu, şehir uyandı.\n",
    "cp1255": "בראשית ברא אלהים את השמים ואת הארץ והארץ היתה תהו ובהו וחשך על פני תהום\n",
    "cp1256": "كان يا ما كان في قديم الزمان ملك له ثلاث بنات وكانت الصغرى أجملهن\n",
    "cp932": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n",
    "euc_jp": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n",
    "gb18030": "此开卷第一回也。作者自云：因曾历过一番梦幻之后，故将真事隐去。\n",
    "cp950": "此開卷第一回也。作者自云：因曾歷過一番夢幻之後，故將真事隱去。\n",
    "cp874": "กาลครั้งหนึ่งนานมาแล้ว มีพระราชาองค์หนึ่งมีพระธิดาสามองค์\n",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_a_few_sentences_tell_the_encoding(encoding: str) -> None:
    evidence = (SENTENCES[encoding] * 4).encode(encoding)
    found = legacy_encoding(evidence)
    assert found is not None
    assert evidence.decode(found) == SENTENCES[encoding] * 4


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "Det var en gång en kung som hade tre döttrar, den yngsta så vacker att solen förundrade sig. ",
            "ĺ",
        ),
        ("Não há nada como o coração; é você que está aí à espera da manhã. ", "ă"),
        ("Perché la città è più bella così, non c'è virtù che già l'università non dà. ", "č"),
    ],
)
def test_western_letters_are_not_read_as_central_european_ones(text: str, wrong: str) -> None:
    found = legacy_encoding(text.encode("cp1252") * 5)
    assert found == "cp1252"
    assert wrong in (text.encode("cp1252")).decode("cp1250"), "the test would not show the difference"


def test_hungarian_letters_are_not_read_as_western_ones() -> None:
    assert legacy_encoding("Árvíztűrő tükörfúrógép, őszi esőben űzött fűnyíró.\n".encode("cp1250") * 4) == "cp1250"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ],
)
def test_marks(mark: bytes, encoding: str) -> None:
    assert marked_encoding(mark + "a".encode(encoding)) == encoding
    assert marked_encoding(b"plain") is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Call me Ishmael. ", "이 글은 짧다.\n", "第一回此开卷一\n", "Привет, мир\n"])
def test_unicode_without_a_mark(text: str, encoding: str) -> None:
    assert unmarked_encoding((text * 20).encode(encoding)) == encoding


def test_unicode_cut_inside_a_character() -> None:
    assert unmarked_encoding("안녕 하세요\n".encode("utf-16-le")[:-1]) == "utf-16-le"


@pytest.mark.parametrize(("text", "encoding"), [("安い。\n", "iso2022_jp"), ("안녕\n", "iso2022_kr")])
def test_seven_bit_encodings(text: str, encoding: str) -> None:
    assert unmarked_encoding((text * 9).encode(encoding)) == encoding


def test_colour_codes_and_plain_text_are_neither() -> None:
    assert unmarked_encoding(b"\x1b[31mred\x1b[0m costs \x1b$5") is None
    assert unmarked_encoding(b"plain") is None
    assert unmarked_encoding(bytes(range(256)) * 8) is None
    assert unmarked_encoding(b"\0" * 64) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\nall ASCII", "a PDF document"),
        (b"{\\rtf1\\ansi Hello}", "a rich text document"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "HWP"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (zlib.compress(bytes(range(256)) * 99, 9) * 9, "binary data"),
        (b"\0\1\2\3", "binary data"),
    ],
)
def test_kinds_of_binary(head: bytes, kind: str) -> None:
    assert kind in (kind_of_binary(head) or "")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"text\r\n\tand \x0c more\x1a",
        b"\x1b[1mbold\x1b[0m" * 9,
        b"o\bov\bve\ber\br" * 9,
        "가나다".encode(),
    ],
)
def test_kinds_of_text(head: bytes) -> None:
    assert kind_of_binary(head) is None


def test_evidence_is_the_lines_beyond_ascii_wherever_they_are() -> None:
    cafe, naive = "café\n".encode("cp1252"), "naïve\n".encode("cp1252")
    blocks = [b"plain\n" * 1000 + cafe[:3], cafe[3:] + b"plain\n" * 1000 + naive[:3], naive[3:-1]]
    assert gather_evidence(blocks) == cafe + naive[:-1]


def test_evidence_is_bounded_and_cuts_no_character() -> None:
    for text in ("吾輩は猫である。 ", "안녕 "):
        for encoding in ("cp932",) if "猫" in text else ("cp949", "gb18030"):
            data = text.encode(encoding) * 300_000
            blocks = [data[start : start + (1 << 20)] for start in range(0, len(data), 1 << 20)]
            evidence = gather_evidence(blocks)
            assert 0 < len(evidence) <= 1 << 18
            assert evidence.decode(encoding)


def test_damaged_utf8() -> None:
    good = "Élève, naïveté, cœur".encode() * 20
    assert is_damaged_utf8(good + b"\xff" + good)
    assert not is_damaged_utf8("Élève, naïveté".encode("cp1252") * 20)
    assert not is_damaged_utf8("동해물과 백두산이 마르고 닳도록 하느님이 보우하사".encode("cp949") * 20)
    assert not is_damaged_utf8(b"plain")


def test_no_encoding_for_noise() -> None:
    assert legacy_encoding(b"\0\xff") is None
    assert legacy_encoding(bytes(range(0x80, 0x100)) * 20) is None


@pytest.mark.parametrize("zeros", [1, 2, 3, 100, 4000])
@pytest.mark.parametrize("text", ["ATCG" * 500 + "\n", "plain words\r\n" * 50, "déjà vu\n" * 50, "안녕 하세요\n" * 50])
def test_zeros_at_the_end_are_padding_and_neither_utf16_nor_binary(text: str, zeros: int) -> None:
    data = text.encode() + bytes(zeros)
    assert unmarked_encoding(data) is None
    assert kind_of_binary(data) is None


@pytest.mark.parametrize(
    "data",
    [b"ATCG" * 500 + b"\n\0" + b"ATCG" * 500 + b"\n", b"\0\0" + b"ATCG\n" * 99, "déjà\n\0\0\0".encode() * 40],
)
def test_zeros_between_plain_text_do_not_make_it_utf16(data: bytes) -> None:
    assert unmarked_encoding(data) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 8])
def test_unicode_without_a_mark_and_zeros_behind_it(encoding: str, zeros: int) -> None:
    for text in ("Call me Ishmael.\n", "Ça va, où est l’été\n", "第一回此开卷一\n"):
        assert unmarked_encoding((text * 20).encode(encoding) + bytes(zeros)) == encoding


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_may_be_utf16_without_spaces(encoding: str) -> None:
    data = ("今天我们去河边散步，天气很好。" * 40).encode(encoding)
    assert unmarked_encoding(data) is None
    assert wide_reading(data) == encoding
    assert wide_reading(zlib.compress(bytes(range(256)) * 99, 9) * 9) is None
    assert wide_reading(b"") is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize(
    "tail", [b"Plain words from here to the end of it.\n" * 20, b"ATCG" * 100, "Съешь ещё мягких булок.\n".encode() * 9]
)
def test_a_file_that_goes_on_in_another_encoding_is_told_where(encoding: str, tail: bytes) -> None:
    start = ("\ufeff" + "Garden paper, 안녕\n" * 50).encode(encoding)
    for length in (len(start) + len(tail), 100, 64):
        data = start + tail
        blocks = [data[place : place + length] for place in range(0, len(data), length)]
        found = find_foreign_bytes(blocks, encoding)
        assert found is not None
        assert len(start) - 4 <= found <= len(start) + 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "今天我们去河边散步，天气很好。" * 200,
        "あいうえおかきくけこ" * 200,
        "동해물과 백두산이" * 200,
        "Plain\n" * 200,
        "नमस्ते दुनिया\n" * 200,
        "a new sign \u0c5c in a text\n" + "plain " * 200,
        "\U0001fae9\U0001fadf" * 50,
    ],
)
def test_text_that_goes_on_as_it_began_is_left_alone(encoding: str, text: str) -> None:
    assert find_foreign_bytes([text.encode(encoding)], encoding) is None


def test_a_crowd_of_unassigned_characters_is_told_where_it_begins() -> None:
    text = "plain\n" * 30
    data = (text + "\u0c5c\u0378\u2065 \u2072").encode("utf-16-le")
    assert find_foreign_bytes([data[:50], data[50:]], "utf-16-le") == 2 * len(text)


LITTLE = {
    "recipe": ("½ cup flour, ¼ cup milk, 180° for 20 min\n", "cp1252"),
    "price": ("Take £20 to the shop: ½ lb costs £3.50.\n", "cp1252"),
    "signs": ("2 × 3 = 6, ± 5 µm, 25 °C, § 12, © 2020, m² and m³\n", "cp1252"),
    "quotes": ("“I don’t know,” she said — “it’s too late…”\n", "cp1252"),
    "guillemets": ("He wrote «yes» and «no» on it.\n", "cp1252"),
    "one word": ("She went to the café.\n", "cp1252"),
    "estonian": ("Eile läksime jõe äärde, ilm oli ilus. Õhtu oli jahe ja küünal põles.\n", "cp1252"),
    "finnish": ("Eilen menimme järvelle, sää oli kaunis ja lapset juoksivat.\n", "cp1252"),
    "french": ("Hier nous sommes allés près de la rivière, où l’été était déjà là.\n", "cp1252"),
    "swedish": ("I går gick vi till sjön, vädret var vackert och barnen sprang.\n", "cp1252"),
    "french of DOS": ("Hier près de la rivière, où l'été était déjà là, il a reçu une lettre.\n", "cp850"),
    "german of DOS": ("Gestern über den Fluß, das Wetter war schön, müde Kinder aßen Äpfel.\n", "cp850"),
    "french of the Mac": ("Hier près de la rivière, où l’été était déjà là, il a reçu une lettre.\n", "mac_roman"),
    "english of the Mac": ("“I don’t know,” she said. He didn’t answer.\n", "mac_roman"),
    "polish": ("Wczoraj poszliśmy nad rzekę, pogoda była piękna, źle się czuję.\n", "cp1250"),
    "hungarian": ("Az öreg néni később főzött, őszi este, hűvös szellő.\n", "cp1250"),
    "frame": ("┌──────┐\n│ box  │\n└──────┘\n", "cp437"),
}


@pytest.mark.parametrize("name", LITTLE)
@pytest.mark.parametrize("times", [1, 4])
def test_a_line_is_evidence_enough(name: str, times: int) -> None:
    text, encoding = LITTLE[name]
    found = legacy_encoding((text * times).encode(encoding))
    assert found is not None
    assert (text * times).encode(encoding).decode(found) == text * times
