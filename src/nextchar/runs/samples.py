"""The samples of a run: what its model writes after each scoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nextchar.model.continuation import Continuation, Prompt
from nextchar.networks.architecture import Network
from nextchar.runs.run_settings import RunSettings
from nextchar.settings import SAMPLE_TEMPERATURES, SamplingSettings
from nextchar.text.tokenizer import Tokenizer
from nextchar.training.events import Event, Sampled, Writing


def write_samples(
    network: Network[Any], vocabulary: Tokenizer, settings: RunSettings, *, step: int, epoch: float
) -> Iterator[Event]:
    """Write a sample at each temperature, from the same prompt and with the same random numbers.

    Args:
        network: the network that writes.
        vocabulary: its tokens.
        settings: of the run: the prompt, the length and the seed.
        step: updates of the network so far.
        epoch: passes over the text so far.
    """
    prompt = Prompt(network, vocabulary, settings.prompt)
    for temperature in SAMPLE_TEMPERATURES:
        sampling = SamplingSettings(
            length=settings.training.sample_length, temperature=temperature, seed=settings.training.seed
        )
        text = ""
        yield Writing(temperature=temperature, prompt=settings.prompt, text="")
        for piece in Continuation(prompt, sampling, index=None):
            text += piece
            yield Writing(temperature=temperature, prompt=settings.prompt, text=piece)
        yield Sampled(step=step, epoch=epoch, temperature=temperature, prompt=settings.prompt, text=text)
