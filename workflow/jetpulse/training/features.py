"""Entries as a network reads them: kept as stored, on the device or where there is room, dense only batch by batch."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from jetpulse.samples import Block
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.streaming import Place


class Features(Protocol):
    """Entries of one representation; ``shape`` is that of one entry, or of one part of a ragged one."""

    shape: tuple[int, ...]

    @property
    def device(self) -> torch.device:
        """Where batches are."""

    @property
    def slow(self) -> bool:
        """Whether the next batch is better made while a network learns from this one."""

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return the entries ``index`` (b,) as a dense float32 tensor (b, *shape), ragged ones (b, n, *shape)."""

    def counts(self, index: torch.Tensor) -> torch.Tensor | None:
        """Return how many rows ragged entries ``index`` have at most, int64 (b,) in memory; None of others."""


class _Stored:
    """Entries that wait for their turn: on the device, in memory, or mapped from a file."""

    def __init__(self, device: torch.device, place: Place) -> None:
        self.device = device
        self._home = device if place == "device" else torch.device("cpu")
        self.slow = place == "disk" or self._home.type != device.type

    def counts(self, index: torch.Tensor) -> torch.Tensor | None:
        """Return None: all entries have one shape."""
        return None

    def _keep(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._home)

    def _bring(self, values: torch.Tensor) -> torch.Tensor:
        """Return values on the device; from memory that cannot be swapped out the program does not wait for them."""
        if self._home.type == self.device.type:
            return values
        return values.pin_memory().to(self.device, non_blocking=True)


class _Ragged(_Stored):
    """Ragged entries: offsets, always in memory so that no size has to be asked of a device, and flat arrays."""

    def __init__(self, block: Block, names: Sequence[str], device: torch.device, place: Place) -> None:
        super().__init__(device, place)
        self._offsets = torch.from_numpy(block.offsets)
        self._flat = [self._keep(block.flat[name]) for name in names]

    def _take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Return the parts of entries, m in all: how many each entry has (b,), whose each is (m,), and their values.

        The first is in memory, the others are on the device.
        """
        index = index.cpu()
        start = self._offsets[index]
        counts = self._offsets[index + 1] - start
        shift = start - (counts.cumsum(0) - counts)
        owner = torch.repeat_interleave(counts.to(self._home), output_size=int(counts.sum()))
        rows = torch.arange(len(owner), device=self._home) + shift.to(self._home)[owner]
        return counts, self._bring(owner), [self._bring(values[rows]) for values in self._flat]


class SparseImages(_Ragged):
    """Images stored as pixel indices and values; a batch is made dense on the device."""

    def __init__(self, block: Block, shape: tuple[int, ...], device: torch.device, place: Place = "device") -> None:
        """Keep the sparse images of ``block`` (offsets, pixel, value) where ``place`` says."""
        super().__init__(block, ("pixel", "value"), device, place)
        self.shape = shape
        self._size = int(np.prod(shape))

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return dense images (b, rows, columns), float32."""
        _, owner, (pixel, value) = self._take(index)
        images = torch.zeros(len(index) * self._size, device=self.device)
        # Every pixel occurs once, so this has no order to depend on.
        images.index_copy_(0, owner * self._size + pixel, value)
        return images.view(len(index), *self.shape)


class Dense(_Stored):
    """Entries stored as they are: waveforms, spectra, observables; normalised once."""

    def __init__(
        self,
        values: np.ndarray,
        device: torch.device,
        normalisation: Normalisation | None = None,
        place: Place = "device",
    ) -> None:
        """Keep ``values`` (n, *shape) where ``place`` says, as float32."""
        super().__init__(device, place)
        values = np.ascontiguousarray(values, np.float32)
        if normalisation is not None:  # in memory, whatever the place, so that they are rounded alike
            values = normalisation.apply(torch.from_numpy(values)).numpy()
        self._features = self._keep(values)
        self.shape = tuple(self._features.shape[1:])

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return entries (b, *shape)."""
        return self._bring(self._features[index.to(self._home)])


class Constituents(_Ragged):
    """Jets as they are stored, ragged; a batch is filled up with zeros to its longest jet."""

    shape = (4,)

    def __init__(self, block: Block, device: torch.device, place: Place = "device") -> None:
        """Keep offsets and four-momenta of ``block`` where ``place`` says."""
        super().__init__(block, ("constituents",), device, place)

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return four-momenta (b, longest, 4) in GeV, float32; rows of zeros behind a jet's last constituent."""
        counts, owner, (constituents,) = self._take(index)
        longest = int(counts.max()) if len(index) else 0
        first = torch.arange(len(index)) * longest - (counts.cumsum(0) - counts)
        momenta = torch.zeros(len(index) * longest, 4, device=self.device)
        momenta.index_copy_(
            0, torch.arange(len(owner), device=self.device) + first.to(self.device)[owner], constituents
        )
        return momenta.view(len(index), longest, 4)

    def counts(self, index: torch.Tensor) -> torch.Tensor:
        """Return numbers of constituents (b,)."""
        index = index.cpu()
        return self._offsets[index + 1] - self._offsets[index]
