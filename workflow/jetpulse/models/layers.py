"""Layers that several networks are made of; no network itself."""

from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

# Numbers in half a vector register of a CPU: with no more filters than these the other half would be idle.
_HALF = 8


class SameConvolution(nn.Conv2d):
    """A convolution whose output is as large as its input: zeros around it, for even kernels one more behind."""

    def __init__(self, inputs: int, filters: int, kernel: int) -> None:
        """Make square kernels."""
        super().__init__(inputs, filters, kernel)
        self._around = ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, filters, rows, columns) of (batch, inputs, rows, columns)."""
        narrow = 1 < self.in_channels <= _HALF and self.out_channels <= _HALF and x.shape[-1] % 2 == 0
        # torch's compiler fails on it for batches of any size.
        plain = x.device.type != "cpu" or torch.compiler.is_compiling() or not torch.is_grad_enabled()
        if narrow and not plain:
            kind = working_type(x)
            return _PairedColumns.apply(x.to(kind), self.weight.to(kind), self.bias.to(kind), self._around)
        return functional.conv2d(_surround(x, self._around), self.weight, self.bias)


class _PairedColumns(torch.autograd.Function):
    """The sums of a plain 'same' convolution with few filters, sooner on a CPU.

    Two neighbouring columns are computed as one of twice the filters, with kernels that are one column wider; where
    channels come last that is the plain result as it lies in memory. The gradient of the input is such a convolution
    too, of the gradient with the kernels turned round.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, around: tuple[int, int]
    ) -> torch.Tensor:
        padded = _surround(x, around)
        ctx.save_for_backward(padded, weight)
        ctx.around = around
        return _convolve_pairs(padded, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        padded, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = _convolve_pairs(_surround(gradient, ctx.around[::-1]), weight.flip(2, 3).transpose(0, 1))
        _, of_weight, of_bias = torch.ops.aten.convolution_backward(
            gradient, padded, weight, [len(weight)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [False, True, True]
        )
        return of_x, of_weight, of_bias, None


def _surround(x: torch.Tensor, around: tuple[int, int]) -> torch.Tensor:
    """Return x (..., rows, columns) with so many zeros before and behind in both directions."""
    return functional.pad(x, (*around, *around))


def _convolve_pairs(padded: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    pairs = torch.cat([functional.pad(weight, (0, 1)), functional.pad(weight, (1, 0))])
    out = functional.conv2d(
        padded, pairs.contiguous(memory_format=torch.channels_last), None if bias is None else bias.repeat(2), (1, 2)
    )
    n, _, rows, columns = out.shape
    return out.permute(0, 2, 3, 1).reshape(n, rows, 2 * columns, len(weight)).permute(0, 3, 1, 2)


def dense_layers(widths: list[int], activation: nn.Module) -> nn.Sequential:
    """Return linear layers of these widths, input and output included, with ``activation`` between them."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), activation]
    return nn.Sequential(*layers[:-1])


def mean_of_existing(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean (batch, d) of those rows of x (batch, n, d) that ``mask`` (batch, n) says exist, 0 of none."""
    weight = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return (x * weight[..., None].to(x.dtype)).sum(1)


def working_type(x: torch.Tensor) -> torch.dtype:
    """Return the type in which layers compute here: autocast's, or that of ``x`` where it is off."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
