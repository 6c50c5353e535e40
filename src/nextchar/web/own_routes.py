"""Our own API: /api/models, /api/generate, /api/distribution, /api/score, /api/growth."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from nextchar.model.continuation import Continuation
from nextchar.settings import Settings
from nextchar.web.answers import json_answer
from nextchar.web.bodies import (
    REFUSED,
    DistributionAnswer,
    DistributionBody,
    GenerateAnswer,
    GenerateBody,
    GrowthAnswer,
    ModelsAnswer,
    ScoreAnswer,
    ScoreBody,
    count_replacements,
)
from nextchar.web.event_stream import EVENTS, EventStream
from nextchar.web.prediction import distribution, score
from nextchar.web.refusals import RefusedError
from nextchar.web.service import Service
from nextchar.web.shelf import ServedModel, Shelf
from nextchar.web.turns import Turn

BODIES: dict[str, type[Settings]] = {
    "/api/generate": GenerateBody,
    "/api/distribution": DistributionBody,
    "/api/score": ScoreBody,
}
"""What the bodies of requests are read as, by path: told in the description of the API."""


def own_routes(service: Service) -> APIRouter:
    """Return the routes of our own API."""
    router = APIRouter(prefix="/api", tags=["nextchar"], responses=REFUSED)

    async def models(request: Request) -> Response:
        """Tell of every model that is served; a run that has no model yet is left out."""
        async with service.reading.turn(request.is_disconnected) as turn:
            return json_answer({"models": await turn.last(_infos(service.shelf))})

    async def generate(request: Request) -> Response:
        """Write a text that goes on from the prompt. The same seed gives the same text."""
        body = await service.body(request, GenerateBody)
        served = service.shelf.find(body.model)
        service.check_text("prompt", len(body.prompt))
        service.check_characters("length", body.length)
        writing = _Writing(service, served, body)
        if body.stream:
            turn = await service.writing.enter(request.is_disconnected)
            return EventStream(writing.events(turn), turn)
        async with service.writing.turn(request.is_disconnected) as turn:
            written = [piece async for pieces in turn.results(writing.pieces()) for piece in pieces]
        return json_answer({"text": "".join(written), **writing.end()})

    async def next_character(request: Request) -> Response:
        """Tell the distribution of the next character, as the model has it and as it is drawn from."""
        body = await service.body(request, DistributionBody)
        served = service.shelf.find(body.model)
        service.check_text("prompt", len(body.prompt))
        async with service.reading.turn(request.is_disconnected) as turn:
            return json_answer(await turn.last(_distribution(served, body)))

    async def score_text(request: Request) -> Response:
        """Tell how many bits each character of a text took, and what else could have stood in its place."""
        body = await service.body(request, ScoreBody)
        served = service.shelf.find(body.model)
        service.check_text("text", len(body.text))
        async with service.reading.turn(request.is_disconnected) as turn:
            return json_answer(await turn.last(_score(served, body)))

    async def growth(
        request: Request, model: Annotated[str | None, Query(description="Name of the model; the first one.")] = None
    ) -> Response:
        """Tell how a model learned, as far as its run has come."""
        served = service.shelf.find(model)
        async with service.reading.turn(request.is_disconnected) as turn:
            return json_answer(await turn.last(_growth(served)))

    router.get("/models", response_model=ModelsAnswer)(models)
    router.post("/generate", response_model=GenerateAnswer, responses={200: {"content": EVENTS}})(generate)
    router.post("/distribution", response_model=DistributionAnswer)(next_character)
    router.post("/score", response_model=ScoreAnswer)(score_text)
    router.get("/growth", response_model=GrowthAnswer)(growth)
    return router


class _Writing:
    """A text that a request asks for."""

    def __init__(self, service: Service, served: ServedModel, body: GenerateBody) -> None:
        self._service, self._served, self._body = service, served, body
        self._text: Continuation | None = None

    def pieces(self) -> Iterator[str]:
        """Yield the text as it is written; empty pieces are work that adds nothing to it yet."""
        body = self._body
        prompt = self._served.ready().model.fold_prompt(body.prompt, characters=body.length)
        yield ""
        self._text = Continuation(prompt, body.sampling, body.index)
        yield from self._service.counted(self._served, self._text.steps())

    async def events(self, turn: Turn) -> AsyncGenerator[Any]:
        """Yield what is told while the text is written, and at its end."""
        async for pieces in turn.results(self.pieces()):
            if text := "".join(pieces):
                yield {"text": text}
        yield {"done": True, **self.end()}

    def end(self) -> dict[str, Any]:
        """Return what is known once the text is written."""
        assert self._text is not None, "the text has been written"
        return {
            "seed": self._text.seed,
            "finish_reason": self._text.finish_reason,
            "replacements": count_replacements(self._text.replacements),
        }


# Generators, so that a model that has to be loaded anew is loaded where the work is done.


def _infos(shelf: Shelf) -> Iterator[list[dict[str, Any]]]:
    infos: list[dict[str, Any]] = []
    for served in shelf:
        if served.is_there():
            infos.append(served.info())
        yield infos


def _distribution(served: ServedModel, body: DistributionBody) -> Iterator[dict[str, Any] | None]:
    yield from distribution(served.ready().model, body.prompt, body.sampling, body.limit)


def _score(served: ServedModel, body: ScoreBody) -> Iterator[bytes]:
    yield from score(served.ready().model, body.text, body.alternatives)


def _growth(served: ServedModel) -> Iterator[bytes]:
    growth = served.growth()
    if growth is None:
        raise RefusedError(
            404,
            f"{served.name} has no growth to tell: it is no run folder, or its run has just begun.",
            code="no_growth",
        )
    yield growth[1]
