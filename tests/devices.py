"""The devices that tests compute on: always the CPU, and a CUDA GPU where there is one."""

import pytest
import torch

from nextchar.networks.torch_threads import has_bfloat16

on_devices = pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
            ],
        ),
    ],
)
"""Runs a test on each device; `pytest -m gpu` runs those of a GPU alone."""


def exact_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the layers of a GPU multiply in float32 instead of TF32, which keeps 11 bits of each factor."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def skip_without(precision: str, device: str) -> None:
    """Skip the test if ``device`` does not compute in ``precision``."""
    if precision == "bfloat16" and not has_bfloat16(torch.device(device)):
        pytest.skip("this processor does not compute layers in bfloat16")
