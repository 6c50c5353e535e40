"""Options of writing."""

import pytest

from nextchar.errors import UsageError
from nextchar.settings import SamplingSettings, build, sampling_limits


def test_the_limits_of_numbers_are_those_that_are_checked() -> None:
    limits = sampling_limits()
    assert list(limits) == ["length", "temperature", "top_k", "top_p", "min_p", "max_copy", "seed"]
    assert limits["temperature"] == {"type": "number", "minimum": 0, "maximum": 100, "default": 0.5}
    assert limits["top_k"] == {"type": "integer", "minimum": 1, "default": None}
    for name, limit in limits.items():
        for bound, beyond in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
            if bound in limit:
                with pytest.raises(UsageError, match=name):
                    build(SamplingSettings, {name: limit[bound] + beyond})
                if not bound.startswith("exclusive"):
                    assert getattr(build(SamplingSettings, {name: limit[bound]}), name) == limit[bound]
        assert getattr(SamplingSettings(), name) == limit["default"]
