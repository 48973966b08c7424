"""The golden numbers: what a small simulation and a small training give; `make golden` writes them anew."""

import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch

from jetpulse.config import JetDataset, JetImage, Training
from jetpulse.jets.files import write_jet_images, write_samples, write_simulated_block
from jetpulse.jets.images import build_images
from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass
from jetpulse.models import build_network
from jetpulse.samples import read_block
from jetpulse.training.inputs import make_inputs, read_split
from jetpulse.training.loop import train_network
from jetpulse.training.objectives import load_objective

FILE = Path(__file__).with_name("numbers.json")
SPEC = {"kind": "jets", "source": {"simulation": {"jets_per_class": 150, "seed": 7}}}
STEPS = ["centre", "rotate", "normalise"]


def compute() -> dict[str, float]:
    """Simulate, look at the jets, train; return numbers by name."""
    dataset, image = JetDataset.model_validate(SPEC), JetImage(kind="jet-image", pixels=20)
    numbers: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for process in ("qcd", "top"):
            write_simulated_block(folder / f"{process}.h5", dataset.source.simulation, process, 0)
            numbers |= _describe(process, folder / f"{process}.h5")
        write_samples(folder / "samples.h5", dataset, [folder / "qcd.h5", folder / "top.h5"])
        write_jet_images(folder / "samples.h5", folder / "images.h5", image)
        torch.set_num_threads(1)
        objective, cpu = load_objective("classification"), torch.device("cpu")
        train, val = (
            make_inputs(*read_split(folder / "images.h5", split), objective, cpu) for split in ("train", "val")
        )
    build = partial(build_network, "dense", (20, 20), 2, {"hidden": [16]})
    trained = train_network(build, objective, Training(epochs=5, patience=None), 1, train, val)
    return numbers | {f"training/{key}": value for key, value in trained.history[-1].items()}


def _describe(process: str, path: Path) -> dict[str, float]:
    jets = read_block(path, "all")
    constituents, offsets = jets.flat["constituents"], jets.offsets
    _, pixel, value = build_images(constituents, offsets, 40, 0.8, STEPS)
    numbers = {
        "mean constituents": np.diff(offsets).mean(),
        "median mass": np.median(mass(jet_momenta(constituents, offsets))),
        "mean leading fraction": leading_fraction(constituents, offsets).mean(),
        "pixels": len(pixel),
        "mean pixel": value.mean(dtype=np.float64),
    }
    return {f"{process}/{key}": float(number) for key, number in numbers.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(compute(), indent=2) + "\n", encoding="utf-8")
    print(f"wrote {FILE}")
