"""Particle Transformer on jet constituents: attention whose weights know how two constituents stand to each other.

Qu, Li, Qian (arXiv:2202.03772), without particle identities; with the paper's sizes (width 128, heads 8, blocks 8,
class_blocks 2, pair_width 64) it has 2.1 million parameters, the defaults are made for CPUs.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from jetpulse.config.types import Depth, Size
from jetpulse.models.constituents import pair_features, particle_features
from jetpulse.models.layers import dense_layers

TASKS = ("classification",)
INPUT = "constituents"


class _Attention(nn.Module):
    """Multi-head attention with a term for every pair added to the logits, and a residual feed-forward part."""

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.forward_part = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(expansion * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, context: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Return x (b, n, width) after attending to context (b, m, width); bias (b, heads or 1, n or 1, m)."""
        seen = self.before(context)
        query = self.query(seen if context is x else self.before(x))
        key, value = self.key_value(seen).chunk(2, -1)
        query, key, value = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (query, key, value))
        attended = _attend(query, key, value, bias.to(query.dtype))
        # Heads side by side; a view would depend on how attention lays out its result, which ONNX cannot know.
        x = x + self.dropout(self.out(torch.cat(attended.unbind(1), -1)))
        return x + self.dropout(self.forward_part(x))


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return what each query (b, heads, n, d) reads of the values (b, heads, m, d)."""
    if query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    # Where the bias learns, torch has no fused attention on a CPU, and the plain one looks for rows without any key in
    # passes of their own, a tenth of a step; there are none, since what is absent is only far below.
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    return torch.softmax(scores + bias, -1) @ value


class Network(nn.Module):
    """Embedding, attention among constituents, attention of a class token; input (batch, n, 4), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        constituents: Size = 100,
        width: Size = 64,
        heads: Size = 4,
        blocks: Depth = 3,
        class_blocks: Depth = 1,
        expansion: Size = 2,
        pair_width: Size = 16,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        """Build for jets of four-momenta (``shape`` is (4,)); the hardest ``constituents`` are looked at."""
        super().__init__()
        self.constituents = constituents
        self.embed = dense_layers([7, 2 * width, width], nn.GELU())
        self.pairs = dense_layers([4, pair_width, pair_width, heads], nn.GELU())
        self.blocks = nn.ModuleList(_Attention(width, heads, expansion, dropout) for _ in range(blocks))
        self.class_blocks = nn.ModuleList(_Attention(width, heads, expansion, dropout) for _ in range(class_blocks))
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))

    def forward(self, momenta: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of momenta (batch, n, 4): E, px, py, pz in GeV, zeros where there is none."""
        features, mask = particle_features(momenta, self.constituents)
        absent = torch.zeros_like(mask, dtype=features.dtype).masked_fill(~mask, -1e4)[:, None, None]
        pairs, where = pair_features(momenta, self.constituents)
        # Each pair is worked out once; its two orders read the same term.
        bias = self.pairs(pairs).transpose(1, 2)[:, :, where.flatten()].unflatten(2, where.shape) + absent
        x = self.embed(features)
        for block in self.blocks:
            x = block(x, x, bias)
        token = self.token.expand(x.shape[0], -1, -1)
        for block in self.class_blocks:
            token = block(token, torch.cat([token, x], 1), functional.pad(absent, (1, 0)))
        return self.head(token[:, 0])
