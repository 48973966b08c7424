"""Residual convolutional network for jet images, 77,490 parameters with default arguments.

He et al. (arXiv:1512.03385). The ResNeXt-50 with a quarter of the channels (Xie et al., arXiv:1611.05431) that
arXiv:1902.08570 trained on jet images is stem 64, kernel 7, pool, widths [64, 128, 256, 512], blocks [3, 4, 6, 3],
bottleneck, groups 32, dropout 0.5: published with 1.46 million parameters, here 1,453,090 (the first stage keeps its
width and adds the image as it is, without the 4,224 parameters of a 1 x 1 convolution). Normalised are groups of
channels of one image (arXiv:1803.08494) and not the batch, so that small batches do as well and no image depends on
others.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Depth, Odd, Size, Sizes
from jetpulse.errors import UserError

TASKS = ("classification",)
INPUT = "images"


def _normalisation(channels: int) -> nn.Module:
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)


def _convolution(inputs: int, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    convolution = nn.Conv2d(inputs, channels, kernel, stride, padding, groups=groups, bias=False)
    return [convolution, _normalisation(channels)]


class _Block(nn.Module):
    """Two 3 x 3 convolutions, or with a bottleneck one between two 1 x 1 convolutions, and the input added."""

    def __init__(self, inputs: int, width: int, stride: int, groups: int, *, bottleneck: bool) -> None:
        super().__init__()
        if bottleneck:
            inner = width // 2
            layers = [*_convolution(inputs, inner, 1), nn.ReLU(inplace=True)]
            layers += [*_convolution(inner, inner, 3, stride, groups), nn.ReLU(inplace=True)]
            layers += _convolution(inner, width, 1)
        else:
            layers = [*_convolution(inputs, width, 3, stride), nn.ReLU(inplace=True)]
            layers += _convolution(width, width, 3, groups=groups)
        self.layers = nn.Sequential(*layers)
        same = inputs == width and stride == 1
        self.shortcut = nn.Sequential(*([] if same else _convolution(inputs, width, 1, stride)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, width, rows / stride, columns / stride) of x (batch, inputs, rows, columns)."""
        return torch.relu(self.layers(x) + self.shortcut(x))


class Network(nn.Module):
    """One convolution, stages of residual blocks, mean over pixels; input (batch, pixels, pixels), output logits.

    The first convolution and every stage after the first one halve the image.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        stem: Size = 16,
        kernel: Odd = 5,
        pool: bool = False,
        widths: Annotated[Sizes, Field(min_length=1)] = [16, 32, 64],  # noqa: B006
        blocks: Annotated[list[Depth], Field(min_length=1, max_length=100)] = [1, 1, 1],  # noqa: B006
        bottleneck: bool = False,
        groups: Size = 1,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        """Build for images of ``shape`` (rows, columns)."""
        super().__init__()
        _check(widths, blocks, groups, bottleneck=bottleneck)
        layers = [*_convolution(1, stem, kernel, stride=2), nn.ReLU(inplace=True)]
        if pool:
            layers.append(nn.MaxPool2d(3, 2, 1))
        inputs = stem
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                layers.append(_Block(inputs, width, stride, groups, bottleneck=bottleneck))
                inputs = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(inputs, outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of images (batch, rows, columns)."""
        return self.head(self.layers(images[:, None]).mean((2, 3)))


def _check(widths: list[int], blocks: list[int], groups: int, *, bottleneck: bool) -> None:
    if len(widths) != len(blocks):
        raise UserError(f"jet-resnet: {len(widths)} widths and {len(blocks)} blocks; give one of each for every stage")
    for width in widths:
        if bottleneck and width % 2:
            raise UserError(f"jet-resnet: a bottleneck halves the width, and {width} is odd; choose even widths")
        inner = width // 2 if bottleneck else width
        if inner % groups:
            raise UserError(
                f"jet-resnet: {inner} channels of a 3 x 3 convolution do not make {groups} groups; choose widths and "
                "groups that divide"
            )
