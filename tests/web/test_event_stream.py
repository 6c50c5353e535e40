"""Server-sent events: one line each."""

from __future__ import annotations

from pathlib import Path

from nextchar.web.event_stream import event
from tests.served import client_of, events, model_file, serving
from tests.small_networks import random_model


def test_no_line_of_a_stream_ends_within_its_data(tmp_path: Path) -> None:
    strange = "\u0085\u2028\u2029"
    assert event({"text": strange}) == b'data: {"text":"\\u0085\\u2028\\u2029"}\n\n'
    model = random_model("ab" + strange)
    with serving(model_file(tmp_path, model=model)) as server, client_of(server) as client:
        body = {"length": 100, "temperature": 2.0, "seed": 1}
        whole = client.post("api/generate", json=body).json()["text"]
        assert any(character in whole for character in strange)
        with client.stream("POST", "api/generate", json={**body, "stream": True}) as response:
            *pieces, _ = events(response)  # split into lines wherever Python ends one
        assert "".join(piece["text"] for piece in pieces) == whole
