"""Legacy encodings, detected from the lines that have bytes beyond ASCII."""

from __future__ import annotations

import pytest

from nextchar.text.code_pages import gather_evidence, legacy_encoding

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


def test_no_encoding_for_noise() -> None:
    assert legacy_encoding(b"\0\xff") is None
    assert legacy_encoding(bytes(range(0x80, 0x100)) * 20) is None
