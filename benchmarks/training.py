"""Jets per second of a training: the reference CNN in jetpulse's loop, a plain PyTorch loop, and Keras."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.timing import median_ratio, print_table, print_targets

PIXELS = 40
FILLED = 39  # pixels of a simulated jet that are not zero
THREADS = 2
REPETITIONS = 7
JETS = {50: 5_000, 512: 10_240}  # in one measurement, an epoch, by batch size
NAMES = {
    "jetpulse": "jetpulse, float32",
    "jetpulse 16": "jetpulse, bfloat16",
    "torch": "PyTorch: TensorDataset, DataLoader, Adam",
    "keras": "Keras on TensorFlow: fit",
}
# Ratios of rates wanted at least, by batch size; in 16 bits where the processor multiplies them.
TARGETS = {50: {"keras": 1.5, "torch": 2.0}, 512: {"keras": 1.5, "torch": 3.5}}
# Of a processor that does not.
FALLBACK = {"keras": 0.9}


def main() -> None:
    """Measure and print the tables."""
    wide = multiplies_16_bits()
    print(f"16-bit products in hardware: {', '.join(wide) or 'none'}")
    targets = []
    for batch, jets in JETS.items():
        found = measure(batch, jets)
        rows = [
            (NAMES[key], float(np.median(rate)), *(f"{median_ratio(found[own], rate):.2f}" for own in list(NAMES)[:2]))
            for key, rate in found.items()
        ]
        title = f"Jets per second in training, batches of {batch}, {THREADS} threads"
        print_table(title, ("", "jets/s", "jetpulse / it", "jetpulse 16 bits / it"), rows)
        own, wanted = ("jetpulse 16", TARGETS[batch]) if wide else ("jetpulse", FALLBACK)
        for other, ratio in wanted.items():
            if other in found:
                name = f"batches of {batch}: {NAMES[own]} / {NAMES[other].partition(':')[0]}"
                targets.append((name, median_ratio(found[own], found[other]), ratio))
    print_targets(targets)


def multiplies_16_bits() -> list[str]:
    """Return the processor's instructions for products of bfloat16 numbers, as Linux names them."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return []
    return sorted(flags & {"amx_bf16", "avx512_bf16", "bf16"})


def measure(batch: int, jets: int) -> dict[str, np.ndarray]:
    """Return jets per second by candidate, one number per round.

    Every candidate has a process of its own, which waits while the others take their turns: TensorFlow and PyTorch
    keep threads that would disturb each other. The first two rounds, which compile and warm up, do not count.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder) / "images.npz", jets)
        workers = {key: Worker(key, batch, Path(folder)) for key in NAMES}
        try:
            missing = [key for key, worker in workers.items() if not worker.ready()]
            measured = {key: [] for key in workers if key not in missing}
            for turn in range(REPETITIONS + 2):
                for key, rates in measured.items():
                    seconds = workers[key].epoch()
                    if turn > 1:
                        rates.append(jets / seconds)
        finally:
            for worker in workers.values():
                worker.close()
    return {key: np.array(rates) for key, rates in measured.items()}


class Worker:
    """One candidate in a process of its own: prints how long an epoch took for every line that it reads."""

    def __init__(self, key: str, batch: int, folder: Path) -> None:
        """Start the process."""
        threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
        # Which Keras and oneDNN settings are in force is left to TensorFlow; only its chatter is switched off.
        environment = os.environ | threads | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training", key, str(batch), str(folder)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ready(self) -> bool:
        """Wait until it can start; say why if it cannot."""
        said = json.loads(self._process.stdout.readline())
        if said:
            print(f"left out: {said}")
        return not said

    def epoch(self) -> float:
        """Return the seconds of one epoch."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def write_images(path: Path, jets: int) -> None:
    """Write as many random sparse images as bright as jets', with labels: the speed depends on their number alone."""
    rng = np.random.default_rng(1)
    pixel = np.sort(rng.random((jets, PIXELS * PIXELS)).argpartition(FILLED, 1)[:, :FILLED], 1).astype(np.int32)
    value = rng.random((jets, FILLED)).astype(np.float32)
    np.savez(path, pixel=pixel, value=value, label=rng.integers(0, 2, jets))


def work(key: str, batch: int, folder: Path) -> None:
    """Be a worker: say what is missing or nothing, then make an epoch for every line that is read."""
    with np.load(folder / "images.npz") as stored:
        arrays = dict(stored)
    makers = {"torch": plain_torch, "keras": keras}
    try:
        epochs = makers.get(key, jetpulse)(arrays, batch, key)
    except ImportError as error:
        print(json.dumps(f"{NAMES[key]}: {error}"), flush=True)
        return
    print(json.dumps(None), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        next(epochs)
        print(json.dumps(time.perf_counter() - start), flush=True)


def dense(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return dense images (n, pixels, pixels)."""
    images = np.zeros((len(arrays["pixel"]), PIXELS * PIXELS), np.float32)
    np.put_along_axis(images, arrays["pixel"].astype(np.int64), arrays["value"], 1)
    return images.reshape(-1, PIXELS, PIXELS)


def jetpulse(arrays: dict[str, np.ndarray], batch: int, key: str) -> Iterator[None]:
    """The loop of `jetpulse train`, one epoch after another, without validation."""
    from jetpulse.config import Training
    from jetpulse.models import build_network
    from jetpulse.samples import Block, counts_to_offsets
    from jetpulse.training.checkpoints import Progress
    from jetpulse.training.devices import choose_device
    from jetpulse.training.inputs import make_inputs
    from jetpulse.training.interruptions import Signals
    from jetpulse.training.keeping import Keeper
    from jetpulse.training.loop import make_steps, prepare
    from jetpulse.training.objectives import load_objective
    from jetpulse.training.steps import Stepper, initialise

    training = Training(batch=batch, precision="bfloat16" if key.endswith("16") else "float32", epochs=1000)
    device, objective = choose_device("cpu", THREADS), load_objective("classification")
    jets = len(arrays["label"])
    entries = {"event": np.arange(jets), "label": arrays["label"]}
    flat = {"pixel": arrays["pixel"].ravel(), "value": arrays["value"].ravel()}
    block = Block(entries, counts_to_offsets(np.full(jets, FILLED)), flat)
    inputs = make_inputs(block, {"kind": "jet-image", "shape": [PIXELS, PIXELS]}, objective, device)
    network = build_network("jet-cnn", (PIXELS, PIXELS), 2, {})
    initialise(network, training.initialisation)
    stepper = Stepper(prepare(network, device), objective, training, jets)
    keeper = Keeper(None, stepper, 0.0, Signals())

    def epochs() -> Iterator[None]:
        history: list[dict[str, float]] = []
        while True:
            progress = Progress(history)
            make_steps(stepper, inputs, 1, progress, keeper)
            history.append({"train_loss": progress.sums[0].item()})
            yield

    return epochs()


def plain_torch(arrays: dict[str, np.ndarray], batch: int, key: str) -> Iterator[None]:
    """The loop of a tutorial: dense images, DataLoader, Adam, torch's own settings."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(THREADS)
    data = TensorDataset(torch.from_numpy(dense(arrays))[:, None], torch.from_numpy(arrays["label"]))

    def convolutions(inputs: int) -> list[nn.Module]:
        pairs = [(nn.Conv2d(n, 8, 4, padding="same"), nn.ReLU()) for n in (inputs, 8)]
        return [layer for pair in pairs for layer in pair]

    hidden = [layer for n in (3200, 64, 64) for layer in (nn.Linear(n, 64), nn.ReLU())]
    layers = [*convolutions(1), nn.MaxPool2d(2), *convolutions(8), nn.Flatten(), *hidden, nn.Linear(64, 2)]
    network = nn.Sequential(*layers)
    optimiser = torch.optim.Adam(network.parameters())
    loader = DataLoader(data, batch, shuffle=True)

    def epochs() -> Iterator[None]:
        while True:
            network.train()
            for images, label in loader:
                optimiser.zero_grad()
                nn.functional.cross_entropy(network(images), label).backward()
                optimiser.step()
            yield

    return epochs()


def keras(arrays: dict[str, np.ndarray], batch: int, key: str) -> Iterator[None]:
    """The same layers and optimiser in Keras, trained by `fit`."""
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(THREADS)
    layers = tensorflow.keras.layers
    convolution = {"filters": 8, "kernel_size": 4, "padding": "same", "activation": "relu"}
    network = tensorflow.keras.Sequential(
        [
            tensorflow.keras.Input((PIXELS, PIXELS, 1)),
            *(layers.Conv2D(**convolution) for _ in range(2)),
            layers.MaxPooling2D(),
            *(layers.Conv2D(**convolution) for _ in range(2)),
            layers.Flatten(),
            *(layers.Dense(64, activation="relu") for _ in range(3)),
            layers.Dense(2),
        ]
    )
    loss = tensorflow.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile("adam", loss, metrics=["accuracy"])
    images, label = dense(arrays)[..., None], arrays["label"]

    def epochs() -> Iterator[None]:
        while True:
            network.fit(images, label, batch_size=batch, epochs=1, shuffle=True, verbose=0)
            yield

    return epochs()


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
