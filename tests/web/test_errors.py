"""Which error gets which status."""

from __future__ import annotations

import pytest

from nextchar.errors import ModelFileError, TextError, UnknownCharacterError, UsageError
from nextchar.web.errors import as_refusal


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 400),
        (TextError("x"), 400),
        (UnknownCharacterError("x"), 400),
        (ModelFileError("x"), 503),
        (ZeroDivisionError(), 500),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    assert as_refusal(error).status == status
