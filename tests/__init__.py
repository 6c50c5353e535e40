"""Tests of nextchar, and what they share."""

import pytest

pytest.register_assert_rewrite("tests.browser", "tests.command", "tests.served")
