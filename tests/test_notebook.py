"""A run in a notebook: one output, which grows, in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.command import PATIENCE, made_up_text


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    """A kernel of Jupyter's own."""
    manager, client = start_new_kernel(startup_timeout=PATIENCE)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(kernel: BlockingKernelClient, cell: str) -> list[dict[str, Any]]:
    """Run a cell and return what it tells the notebook."""
    told: list[dict[str, Any]] = []
    reply = kernel.execute_interactive(cell, output_hook=told.append, timeout=PATIENCE)
    assert reply["content"]["status"] == "ok", reply["content"]
    return [message for message in told if message["msg_type"] not in {"status", "execute_input"}]


def test_training_is_one_output_that_grows(kernel: BlockingKernelClient) -> None:
    text = made_up_text() + "<b>&amp;\n" * 9
    options = "hidden=16, streams=4, window=16, threads=1, sample_length=300, steps=40, evaluations=2"
    told = messages(kernel, f"import nextchar\nmodel = nextchar.train(text={text!r}, {options})")
    kinds = [message["msg_type"] for message in told]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len({message["content"]["transient"]["display_id"] for message in told}) == 1
    pages = [message["content"]["data"]["text/html"] for message in told]
    assert any("<progress" in page and "characters/s" in page for page in pages)
    last = pages[-1]
    assert "<progress" not in last
    assert "white-space:pre-wrap" in last
    assert "Done after" in last
    assert last.count("temperature 1.2") == 2
    assert "<b>" not in last
    assert "Done after" in told[-1]["content"]["data"]["text/plain"]


def test_a_model_in_a_cell_is_a_table(kernel: BlockingKernelClient) -> None:
    cell = "from tests.networks import random_model\nrandom_model(corpus=['<script>alert(1).txt'])"
    (shown,) = messages(kernel, cell)
    data = shown["content"]["data"]
    assert data["text/html"].startswith("<table>")
    assert "<script>" not in data["text/html"]
    assert "&lt;script&gt;" in data["text/html"]
    assert data["text/plain"].startswith("LanguageModel(LSTM of 8 units")
    assert "\n" not in data["text/plain"]
