"""Damaged files of every format: whatever bytes are wrong, there is one line or there are jets, never anything else."""

import os
import resource
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jet_formats import EXAMPLES, write_example
from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.readers import read_jets

FEW, MANY = 40, 2000
MOST_MEMORY = 1 << 31  # bytes more than before; a damaged length may claim any number


@st.composite
def damages(draw: st.DrawFn) -> tuple[list[tuple[float, bytes]], float]:
    """Draw bytes to put somewhere (0 to 1 of the length), and the part of the file that is left."""
    patch = st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8))
    patches = draw(st.lists(patch, max_size=6))
    left = draw(st.sampled_from([1.0, 1.0, 1.0]) | st.floats(0, 1))
    return patches, left


def damage(content: bytes, patches: list[tuple[float, bytes]], left: float) -> bytes:
    """Return the content with bytes overwritten, not where it is only filled up with zeros, and its end cut off."""
    changed = bytearray(content)
    places = [i for i, byte in enumerate(content) if byte]
    for place, patch in patches:
        start = places[int(place * len(places))]
        changed[start : start + len(patch)] = patch
    return bytes(changed[: int(left * len(content))])


def survive(path: Path, content: bytes, source: JetSource, drawn: tuple) -> None:
    path.write_bytes(damage(content, *drawn))
    with suppress(UserError):
        for block in read_jets(path, source):
            check_jets(block, path, "repair")


@pytest.fixture(scope="module")
def limited():
    """Refuse to hand out much more memory than is used now, so that a claim of more is seen."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the memory in use is read from /proc, which this system lacks")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def fuzz(name: str, folder: Path, examples: int) -> None:
    path, options = write_example(name, folder / "jets.bin")
    content, source = path.read_bytes(), JetSource(**options)
    assert sum(map(len, read_jets(path, source))) > 0

    @settings(max_examples=examples)
    @given(damages())
    def run(drawn: tuple) -> None:
        survive(path, content, source, drawn)

    run()


@pytest.mark.parametrize("name", EXAMPLES)
def test_damaged_bytes_raise_nothing_but_one_line(name: str, tmp_path: Path, limited: None) -> None:
    fuzz(name, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_two_thousand_damaged_files_raise_nothing_but_one_line(name: str, tmp_path: Path, limited: None) -> None:
    fuzz(name, tmp_path, MANY)
