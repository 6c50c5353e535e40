"""Code pages of Latin script, detected from a few characters beyond ASCII."""

from __future__ import annotations

import pytest

from nextchar.text.code_pages import legacy_encoding
from nextchar.text.latin_code_pages import best_latin_page


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


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("She went to the café for £20.\n", "cp1252"),
        ("Ile cię trzeba cenić, żył łabędź.\n", "cp1250"),
        ("Bir varmış bir yokmuş, güneş doğdu.\n", "cp1254"),
        ("Mēs gājām uz mežu, kur dzied putni un šalc koki, cik jauki ļaudis.\n", "cp1257"),
    ],
)
def test_the_alphabet_of_a_language_is_fully_plausible(text: str, page: str) -> None:
    assert best_latin_page(text.encode(page)) == (page, 1.0)


def test_another_script_is_not_plausible() -> None:
    _, plausibility = best_latin_page("Все счастливые семьи похожи друг на друга.".encode("cp1251")) or ("", 1.0)
    assert plausibility < 0.7


def test_of_equally_plausible_pages_the_first_wins() -> None:
    assert best_latin_page("müde Kinder\n".encode("iso8859_15")) == ("cp1252", 1.0)
    assert best_latin_page(b"plain") == ("cp1252", 0.0)


def test_a_byte_that_a_page_lacks_rules_it_out() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"m\x81de".decode("cp1252")
    assert best_latin_page(b"m\x81de Kinder\n") == ("cp850", 1.0)
