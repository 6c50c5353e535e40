"""The API as OpenAI's clients speak it: /v1/completions and /v1/models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from nextchar.settings import Settings
from nextchar.web.completions import Chunk, Completions, joined
from nextchar.web.event_stream import EVENTS, EventStream
from nextchar.web.model_registry import ModelHandle
from nextchar.web.openai_schemas import CompletionAnswer, CompletionBody, ModelCard, ModelList
from nextchar.web.responses import json_response
from nextchar.web.scheduler import Slot
from nextchar.web.schemas import REFUSED
from nextchar.web.service import Service

BODIES: dict[str, type[Settings]] = {"/v1/completions": CompletionBody}
"""The schema of the body of each path, for the description of the API."""


def openai_routes(service: Service) -> APIRouter:
    """Return the routes that clients of OpenAI use."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=REFUSED)

    async def completions(request: Request) -> Response:
        """Write texts that continue prompts. Text k of a request is text k of its seed, in the order of the prompts."""
        body = await service.body(request, CompletionBody)
        handle = service.registry.find(body.model)
        service.check_text("prompt", body.read)
        service.check_work("max_tokens", body.n, body.read, body.written)
        texts = Completions(service, handle, body)
        if body.stream:
            slot = await service.writing.acquire(request.is_disconnected)
            return EventStream(_events(texts, slot), slot)
        async with service.writing.slot(request.is_disconnected) as slot:
            chunks = [chunk async for chunks in slot.results(texts.chunks()) for chunk in chunks]
        return json_response(texts.answer(joined(chunks), usage=True, **texts.end()))

    async def models(request: Request) -> Response:
        """List the served models."""
        cards = await service.read(request, _cards([handle for handle in service.registry if handle.is_there()]))
        return json_response({"object": "list", "data": cards})

    async def model(name: str, request: Request) -> Response:
        """Describe one model."""
        cards = await service.read(request, _cards([service.registry.find(name)]))
        return json_response(cards[0])

    answers = {200: {"content": EVENTS}}
    router.post("/completions", response_model=CompletionAnswer, responses={**answers})(completions)
    router.get("/models", response_model=ModelList)(models)
    router.get("/models/{name:path}", response_model=ModelCard)(model)
    return router


async def _events(texts: Completions, slot: Slot) -> AsyncGenerator[Any]:
    """Yield the chunks of a stream, those of one time slice joined, then the usage and the end."""
    with_usage = texts.body.stream_options is not None and texts.body.stream_options.include_usage
    async for chunks in slot.results(texts.chunks()):
        for choice in joined(chunks):
            if choice["text"] or choice["finish_reason"]:
                yield texts.answer([choice], usage=False)
    if with_usage:
        yield texts.answer([], usage=True, **texts.end())
    yield "[DONE]"


def _cards(models: list[ModelHandle]) -> Iterator[list[Chunk]]:
    cards: list[Chunk] = []
    yield cards
    for handle in models:
        loaded = handle.ready()
        cards.append({"id": handle.name, "object": "model", "created": loaded.created, "owned_by": "nextchar"})
    yield cards
