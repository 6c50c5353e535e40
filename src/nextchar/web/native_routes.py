"""Our own API: /api/models, /api/generate, /api/distribution, /api/score, /api/who, /api/list, /api/history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from nextchar.model.continuation import Continuation
from nextchar.model.list_settings import ListSettings
from nextchar.settings import Settings
from nextchar.web.errors import RefusedError
from nextchar.web.event_stream import EVENTS, EventStream
from nextchar.web.listing import TIME_SHARE, write_list
from nextchar.web.model_registry import ModelHandle, ModelRegistry
from nextchar.web.prediction import attribute, distribution, score, scores
from nextchar.web.responses import json_response
from nextchar.web.scheduler import Slot
from nextchar.web.schemas import (
    MAX_COMPARED,
    REFUSED,
    DistributionAnswer,
    DistributionBody,
    GenerateAnswer,
    GenerateBody,
    HistoryAnswer,
    ListAnswer,
    ListBody,
    ModelsAnswer,
    ScoreAnswer,
    ScoreBody,
    ScoresAnswer,
    WhoAnswer,
    WhoBody,
    count_replacements,
)
from nextchar.web.service import Service

BODIES: dict[str, type[Settings]] = {
    "/api/generate": GenerateBody,
    "/api/distribution": DistributionBody,
    "/api/score": ScoreBody,
    "/api/who": WhoBody,
    "/api/list": ListBody,
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

    router.get("/models", response_model=ModelsAnswer)(models)
    router.post("/generate", response_model=GenerateAnswer, responses={200: {"content": EVENTS}})(generate)
    router.post("/distribution", response_model=DistributionAnswer)(next_character)
    router.post("/score", response_model=ScoreAnswer | ScoresAnswer)(score_text)
    _add_who_and_list(router, service)
    _add_history(router, service)
    return router


def _add_who_and_list(router: APIRouter, service: Service) -> None:
    """Add the routes for the author of a text and for lists."""

    async def who(request: Request) -> Response:
        """Return which of several models a text is most like, as a whole and line by line."""
        body = await service.body(request, WhoBody)
        handles = list(service.registry) if body.models is None else [*map(service.registry.find, body.models)]
        if len(handles) > MAX_COMPARED:
            raise RefusedError(400, f"models: name at most {MAX_COMPARED} of the {len(handles)}.", param="models")
        service.check_text("text", len(body.text))
        return json_response(await service.read(request, _who(handles, body.text)))

    async def list_entries(request: Request) -> Response:
        """Write new entries like those of the list that the model learned from. The same seed gives the same list."""
        body = await service.body(request, ListBody)
        handle = service.registry.find(body.model)
        service.check_entries(body.count)
        service.check_text("starts", sum(map(len, body.starts)))
        async with service.writing.slot(request.is_disconnected) as slot:
            return json_response(await slot.last(_list(service, handle, body)))

    router.post("/who", response_model=WhoAnswer)(who)
    router.post("/list", response_model=ListAnswer)(list_entries)


def _add_history(router: APIRouter, service: Service) -> None:
    """Add the route for the history of a training."""

    async def history(
        request: Request,
        model: Annotated[str | None, Query(description="Name of the model; by default the first.")] = None,
    ) -> Response:
        """Return the history of a model's training so far."""
        handle = service.registry.find(model)
        return json_response(await service.read(request, _history(handle)))

    router.get("/history", response_model=HistoryAnswer)(history)


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


def _who(handles: Sequence[ModelHandle], text: str) -> Iterator[dict[str, Any] | None]:
    yield from attribute({handle.name: handle.ready().model for handle in handles}, text)


def _list(service: Service, handle: ModelHandle, body: ListBody) -> Iterator[dict[str, Any] | None]:
    clock = service.writing.clock
    ends = clock() + TIME_SHARE * service.settings.max_time
    chosen = {name: getattr(body, name) for name in ListSettings.model_fields}
    settings = ListSettings.model_construct(**chosen)
    for answer in write_list(handle.ready().model, settings, lambda: clock() > ends):
        yield answer
        if answer is not None:
            characters = sum(len(entry["text"]) for entry in answer["entries"])
            service.metrics.characters.labels(handle.name).inc(characters)


def _history(handle: ModelHandle) -> Iterator[bytes]:
    history = handle.history()
    if history is None:
        raise RefusedError(
            404,
            f"{handle.name} has no history: it is not a run folder, or its run has only just begun.",
            code="no_history",
        )
    yield history[1]
