"""Small jets made by hand or by hypothesis, and the one check that every user-facing error must pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.samples import SPLITS, Block, Writer, counts_to_offsets
from jetpulse.samples.seals import CHECKSUM, seal, set_text

Particle = tuple[float, float, float]  # pT (GeV), eta, phi


def momenta(particles: Sequence[Particle], dtype: type = np.float64) -> np.ndarray:
    """Return massless E, px, py, pz (n, 4) of particles given by pT, eta, phi."""
    pt, eta, phi = np.array(particles, np.float64).reshape(-1, 3).T
    columns = (pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return np.stack(columns, axis=1).astype(dtype)


def ragged(jets: Sequence[Sequence[Particle]], dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return constituents (total, 4) and offsets (n + 1) of jets given by their particles."""
    constituents = [momenta(jet, dtype) for jet in jets]
    return np.concatenate([np.zeros((0, 4), dtype), *constituents]), counts_to_offsets([len(j) for j in jets])


def make_block(jets: Sequence[Sequence[Particle]], labels: Sequence[int] = (), first: int = 0) -> Block:
    """Return jets as a block: event ids count from ``first``, labels alternate unless they are given."""
    constituents, offsets = ragged(jets, np.float32)
    event = np.arange(first, first + len(jets), dtype=np.int64)
    label = np.array(labels if len(labels) else event % 2, np.int8)
    return Block({"event": event, "label": label}, offsets, {"constituents": constituents})


def write_jets(folder: Path, seed: int = 1, sizes: Sequence[int] = (60, 30, 20), name: str = "samples.h5") -> Path:
    """Write samples of random jets, so many in each split; return their path."""
    spec = {"kind": "jets", "source": {"files": "x", "seed": seed}}
    with Writer.create(folder / name, "jets", spec=spec, units={}) as writer:
        for number, (split, size) in enumerate(zip(SPLITS, sizes, strict=True)):
            writer.append(split, make_block(random_jets(seed * 10 + number, size), first=1000 * number))
    return folder / name


@contextmanager
def edited(path: Path) -> Iterator[h5py.File]:
    """Open a file of the project to be changed, and make its checksums again: as if it had been written so."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as handle:
        yield handle
        del handle.attrs[CHECKSUM]
        for name, value in handle.attrs.items():
            if isinstance(value, str):
                set_text(handle, name, value)
        for group in [group for group in handle.values() if isinstance(group, h5py.Group)]:
            for name, values in [(name, item[()]) for name, item in group.items() if item.chunks is None]:
                del group[name]
                group.create_dataset(name, data=values, chunks=(max(1, len(values)), *values.shape[1:]))
        seal(handle)


def random_jets(seed: int, n: int, most: int = 30, width: float = 0.3) -> list[np.ndarray]:
    """Return n jets of up to ``most`` particles (pT, eta, phi) around random axes, hardest first."""
    rng = np.random.default_rng(seed)
    jets = []
    for _ in range(n):
        count = rng.integers(1, most + 1)
        pt = np.sort(rng.exponential(20.0, count) + 0.5)[::-1]
        eta = rng.uniform(-2, 2) + rng.normal(0, width, count)
        phi = rng.uniform(-np.pi, np.pi) + rng.normal(0, width, count)
        jets.append(np.stack([pt, eta, phi], axis=1))
    return jets


@st.composite
def jets(draw: st.DrawFn, most_jets: int = 4, most_particles: int = 12) -> list[np.ndarray]:
    """Draw a few narrow or wide jets in generic positions, empty ones included; within 1.4 of their first particle."""
    counts = draw(st.lists(st.integers(0, most_particles), min_size=0, max_size=most_jets))
    pool = random_jets(draw(st.integers(0, 2**32 - 1)), len(counts), most_particles)
    width = draw(st.sampled_from([0.01, 1.0, 2.0]))
    drawn = []
    for jet, count in zip(pool, counts, strict=True):
        axis = jet[:1] * [0, 1, 1]
        drawn.append((axis + np.clip((jet - axis) * [1, width, width], [0, -1.4, -1.4], [np.inf, 1.4, 1.4]))[:count])
    return drawn


def assert_one_line(error: pytest.ExceptionInfo[UserError], *fragments: object) -> None:
    """Check that the message is a single line and contains every fragment."""
    message = str(error.value)
    assert "\n" not in message, message
    for fragment in fragments:
        assert str(fragment) in message, message
