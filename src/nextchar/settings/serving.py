"""Options of a server."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from nextchar.errors import shortened
from nextchar.settings.validation import Settings
from nextchar.settings.values import Duration, OneOrMore


class ServeSettings(Settings):
    """Where a server listens, whom it lets in, and how much it does for one request."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; one that other machines reach, like 0.0.0.0, needs --api-key or --public.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one and prints it.")
    api_key: str | None = Field(
        default=None,
        min_length=1,
        description="Key that requests must send, as OpenAI's clients do; by default that in NEXTCHAR_API_KEY.",
    )
    public: bool = Field(default=False, description="Let in anyone who can reach the host, without a key.")
    origin: OneOrMore = Field(
        default=(),
        description="Origin of other web pages that may use the API, like https://example.org; may be repeated.",
    )
    max_characters: int = Field(default=20_000, ge=1, description="Maximum number of characters written for a request.")
    max_text: int = Field(default=20_000, ge=1, description="Maximum length of a prompt, or of a text to score.")
    max_body: int = Field(default=1_048_576, ge=1, description="Maximum size of a request's body, in bytes.")
    max_connections: int = Field(
        default=512,
        ge=1,
        le=65536,
        description="Maximum number of open connections; fewer where the system allows fewer. Beyond that, the server "
        "closes idle ones, or refuses the new one if none is idle.",
    )
    max_writing: int = Field(
        default=16, ge=1, description="Maximum number of requests that write at once; others wait."
    )
    max_waiting: int = Field(default=256, ge=0, description="Maximum number of requests that wait; more are refused.")
    max_time: Duration = Field(
        default=60.0,
        gt=0,
        le=86400,
        description="Time limit of a request, including its wait and sending the response.",
    )
    max_arrival: Duration = Field(
        default=20.0, gt=0, le=3600, description="Time limit for the headers and body of a request to arrive."
    )
    max_stall: Duration = Field(
        default=10.0, gt=0, le=3600, description="Time that a client may leave its response unread."
    )
    max_idle: Duration = Field(
        default=15.0, gt=0, le=3600, description="Time that a connection stays open between requests."
    )
    drain: Duration = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="Time that the server goes on answering after a signal to stop, while /readyz says that it stops.",
    )
    cores: int | None = Field(
        default=None, ge=1, le=1024, description="Threads that write and score; by default one for each core."
    )

    @field_validator("origin")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s?#]+", origin):
                raise ValueError(
                    f"{shortened(origin)} is not an origin: write it like https://example.org, without a path"
                )
        return origins
