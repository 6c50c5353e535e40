"""Our own API, over HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from nextchar.model.authorship import Authors
from nextchar.model.language_model import LanguageModel
from nextchar.runs.record import RunRecord
from nextchar.settings import SamplingSettings
from tests.served import RUNNING, client_of, events, model_file, refusal, serving
from tests.served_page import evaluation_events, finished_event, run_folder
from tests.small_networks import ALPHABET, model_with_text, random_model

OPTIONS = {"length": 60, "temperature": 1.0, "seed": 7}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with two models, the second of lower-cased text and with a run."""
    folder = tmp_path_factory.mktemp("models")
    run = run_folder(folder / "run", random_model(seed=1, lowercase=True, corpus=("/home/me/fox.txt",)))
    with serving(model_file(folder), run.path) as server, client_of(server) as client:
        yield client


def test_models_are_told_in_order_with_all_there_is_to_know(client: httpx.Client) -> None:
    first, second = client.get("api/models").json()["models"]
    file = random_model().file
    assert first == {
        "id": "fox",
        "name": "fox",
        "tokens": "characters",
        "characters": sorted(ALPHABET),
        "vocabulary_size": len(ALPHABET) + 1,
        "hidden": [8],
        "embedding": 4,
        "context_length": None,
        "parameters": file.architecture.parameter_count,
        "lowercase": False,
        "bits_per_character": None,
        "corpus": [],
        "seconds": None,
        "has_history": False,
        "finished": True,
    }
    assert (second["id"], second["lowercase"], second["has_history"], second["finished"]) == ("run", True, True, True)
    assert second["corpus"] == ["fox.txt"]


def test_a_text_is_the_one_that_the_library_writes(client: httpx.Client) -> None:
    for number in (0, 1):
        answer = client.post("api/generate", json={"prompt": "hello", **OPTIONS, "index": number}).json()
        assert answer == {
            "text": "".join(random_model().stream("hello", text=number, **OPTIONS)),
            "seed": 7,
            "finish_reason": "length",
            "replacements": [],
        }


def test_each_model_answers_under_its_name(client: httpx.Client) -> None:
    texts = [client.post("api/generate", json={"model": name, **OPTIONS}).json()["text"] for name in ("fox", "run")]
    assert texts == [random_model(seed=seed).generate(**OPTIONS) for seed in (0, 1)]
    message = refusal(client.post("api/generate", json={"model": "wolf"}), 404)
    assert "'wolf'" in message
    assert "'fox', 'run'" in message


def test_a_list_is_the_one_that_the_library_writes(client: httpx.Client) -> None:
    options = {"count": 30, "seed": 7, "min": 2, "max": 6, "starts": ["a", "ho"], "allowed": "a-p"}
    answer = client.post("api/list", json=options).json()
    expected = list(random_model().list(**options))  # type: ignore[arg-type]
    assert [entry["text"] for entry in answer["entries"]] == [entry.text for entry in expected]
    assert [entry["bits"] for entry in answer["entries"]] == pytest.approx([entry.bits for entry in expected], rel=1e-4)
    assert {entry["new"] for entry in answer["entries"]} == {None}
    assert (answer["seed"], answer["shortfall"]) == (7, None)
    assert answer["drawn"] == 30 + sum(answer["refused"].values())


def test_a_list_that_ends_short_is_answered_with_the_reason(client: httpx.Client) -> None:
    answer = client.post("api/list", json={"count": 40, "max": 1, "unique": True, "allowed": "a-e"}).json()
    assert sorted(entry["text"] for entry in answer["entries"]) == list("abcde")
    assert answer["shortfall"].startswith("Only 5 of 40 entries: after ")


def test_a_long_list_keeps_no_other_request_waiting(tmp_path: Path) -> None:
    endless = {"like": "^$", "max_draws": 100_000_000}
    with (
        serving(model_file(tmp_path), cores=1) as server,
        client_of(server) as client,
        httpx.Client(base_url=server.address, timeout=None) as patient,
        ThreadPoolExecutor(1) as pool,
    ):
        listing = pool.submit(patient.post, "api/list", json=endless)
        while RUNNING + " 1.0" not in client.get("metrics").text:
            assert not listing.done()
        assert client.post("api/distribution", json={"prompt": "a"}).status_code == 200
        assert client.post("api/list", json={"count": 3}).json()["shortfall"] is None
        assert not listing.done()
        server.close()
        assert listing.result().status_code == 503


def test_a_stream_holds_the_same_text(client: httpx.Client) -> None:
    body = {"prompt": "hello", "length": 3000, "temperature": 1.0, "seed": 7}
    with client.stream("POST", "api/generate", json={**body, "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        *pieces, end = events(response)
    assert "".join(piece["text"] for piece in pieces) == client.post("api/generate", json=body).json()["text"]
    assert end == {"done": True, "seed": 7, "finish_reason": "length", "replacements": []}


def test_without_a_seed_one_is_drawn_and_told(client: httpx.Client) -> None:
    answers = [client.post("api/generate", json={"length": 50, "temperature": 1}).json() for _ in range(2)]
    assert answers[0]["text"] != answers[1]["text"]
    again = client.post("api/generate", json={"length": 50, "temperature": 1, "seed": answers[0]["seed"]}).json()
    assert again["text"] == answers[0]["text"]
    assert answers[0]["seed"] < 2**53, "JavaScript has no larger whole numbers"


def test_a_text_ends_before_a_stop(client: httpx.Client) -> None:
    whole = random_model().generate("hello", **OPTIONS)
    answer = client.post("api/generate", json={"prompt": "hello", **OPTIONS, "stop": [whole[20:23], "☃"]}).json()
    assert (answer["text"], answer["finish_reason"]) == (whole[: whole.index(whole[20:23])], "stop")


def test_what_the_model_does_not_know_is_replaced_and_told(client: httpx.Client) -> None:
    answer = client.post("api/generate", json={"prompt": "Hé☃HÉ☃H", **OPTIONS}).json()
    assert answer["text"] == random_model().generate("hééh".replace("éé", "éhé"), **OPTIONS)
    assert answer["replacements"] == [
        {"character": "H", "replacement": "h", "count": 3},
        {"character": "☃", "replacement": "", "count": 2},
        {"character": "É", "replacement": "é", "count": 1},
    ]


def test_the_distribution_is_told_as_it_is_and_reweighted(client: httpx.Client) -> None:
    model = random_model()
    plain = model.next_character_distribution("hello")
    reweighted = model.next_character_distribution("hello", temperature=0.3, top_k=5)
    body = {"prompt": "hello", "temperature": 0.3, "top_k": 5, "limit": 7}
    answer = client.post("api/distribution", json=body).json()
    assert answer["characters"] == list(plain)[:7]
    assert answer["probabilities"] == pytest.approx(list(plain.values())[:7], rel=1e-4)
    assert answer["reweighted"] == pytest.approx(
        [reweighted[character] for character in answer["characters"]], rel=1e-4
    )
    for name, distribution in (("entropy", plain), ("reweighted_entropy", reweighted)):
        assert answer[name] == pytest.approx(-sum(p * math.log2(p) for p in distribution.values() if p), rel=1e-4)


def test_the_whole_distribution_can_be_had(client: httpx.Client) -> None:
    answer = client.post("api/distribution", json={"prompt": "", "limit": None, "temperature": 0}).json()
    assert sorted(answer["characters"]) == sorted(ALPHABET)
    assert sum(answer["probabilities"]) == pytest.approx(1)
    assert answer["reweighted"] == [1.0] + [0.0] * (len(ALPHABET) - 1)
    assert answer["reweighted_entropy"] == 0
    assert len(client.post("api/distribution", json={}).json()["characters"]) == min(40, len(ALPHABET))


def test_a_score_is_that_of_the_library(client: httpx.Client) -> None:
    text = "hello ☃\n가나다" * 300
    answer = client.post("api/score", json={"text": text, "alternatives": 3}).json()
    assert answer["bits"] == pytest.approx(list(random_model().surprises(text)), abs=1e-4)
    assert answer["bits_per_character"] == pytest.approx(random_model().bits_per_character(text), abs=1e-5)
    assert answer["characters"] == list(text)
    assert answer["unknown"] == [character == "☃" for character in text]


def test_many_texts_have_a_score_each(client: httpx.Client) -> None:
    texts = ["hello ☃", "", "가나다", "hello ☃", *map(str, range(300))]
    found = client.post("api/score", json={"texts": texts}).json()["scores"]
    assert [score["bits"] for score in found] == pytest.approx(random_model().score_many(texts).tolist(), abs=1e-3)
    surprises = random_model().surprises(texts[0])
    assert found[0] == found[3]
    assert (found[0]["surprise_column"], found[0]["surprise_character"]) == (7, "☃")
    assert found[0]["surprise_bits"] == pytest.approx(surprises[6], abs=1e-4)
    assert found[0]["bits_per_character"] == pytest.approx(surprises.mean(), abs=1e-4)
    empty = {"bits": 0, "bits_per_character": None, "characters": 0, "surprise_column": None}
    assert found[1] == {**empty, "surprise_character": None, "surprise_bits": None, "odder_than": None}
    assert client.post("api/score", json={"texts": []}).json() == {"scores": []}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "texts, a list"),
        ({"text": "a", "texts": ["b"]}, "exclude each other"),
        ({"texts": ["b"], "adapt": True}, "adapt"),
        ({"texts": ["b", 7]}, "texts.1"),
        ({"texts": ["b" * 15_000, "c" * 15_000]}, "texts is 30,000 characters"),
        ({"texts": ["b"] * 901}, "texts"),
    ],
)
def test_texts_that_cannot_be_scored_together_are_refused(client: httpx.Client, body: dict, words: str) -> None:
    assert words in refusal(client.post("api/score", json=body), 400)


def test_alternatives_are_the_most_probable_and_fit_the_bits(client: httpx.Client) -> None:
    answer = client.post("api/score", json={"text": "the fox", "alternatives": 20}).json()
    for character, bits, others in zip(answer["characters"], answer["bits"], answer["alternatives"], strict=True):
        probabilities = [other["probability"] for other in others]
        assert probabilities == sorted(probabilities, reverse=True)
        assert len({other["character"] for other in others}) == 20
        for other in others:
            if other["character"] == character:
                assert -math.log2(other["probability"]) == pytest.approx(bits)
    # The unknown symbol is no alternative. A text is scored as if it stood after a line end.
    best = random_model().next_character_distribution("\nthe fo")
    assert [other["character"] for other in answer["alternatives"][-1]] == list(best)[:20]


def test_a_model_can_learn_from_what_it_scores_and_from_a_prompt(client: httpx.Client) -> None:
    text = "hello fox\n" * 60
    answer = client.post("api/score", json={"text": text, "adapt": True}).json()
    assert answer["bits"] == pytest.approx(list(random_model().surprises(text, adapt="counts")), abs=1e-3)
    assert answer["bits_per_character"] < random_model().bits_per_character(text) / 2
    written = client.post("api/generate", json={"prompt": text, "adapt": True, **OPTIONS}).json()["text"]
    assert written == random_model().generate(text, adapt=True, **OPTIONS)
    assert "hello fox\n" in written


def test_a_lower_casing_model_scores_lower_cased(client: httpx.Client) -> None:
    answers = [client.post("api/score", json={"model": "run", "text": text}).json() for text in ("FOX", "fox")]
    assert answers[0] == answers[1]
    assert answers[0]["characters"] == ["f", "o", "x"]
    assert client.post("api/score", json={"text": "fox", "alternatives": 0}).json()["alternatives"] == [[], [], []]


def test_history_is_told_of_a_run_alone(client: httpx.Client) -> None:
    assert "not a run folder" in refusal(client.get("api/history?model=fox"), 404)
    assert "'wolf'" in refusal(client.get("api/history?model=wolf"), 404)
    grown = client.get("api/history", params={"model": "run"}).json()
    assert [len(evaluation["samples"]) for evaluation in grown["evaluations"]] == [2, 2, 2, 2]
    assert (grown["prompt"], grown["finished"]) == ("the fox", True)


def test_a_run_is_served_as_it_grows(tmp_path: Path) -> None:
    with serving(tmp_path / "run") as server, client_of(server) as client:
        assert client.get("api/models").json() == {"models": []}
        assert client.get("v1/models").json()["data"] == []
        assert "no model yet" in refusal(client.post("api/generate", json={}), 503)
        folder = run_folder(tmp_path / "run", random_model(), finished=False)
        info = client.get("api/models").json()["models"][0]
        assert (info["id"], info["finished"]) == ("run", False)
        before = client.get("api/history").json()
        assert before == RunRecord.read(folder).history()
        folder.append([*evaluation_events(9), finished_event()])
        after = client.get("api/history").json()
        assert len(after["evaluations"]) == len(before["evaluations"]) + 1
        assert after["finished"]
        assert client.get("api/models").json()["models"][0]["finished"]


def test_settings_of_the_page_are_settings_of_the_library(client: httpx.Client) -> None:
    """Everything that the page sends is allowed, null included."""
    body = {name: None for name in SamplingSettings.model_fields if name in {"top_k", "top_p", "min_p", "seed"}}
    assert client.post("api/generate", json={**body, "length": 5}).status_code == 200


def test_a_model_that_reads_windows_writes_the_same_over_http(tmp_path: Path) -> None:
    file = random_model().file
    architecture = file.architecture.model_copy(update={"context_length": 5})
    model = LanguageModel(type(file)(architecture, file.vocabulary, file.parameters))
    with serving(model_file(tmp_path, model=model)) as server, client_of(server) as client:
        answer = client.post("api/generate", json={"prompt": "hello world", **OPTIONS}).json()
        assert answer["text"] == model.generate("hello world", **OPTIONS)
        bits = client.post("api/score", json={"text": "hello world"}).json()["bits"]
        assert bits == pytest.approx(list(model.surprises("hello world")), abs=1e-4)


def test_the_model_that_training_started_from_is_told(tmp_path: Path) -> None:
    ancestors = ({"name": "english", "sha256": "0" * 64},)
    with serving(model_file(tmp_path, model=random_model(ancestors=ancestors))) as server, client_of(server) as client:
        assert client.get("api/models").json()["models"][0]["started_from"] == "english"


def test_copying_is_limited_and_traced(tmp_path: Path) -> None:
    model = model_with_text("the old fox\nand the hen\n" * 9)
    body = {"prompt": "the old", "length": 80, "temperature": 1.0, "seed": 7}
    with serving(model_file(tmp_path, model=model)) as server, client_of(server) as client:
        assert client.get("api/models").json()["models"][0]["has_text"] is True
        free = client.post("api/generate", json={**body, "trace": 2}).json()
        assert free["text"] == model.generate("the old", length=80, temperature=1.0, seed=7)
        runs = model.copied_runs(free["text"], 2, prompt="the old")
        assert runs
        assert free["copied"] == [run.as_json() for run in runs]
        limited = client.post("api/generate", json={**body, "max_copy": 4}).json()
        assert limited["text"] == model.generate("the old", length=80, temperature=1.0, seed=7, max_copy=4)
        assert "copied" not in limited
        asked = {"prompt": "the old", "max_tokens": 80, "seed": 7, "max_copy": 4}
        (choice,) = client.post("v1/completions", json=asked).json()["choices"]
        assert (choice["text"], choice["finish_reason"]) == (limited["text"], limited["finish_reason"])
        with client.stream("POST", "api/generate", json={**body, "trace": 2, "stream": True}) as response:
            *_, end = events(response)
        assert end["copied"] == free["copied"]
        assert "trace = 0" in refusal(client.post("api/generate", json={**body, "trace": 0}), 400)


def test_a_text_that_cannot_go_on_without_copying_is_said_to_be_filtered(tmp_path: Path) -> None:
    every_pair = "".join(first + second for first in "ab\n" for second in "ab\n")
    with serving(model_file(tmp_path, model=model_with_text(every_pair))) as server, client_of(server) as client:
        (choice,) = client.post("v1/completions", json={"prompt": "a", "max_copy": 1}).json()["choices"]
        assert (choice["text"], choice["finish_reason"]) == ("", "content_filter")
        answer = client.post("api/generate", json={"prompt": "a", "max_copy": 1}).json()
        assert (answer["text"], answer["finish_reason"]) == ("", "max_copy")


@pytest.mark.parametrize("option", ["trace", "max_copy"])
def test_without_the_training_text_copying_cannot_be_seen(client: httpx.Client, option: str) -> None:
    message = refusal(client.post("api/generate", json={option: 9}), 400)
    assert "does not have its training text" in message


def test_the_author_of_a_text_is_the_one_that_the_library_finds(client: httpx.Client) -> None:
    text = "so it goes\nand on\n\nthe end"
    lower = client.post("api/who", json={"text": text})
    assert "run was trained on lower-cased text" in refusal(lower, 400)
    answer = client.post("api/who", json={"text": text.replace("\n", "\r\n"), "models": ["fox"]}).json()
    expected = Authors({"fox": random_model()}).attribute(text).as_json()
    assert answer.keys() == expected.keys()
    assert answer["bits_per_character"]["fox"] == pytest.approx(expected["bits_per_character"]["fox"], rel=1e-4)
    assert [line["text"] for line in answer["lines"]] == text.split("\n")
    assert answer["lines"][2]["posterior"] == {"fox": None}
    assert (answer["author"], answer["posterior"], answer["deviations"]) == ("fox", {"fox": 1.0}, {"fox": None})


def test_who_needs_a_text_and_models_that_are_there(client: httpx.Client) -> None:
    assert "text is empty" in refusal(client.post("api/who", json={"text": "", "models": ["fox"]}), 400)
    assert "'wolf'" in refusal(client.post("api/who", json={"text": "so", "models": ["fox", "wolf"]}), 404)
    refusal(client.post("api/who", json={"text": "so", "models": []}), 400)
    refusal(client.post("api/who", json={"text": "so", "models": ["fox"] * 9}), 400)
