"""Our own API: /api/models, /api/generate, /api/distribution, /api/score, /api/history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from nextchar.model.continuation import Continuation
from nextchar.settings import Settings
from nextchar.web.errors import RefusedError
from nextchar.web.event_stream import EVENTS, EventStream
from nextchar.web.model_registry import ModelHandle, ModelRegistry
from nextchar.web.prediction import distribution, score, scores
from nextchar.web.responses import json_response
from nextchar.web.scheduler import Slot
from nextchar.web.schemas import (
    REFUSED,
    DistributionAnswer,
    DistributionBody,
    GenerateAnswer,
    GenerateBody,
    HistoryAnswer,
    ModelsAnswer,
    ScoreAnswer,
    ScoreBody,
    ScoresAnswer,
    count_replacements,
)
from nextchar.web.service import Service

BODIES: dict[str, type[Settings]] = {
    "/api/generate": GenerateBody,
    "/api/distribution": DistributionBody,
    "/api/score": ScoreBody,
}
"""The schema of the body of each path, for the description of the API."""


def native_routes(service: Service) -> APIRouter:
    """Return the routes of our own API."""
    router = APIRouter(prefix="/api", tags=["nextchar"], responses=REFUSED)

    async def models(request: Request) -> Response:
        """List the served models; a run without a model yet is left out."""
        return json_response({"models": await service.read(request, _infos(service.registry))})

    async def generate(request: Request) -> Response:
        """Write a text that continues the prompt. The same seed gives the same text."""
        body = await service.body(request, GenerateBody)
        handle = service.registry.find(body.model)
        service.check_text("prompt", len(body.prompt))
        service.check_characters("length", body.length)
        writing = _Writing(service, handle, body)
        if body.stream:
            slot = await service.writing.acquire(request.is_disconnected)
            return EventStream(writing.events(slot), slot)
        async with service.writing.slot(request.is_disconnected) as slot:
            written = [piece async for pieces in slot.results(writing.pieces()) for piece in pieces]
        return json_response({"text": "".join(written), **writing.end()})

    async def next_character(request: Request) -> Response:
        """Return the distribution of the next character, as the model gives it and as it is sampled from."""
        body = await service.body(request, DistributionBody)
        handle = service.registry.find(body.model)
        service.check_text("prompt", len(body.prompt))
        return json_response(await service.read(request, _distribution(handle, body)))

    async def score_text(request: Request) -> Response:
        """Return how many bits each character of a text costs, and the alternatives in its place; or, of many texts,
        how many bits each costs, and its most surprising character."""
        body = await service.body(request, ScoreBody)
        handle = service.registry.find(body.model)
        if body.text is not None:
            service.check_text("text", len(body.text))
        else:
            service.check_text("texts", sum(map(len, body.texts or ())))
        return json_response(await service.read(request, _score(handle, body)))

    async def history(
        request: Request,
        model: Annotated[str | None, Query(description="Name of the model; by default the first.")] = None,
    ) -> Response:
        """Return the history of a model's training so far."""
        handle = service.registry.find(model)
        return json_response(await service.read(request, _history(handle)))

    router.get("/models", response_model=ModelsAnswer)(models)
    router.post("/generate", response_model=GenerateAnswer, responses={200: {"content": EVENTS}})(generate)
    router.post("/distribution", response_model=DistributionAnswer)(next_character)
    router.post("/score", response_model=ScoreAnswer | ScoresAnswer)(score_text)
    router.get("/history", response_model=HistoryAnswer)(history)
    return router


class _Writing:
    """The text of a request."""

    def __init__(self, service: Service, handle: ModelHandle, body: GenerateBody) -> None:
        self._service, self._handle, self._body = service, handle, body
        self._text: Continuation | None = None
        self._copied: list[dict[str, Any]] | None = None

    def pieces(self) -> Iterator[str]:
        """Yield the text as it is written; empty pieces are work that adds nothing to it yet."""
        body, model = self._body, self._handle.ready().model
        if body.trace is not None:
            _ = model.source_text  # an error if it is not there
        prompt = model.fold_prompt(body.prompt, characters=body.length, adapt=body.adapt)
        yield ""
        self._text = Continuation(prompt, body.sampling, body.index)
        written = ""
        for piece in self._service.counted(self._handle, self._text.steps()):
            written += piece
            yield piece
        if body.trace is not None:
            runs = model.copied_runs(written, body.trace, prompt=prompt.text)
            self._copied = [run.as_json() for run in runs]

    async def events(self, slot: Slot) -> AsyncGenerator[Any]:
        """Yield the events of a stream: the text in pieces, and the end."""
        async for pieces in slot.results(self.pieces()):
            if text := "".join(pieces):
                yield {"text": text}
        yield {"done": True, **self.end()}

    def end(self) -> dict[str, Any]:
        """Return what is known when the text is complete."""
        assert self._text is not None, "the text has been written"
        return {
            "seed": self._text.seed,
            "finish_reason": self._text.finish_reason,
            "replacements": count_replacements(self._text.replacements),
            **({} if self._copied is None else {"copied": self._copied}),
        }


# Generators, so that a changed model is reloaded in a worker thread.


def _infos(registry: ModelRegistry) -> Iterator[list[dict[str, Any]]]:
    infos: list[dict[str, Any]] = []
    for handle in registry:
        if handle.is_there():
            infos.append(handle.info())
        yield infos


def _distribution(handle: ModelHandle, body: DistributionBody) -> Iterator[dict[str, Any] | None]:
    yield from distribution(handle.ready().model, body.prompt, body.sampling, body.limit)


def _score(handle: ModelHandle, body: ScoreBody) -> Iterator[bytes]:
    model = handle.ready().model
    if body.text is None:
        yield from scores(model, body.texts or ())
    else:
        yield from score(model, body.text, body.alternatives, adapt=body.adapt)


def _history(handle: ModelHandle) -> Iterator[bytes]:
    history = handle.history()
    if history is None:
        raise RefusedError(
            404,
            f"{handle.name} has no history: it is not a run folder, or its run has only just begun.",
            code="no_history",
        )
    yield history[1]
