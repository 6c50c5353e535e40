"""What the server counts."""

from __future__ import annotations

from pathlib import Path

from tests.served import client_of, measured, serving


def test_what_happens_is_counted(fox: Path) -> None:
    with serving(fox) as server, client_of(server) as client:
        assert client.get("healthz").json() == {"status": "ok", "models": 1}
        client.post("api/generate", json={"length": 123})
        client.post("v1/completions", json={"max_tokens": 7})
        client.post("api/generate", json={"length": -1})
        for _ in range(3):
            client.get("who/knows")
        assert measured(client, 'nextchar_characters_written_total{model="fox"}') == 130
        assert measured(client, 'nextchar_requests_total{route="/api/generate",status="200"}') == 1
        assert measured(client, 'nextchar_requests_total{route="/api/generate",status="400"}') == 1
        assert measured(client, 'nextchar_requests_total{route="other",status="404"}') == 3
        assert measured(client, 'nextchar_request_seconds_count{route="/healthz"}') == 1
        kind = client.get("metrics").headers["content-type"]
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
