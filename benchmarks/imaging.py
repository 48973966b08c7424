"""Jet images per second: jetpulse beside a notebook's loop, EnergyFlow, JetNet and the speed of memory."""

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from benchmarks.timing import median_ratio, print_table, print_targets, rates
from jetpulse.config import Simulation
from jetpulse.jets.images import build_images
from jetpulse.jets.kinematics import pt_eta_phi, wrap_phi
from jetpulse.jets.simulation import simulate_block
from jetpulse.samples import counts_to_offsets

PIXELS = 40
HALF_WIDTH = 0.8
STEPS = ("centre", "rotate", "normalise")
SIMULATED = 1_000  # different jets of each class
JETS = 100_000  # in one measurement of what is fast: the simulated ones repeated
SLOW_JETS = 500  # in one measurement of what is slow
FRESH_PARTS = 10  # allocations in one measurement of new memory
REPETITIONS = 7
LONGEST = 200  # constituents of a zero-padded jet
COLUMNS = {axis: [f"{axis}_{i}" for i in range(LONGEST)] for axis in ("E", "PX", "PY", "PZ")}

NAMES = {
    "jetpulse 1": "jetpulse, 1 thread",
    "jetpulse 2": "jetpulse, 2 threads",
    "notebook": "notebook: pandas rows, np.histogram2d",
    "energyflow": "EnergyFlow pixelate: centroid, pixels, sum",
    "jetnet": "JetNet to_image: pixels",
    "fresh 1": "memory: allocate and fill, 1 thread",
    "fresh 2": "memory: allocate and fill, 2 threads",
    "warm 1": "memory: fill again, 1 thread",
    "warm 2": "memory: fill again, 2 threads",
}


TARGETS = [
    ("jetpulse 1", "notebook", 200.0),
    *((f"jetpulse {threads}", f"{kind} {threads}", 0.5) for kind in ("fresh", "warm") for threads in (1, 2)),
]


def main() -> None:
    """Measure and print the tables."""
    constituents, offsets = simulate()
    slow = pad(constituents, offsets, SLOW_JETS)
    candidates = {
        **jetpulse(*repeat(constituents, offsets, JETS)),
        **notebook(slow),
        **optional("energyflow", energyflow, slow),
        **optional("jetnet", jetnet, slow),
        **memory(),
    }
    found = rates(candidates, REPETITIONS)
    rows = []
    for key in found:
        ratios = (median_ratio(found[own], found[key]) for own in ("jetpulse 1", "jetpulse 2"))
        rows.append((NAMES[key], float(np.median(found[key])), *(f"{ratio:.3g}" for ratio in ratios)))
    mean = len(constituents) / (len(offsets) - 1)
    title = f"{PIXELS} x {PIXELS} images per second ({', '.join(STEPS)}), {mean:.0f} constituents in a jet"
    print_table(title, ("", "images/s", "jetpulse 1 thread / it", "jetpulse 2 threads / it"), rows)
    print(
        f"memory: {JETS:,} dense float32 images set to one number; `allocate` maps new memory, `again` does not\n"
        "EnergyFlow, JetNet: fewer steps, from pT, eta and phi that were computed before"
    )
    print_targets(
        [
            (f"{NAMES[own]} / {NAMES[other]}", median_ratio(found[own], found[other]), wanted)
            for own, other, wanted in TARGETS
        ]
    )


def simulate() -> tuple[np.ndarray, np.ndarray]:
    """Return constituents (total, 4) and offsets of simulated jets, half top and half QCD."""
    spec = Simulation(jets_per_class=SIMULATED)
    blocks = [simulate_block(spec, process, 0, SIMULATED) for process in ("top", "qcd")]
    counts = np.concatenate([np.diff(block.offsets) for block in blocks])
    constituents = np.concatenate([block.flat["constituents"] for block in blocks])
    # Alternate between the classes, so that the first jets are like all.
    order = np.arange(2 * SIMULATED).reshape(2, -1).T.ravel()
    starts = counts_to_offsets(counts)[:-1]
    rows = np.concatenate([np.arange(starts[jet], starts[jet] + counts[jet]) for jet in order])
    return constituents[rows], counts_to_offsets(counts[order])


def repeat(constituents: np.ndarray, offsets: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``count`` jets, a multiple of the given ones."""
    times = count // (len(offsets) - 1)
    return np.tile(constituents, (times, 1)), counts_to_offsets(np.tile(np.diff(offsets), times))


def pad(constituents: np.ndarray, offsets: np.ndarray, count: int) -> np.ndarray:
    """Return the first jets zero-padded: (count, 200, 4)."""
    padded = np.zeros((count, LONGEST, 4), np.float32)
    for jet in range(count):
        members = constituents[offsets[jet] : offsets[jet + 1]]
        padded[jet, : len(members)] = members
    return padded


def jetpulse(constituents: np.ndarray, offsets: np.ndarray) -> dict[str, Callable[[], int]]:
    """Sparse images, from momenta, with one and two threads."""

    def work(threads: int) -> int:
        return len(build_images(constituents, offsets, PIXELS, HALF_WIDTH, STEPS, threads)[0]) - 1

    return {"jetpulse 1": lambda: work(1), "jetpulse 2": lambda: work(2)}


def notebook(padded: np.ndarray) -> dict[str, Callable[[], int]]:
    """The same steps as a loop over the rows of a table in the public file's layout, as notebooks have them."""
    frame = pd.DataFrame(
        padded.transpose(0, 2, 1).reshape(len(padded), -1), columns=[name for axis in COLUMNS.values() for name in axis]
    )
    return {"notebook": lambda: len(np.stack([notebook_image(frame.iloc[i]) for i in range(len(frame))]))}


def notebook_image(row: pd.Series) -> np.ndarray:
    """Return the dense image of one row."""
    px, py, pz = (row[COLUMNS[axis]].to_numpy(np.float64) for axis in ("PX", "PY", "PZ"))
    present = (px != 0) | (py != 0)
    px, py, pz = px[present], py[present], pz[present]
    pt = np.hypot(px, py)
    hardest, second = np.argsort(-pt, kind="stable")[:2]
    eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)
    eta, phi = eta - eta[hardest], wrap_phi(phi - phi[hardest])
    angle = np.arctan2(phi[second], eta[second])
    c, s = np.cos(angle), np.sin(angle)
    window = [[-HALF_WIDTH, HALF_WIDTH]] * 2
    image, _, _ = np.histogram2d(c * eta + s * phi, c * phi - s * eta, PIXELS, window, weights=pt)
    return image / image.max()


def relative(padded: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pT, and eta and phi relative to the hardest constituent, of zero-padded jets."""
    pt, eta, phi = pt_eta_phi(padded)  # the first constituent is the hardest
    return pt, eta - eta[:, :1], wrap_phi(phi - phi[:, :1])


def energyflow(padded: np.ndarray) -> dict[str, Callable[[], int]]:
    """EnergyFlow's pixelate, jet by jet, from coordinates computed before; it does not wrap phi by itself."""
    pixelate = importlib.import_module("energyflow.utils").pixelate
    jets = [jet[jet[:, 0] > 0] for jet in np.stack(relative(padded), axis=2)]
    return {"energyflow": lambda: len([pixelate(jet, PIXELS, 2 * HALF_WIDTH) for jet in jets])}


def jetnet(padded: np.ndarray) -> dict[str, Callable[[], int]]:
    """JetNet's to_image on zero-padded jets, from coordinates computed before."""
    to_image = importlib.import_module("jetnet.utils").to_image
    pt, eta, phi = relative(padded)
    jets = np.stack([eta, phi, pt], axis=2)
    return {"jetnet": lambda: len(to_image(jets, PIXELS, maxR=HALF_WIDTH))}


def memory() -> dict[str, Callable[[], int]]:
    """Fill as many dense float32 images: newly allocated ones, and the same memory again."""
    warm = np.ones((JETS, PIXELS, PIXELS), np.float32)

    def fill(images: np.ndarray, threads: int) -> int:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: part.fill(2), np.array_split(images, threads)))
        return len(images)

    def fresh(threads: int) -> int:
        # Part by part: all at once would measure how fast the system finds so much free memory.
        return sum(fill(np.empty_like(part), threads) for part in np.array_split(warm, FRESH_PARTS))

    return {
        "fresh 1": lambda: fresh(1),
        "fresh 2": lambda: fresh(2),
        "warm 1": lambda: fill(warm, 1),
        "warm 2": lambda: fill(warm, 2),
    }


def optional(
    package: str, make: Callable[[np.ndarray], dict[str, Callable[[], int]]], padded: np.ndarray
) -> dict[str, Callable[[], int]]:
    """Return what ``make`` returns; nothing, with the reason printed, when the package cannot be imported."""
    try:
        return make(padded)
    except ImportError as error:
        print(f"{package} is left out: {error}")
        return {}
