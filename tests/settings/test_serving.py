"""Options of a server."""

import pytest

from nextchar.errors import UsageError
from nextchar.settings import ServeSettings, build


@pytest.mark.parametrize("origin", ["*", "https://example.org", "http://localhost:8000"])
def test_origins_are_hosts_with_their_scheme(origin: str) -> None:
    assert build(ServeSettings, {"origin": origin}).origin == (origin,)


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/page", "ftp://example.org", "https://", ""])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(UsageError, match=f"'{origin}' is not an origin: write it like https://example.org"):
        build(ServeSettings, {"origin": ("https://example.org", origin)})
