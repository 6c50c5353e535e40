"""Optimizers: they change the weights by the gradients.

They are not `torch.optim.Optimizer`s: creating one loads torch's compiler, which takes one to ten seconds.
"""

# torch types gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from nextchar.training.plan import Plan

BETAS = (0.9, 0.99)
"""Shares of the old means that AdamW keeps in an update: of the gradient, and of its square."""


class Optimizer(Protocol):
    """An update rule, with a state for every weight."""

    state: dict[str, dict[str, Tensor]]
    """By the name of the weight, then by the name of the value."""

    def step(self, learning_rate: float) -> None:
        """Change the weights by the gradients that they hold."""
        ...


def make_optimizer(weights: dict[str, Tensor], plan: Plan) -> Optimizer:
    """Return the optimizer of ``plan`` over ``weights``."""
    return KerasRMSprop(weights) if plan.optimizer == "rmsprop" else AdamW(weights, plan.weight_decay)


class AdamW:
    """Adam with decoupled weight decay, as torch computes it; biases do not decay.

    Source: Kingma and Ba, "Adam" (2015); Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """

    def __init__(self, weights: dict[str, Tensor], weight_decay: float) -> None:
        """Update ``weights``; the matrices among them shrink by the learning rate times ``weight_decay``."""
        self.state = {
            name: {
                "step": torch.zeros((), device=weight.device),
                "exp_avg": torch.zeros_like(weight, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(weight, requires_grad=False),
            }
            for name, weight in weights.items()
        }
        matrices = {name: weight for name, weight in weights.items() if weight.dim() > 1}
        others = {name: weight for name, weight in weights.items() if weight.dim() <= 1}
        self._groups = [(matrices, weight_decay), (others, 0.0)]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the weights by the gradients that they hold."""
        for weights, weight_decay in self._groups:
            states = [self.state[name] for name in weights]
            adamw(
                list(weights.values()),
                [weight.grad for weight in weights.values() if weight.grad is not None],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=learning_rate,
                weight_decay=weight_decay,
                eps=1e-8,
                maximize=False,
            )


class KerasRMSprop:
    """RMSprop as Keras computes it: with s the running mean of the squared gradient g,

        s = rho * s + (1 - rho) * g²
        w = w - rate * g / √(s + epsilon)

    `torch.optim.RMSprop` adds its epsilon to the root instead, which differs for small gradients.

    Source: Tieleman and Hinton, "Lecture 6.5: RMSprop" (2012); keras.optimizers.RMSprop.
    """

    def __init__(self, weights: dict[str, Tensor], *, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        """Update ``weights``; rho and epsilon are those of Keras."""
        self.state = {name: {"mean_square": torch.zeros_like(weight)} for name, weight in weights.items()}
        self._weights, self._rho, self._epsilon = weights, rho, epsilon

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the weights by the gradients that they hold."""
        for name, weight in self._weights.items():
            if weight.grad is None:
                continue
            square = self.state[name]["mean_square"].mul_(self._rho)
            square.addcmul_(weight.grad, weight.grad, value=1 - self._rho)
            weight.addcdiv_(weight.grad, (square + self._epsilon).sqrt_(), value=-learning_rate)
