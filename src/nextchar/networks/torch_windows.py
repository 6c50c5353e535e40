"""An LSTM layer that reads many short windows from the zero state, trainable, faster on the CPU than nn.LSTM.

The input products of a window's characters are looked up in a table. The matrix products of each step are torch's;
everything between them is one compiled loop (`nextchar.networks.window_kernels`). Measured with the classic example in
docs/benchmarks.md.
"""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar.networks import window_kernels


def read_windows(ids: Tensor, table: Tensor, hidden_weight: Tensor) -> Tensor:
    """Return h (B, H) of one layer after windows ``ids`` (T, B), read from the zero state.

    Args:
        ids: integers below V, on the CPU like the other tensors.
        table: input products of each id, bias added, shape (V, 4H); differentiable.
        hidden_weight: shape (4H, H); differentiable.
    """
    return _WindowLSTM.apply(ids, table, hidden_weight)


def compile_loops() -> None:
    """Compile the loops, some seconds on their first use on a machine, or load them."""
    table, hidden_weight = torch.zeros(1, 4, requires_grad=True), torch.zeros(4, 1, requires_grad=True)
    torch.autograd.grad(read_windows(torch.zeros(2, 1, dtype=torch.long), table, hidden_weight).sum(), [table])


class _WindowLSTM(torch.autograd.Function):
    """`read_windows`, with its derivative."""

    @staticmethod
    def forward(ctx: Any, ids: Tensor, table: Tensor, hidden_weight: Tensor) -> Tensor:
        """Read the windows, keeping the activations of all steps."""
        (steps, batch), size = ids.shape, hidden_weight.shape[1]
        read = np.ascontiguousarray(ids.numpy())
        inputs, transposed = table.detach().contiguous().numpy(), hidden_weight.detach().t().contiguous()
        gates = np.empty((steps, batch, 4 * size), np.float32)
        hidden, cell = (np.zeros((steps + 1, batch, size), np.float32) for _ in ("h", "c"))
        sums, outputs = torch.from_numpy(gates).unbind(0), torch.from_numpy(hidden).unbind(0)
        for step in range(steps):
            window_kernels.look_up(read[step], inputs, gates[step])
            if step > 0:  # h begins at zero
                sums[step].addmm_(outputs[step], transposed)  # (B, 4H)
            window_kernels.step_forward(gates[step], cell[step], cell[step + 1], hidden[step + 1])
        ctx.read, ctx.gates, ctx.hidden, ctx.cell = read, gates, hidden, cell
        ctx.hidden_weight, ctx.characters = hidden_weight.detach(), len(table)
        return outputs[steps].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor]:
        """Return the gradients of the table and of the hidden weights, for those of h, (B, H)."""
        steps, batch, wide = ctx.gates.shape
        size = wide // 4
        to_hidden = gradients[0].clone(memory_format=torch.contiguous_format)  # (B, H)
        to_cell = np.zeros((batch, size), np.float32)
        to_gates = torch.from_numpy(ctx.gates)  # (T, B, 4H), activations that become gradients
        views = to_gates.unbind(0)
        for step in range(steps - 1, -1, -1):
            window_kernels.step_back(ctx.gates[step], ctx.cell[step], ctx.cell[step + 1], to_hidden.numpy(), to_cell)
            if step > 0:
                torch.mm(views[step], ctx.hidden_weight, out=to_hidden)  # (B, H)
        rows = to_gates.view(-1, wide)  # (T * B, 4H)
        to_weight = rows.t() @ torch.from_numpy(ctx.hidden[:-1]).view(-1, size)  # (4H, H)
        to_table = np.zeros((ctx.characters, wide), np.float32)
        window_kernels.add_rows(ctx.read.ravel(), rows.numpy(), to_table)
        return None, torch.from_numpy(to_table), to_weight
