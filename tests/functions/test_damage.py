"""Damage anywhere in a file of the project changes no result: it is one line, or nothing that is read.

`JETPULSE_MUTATIONS=2000 pytest -s tests/functions/test_damage.py` tries more of them, and says how they ended.
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jetpulse.config import JetImage
from jetpulse.errors import UserError
from jetpulse.evaluation.files import write_metrics
from jetpulse.jets.files import write_jet_images
from jetpulse.samples import group_names, iterate_blocks, read_attributes, read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import write_predictions
from toy_jets import write_jets
from toys import experiment, write_images, write_pulses, write_spectra

MUTATIONS = int(os.environ.get("JETPULSE_MUTATIONS", "6"))  # of each file
SECONDS = 20  # for one result; more is a hang


def contents(path: Path) -> list[bytes]:
    """Return all that is read of a file of the project, by blocks and at once."""
    found = [repr(sorted((name, str(value)) for name, value in read_attributes(path).items())).encode()]
    for name in group_names(path):
        for block in (read_block(path, name), *iterate_blocks(path, name, 7)):
            arrays = block.entries | block.flat | ({} if block.offsets is None else {"offsets": block.offsets})
            found += [part for key in sorted(arrays) for part in (key.encode(), arrays[key].tobytes())]
    return found


def metrics(path: Path) -> bytes:
    write_metrics(path, path.with_name("metrics.json"), "classification")
    return path.with_name("metrics.json").read_bytes()


def predicted(path: Path) -> list[bytes]:
    """Return what the model beside a file says about the images beside it."""
    write_predictions(path.with_name("model.safetensors"), path.with_name("p.h5"), {"toys": path.with_name("i.h5")})
    return contents(path.with_name("p.h5"))


def image(path: Path) -> list[bytes]:
    spec = JetImage(kind="jet-image", pixels=8, half_width=0.8, steps=["centre"])
    write_jet_images(path, path.with_name("images.h5"), spec)
    return contents(path.with_name("images.h5"))


RESULTS: dict[str, Callable[[Path], object]] = {
    "jets.h5": image,
    "i.h5": contents,
    "pulses.h5": contents,
    "spectra.h5": contents,
    "predictions.h5": metrics,
    "model.json": predicted,
    "model.safetensors": predicted,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_jets(folder, name="jets.h5")
    write_pulses(folder / "pulses.h5")
    write_spectra(folder / "spectra.h5")
    write_images(folder / "i.h5")
    write_model(folder / "i.h5", folder / "model.safetensors", experiment({"epochs": 1}), 1)
    write_predictions(folder / "model.safetensors", folder / "predictions.h5", {"toys": folder / "i.h5"})
    return folder


def flip(content: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 4)):
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)


def zero(content: bytearray, rng: np.random.Generator) -> None:
    start, size = rng.integers(len(content)), rng.choice([1, 8, 64, 512, 4096])
    content[start : start + size] = bytes(len(content[start : start + size]))


def sector(content: bytearray, rng: np.random.Generator) -> None:
    start = 512 * rng.integers(-(-len(content) // 512))
    content[start : start + 512] = bytes(len(content[start : start + 512]))


def swap(content: bytearray, rng: np.random.Generator) -> None:
    size = int(rng.choice([1, 8, 64, 256]))
    a, b = sorted(int(i) for i in rng.integers(len(content) - size, size=2))
    if b - a >= size:
        content[a : a + size], content[b : b + size] = content[b : b + size], content[a : a + size]


def cut(content: bytearray, rng: np.random.Generator) -> None:
    del content[rng.integers(len(content)) :]


def ones(content: bytearray, rng: np.random.Generator) -> None:
    start = rng.integers(len(content))
    content[start : start + 8] = b"\xff" * len(content[start : start + 8])


DAMAGES = (flip, zero, sector, swap, cut, ones)


def outcome(result: Callable[[Path], object], path: Path, expected: object) -> str:
    """Return how a result ends in a process of its own: same, other, refused, or what went wrong."""
    said_by, saying = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(SECONDS)
        try:
            said = "same" if result(path) == expected else "other"
        except UserError as error:
            said = "refused" if "\n" not in str(error) else "several lines"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(saying, said.encode())
        os._exit(0)
    os.close(saying)
    with os.fdopen(said_by, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return said or f"signal {status & 127}"


@pytest.mark.parametrize("name", RESULTS)
def test_damage_changes_no_result(files, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(files, folder)
    content, found = (files / name).read_bytes(), Counter()
    expected = RESULTS[name](folder / name)
    rng = np.random.default_rng([19, sorted(RESULTS).index(name)])
    for number in range(MUTATIONS):
        damage, damaged = DAMAGES[number % len(DAMAGES)], bytearray(content)
        damage(damaged, rng)
        (folder / name).write_bytes(damaged)
        found[outcome(RESULTS[name], folder / name, expected)] += 1
    print(name, dict(found))
    assert set(found) <= {"same", "refused"}
    assert found["refused"]
