"""The figures of a sample of jets, from files to files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jetpulse.config import JetImage
from jetpulse.errors import UserError
from jetpulse.figures import jets
from jetpulse.figures.style import CLASS_NAMES, save_figure
from jetpulse.jets.images import average_image, build_images, to_dense
from jetpulse.samples import Block, read_attributes, read_block, split_sizes

_MOST = 20_000  # jets of a dataset that its figures show at most


def plot_jet_figures(samples: Path, spec: JetImage, average: Path, single: Path) -> int:
    """Draw a dataset's average images after each step and single jets; return the jets used."""
    read_attributes(samples, "jets")
    split = next((name for name, n in split_sizes(samples).items() if n), None)
    if split is None:
        raise UserError(f"{samples}: holds no jets; there is nothing to draw")
    block = read_block(samples, split, 0, _MOST)
    save_figure(_average(block, spec), average)
    save_figure(_single(block, spec), single)
    return len(block)


def _unit(steps: Sequence[str]) -> str:
    if "normalise" in steps:
        return r"$p_T$ / hardest pixel's"
    return r"$p_T$ / sum" if "normalise-sum" in steps else r"$p_T$ [GeV]"


def _average(block: Block, spec: JetImage):
    images, units = {}, {}
    for n in range(len(spec.steps) + 1):
        steps = spec.steps[:n]
        stage = f"+ {steps[-1]}" if steps else "around the jet axis"
        units[stage] = _unit(steps)
        for label in CLASS_NAMES:
            chosen = block.take(np.flatnonzero(block.entries["label"] == label))
            sparse = build_images(chosen.flat["constituents"], chosen.offsets, spec.pixels, spec.half_width, steps)
            images[stage, label] = average_image(*sparse, spec.pixels)
    return jets.average_images(images, spec.half_width, units)


def _single(block: Block, spec: JetImage, each: int = 4):
    chosen = np.concatenate([np.flatnonzero(block.entries["label"] == label)[:each] for label in CLASS_NAMES])
    few = block.take(chosen)
    sparse = build_images(few.flat["constituents"], few.offsets, spec.pixels, spec.half_width, spec.steps)
    dense = to_dense(*sparse, spec.pixels)
    return jets.single_jets(dense, few.entries["label"].tolist(), spec.half_width, _unit(spec.steps))
