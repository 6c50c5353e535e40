"""What turns gradients into changes of the weights."""

# torch types gradients and states as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from nextchar.plan import Plan


def make_optimizer(weights: dict[str, Tensor], plan: Plan) -> torch.optim.Optimizer:
    """Return the optimizer of ``plan`` over ``weights``: RMSprop, or AdamW, where biases do not decay.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """
    if plan.optimizer == "rmsprop":
        return KerasRMSprop(weights.values(), plan.learning_rate)
    decayed = [weight for weight in weights.values() if weight.dim() > 1]
    others = [weight for weight in weights.values() if weight.dim() == 1]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.99), fused=True)


class KerasRMSprop(torch.optim.Optimizer):
    """RMSprop as Keras computes it: with s the running mean of the squared gradient g,

        s = rho * s + (1 - rho) * g²
        w = w - rate * g / √(s + epsilon)

    `torch.optim.RMSprop` adds its epsilon to the root instead, which is not the same for small gradients.

    Source: Tieleman and Hinton, "Lecture 6.5: RMSprop" (2012); keras.optimizers.RMSprop.
    """

    def __init__(self, weights: Iterable[Tensor], rate: float, *, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        """Update ``weights``; rho and epsilon are those of Keras."""
        super().__init__(weights, {"lr": rate, "rho": rho, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Make one update from the gradients that the weights hold."""
        assert closure is None, "the gradients are there already"
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["mean_square"] = torch.zeros_like(weight)
                square = state["mean_square"].mul_(group["rho"])
                square.addcmul_(weight.grad, weight.grad, value=1 - group["rho"])
                weight.addcdiv_(weight.grad, (square + group["epsilon"]).sqrt_(), value=-group["lr"])
