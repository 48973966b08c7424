"""Generated prices of houses: a hedonic formula, which adds up what a building, its land and its place are worth.

In thousands:

    building = 2.6 area (0.45 + 0.55 exp(-age / 45)) (1 + 0.08 (bathrooms - 1))
    land     = plot^0.8 (0.15 + 2.0 exp(-distance / 6))
    station  = 60 exp(-station / 0.7)
    quiet    = -0.02 (building + land) max(noise - 55, 0) / 5
    price    = building + land + station + quiet + 18 garages + Gaussian noise of 25

Nothing can predict prices better than the formula does: with a root mean squared error of 25 and a mean absolute error
of 25 sqrt(2 / pi) = 19.9. Products, powers and exponentials leave a straight line far from that.
"""

import numpy as np

from jetpulse import seeds
from jetpulse.config.problems import Houses
from jetpulse.problems.entries import Chunk, Entries, block_size, drawn

BLOCK = 10_000  # houses in one piece, with seeds of its own
NOISE = 25.0  # thousands
UNITS = {
    "area": "m2",
    "plot": "m2",
    "rooms": "1",
    "bathrooms": "1",
    "age": "years",
    "distance": "km to the centre",
    "station": "km to the next station",
    "noise": "dB(A)",
    "garages": "1",
}


def expected_price(features: np.ndarray) -> np.ndarray:
    """Return the best possible prediction in thousands, (n,), of houses (n, 9) with the columns of ``UNITS``."""
    area, plot, _, bathrooms, age, distance, station, noise, garages = np.asarray(features, np.float64).T
    building = 2.6 * area * (0.45 + 0.55 * np.exp(-age / 45)) * (1 + 0.08 * (bathrooms - 1))
    land = plot**0.8 * (0.15 + 2.0 * np.exp(-distance / 6))
    quiet = -0.02 * (building + land) * np.maximum(noise - 55, 0) / 5
    return building + land + 60 * np.exp(-station / 0.7) + quiet + 18 * garages


def generate_houses(spec: Houses, block: int) -> Chunk:
    """Return one block of houses, float64 (n, 9), and their prices in thousands, float64 (n,).

    They depend on the arguments alone. A last block that is shorter holds the beginning of what a whole one would, so
    that a larger ``n`` appends.

    Raises:
        ValueError: no such block.
    """
    size = block_size(spec.n, BLOCK, block)
    rng = seeds.generator(spec.seed, "houses", block)
    area = np.clip(rng.lognormal(np.log(115), 0.32, BLOCK), 40, 320).round()
    distance = np.clip(rng.gamma(2.2, 3.2, BLOCK), 0.2, 35).round(1)
    # Land is scarce near the centre; loud places and stations are near it, too.
    plot = np.clip(area * rng.lognormal(np.log(2.2), 0.4, BLOCK) * (0.6 + distance / 12), 60, 2500).round()
    rooms = np.clip(np.rint(area / 26 + rng.normal(0, 0.7, BLOCK)), 1, None)
    bathrooms = 1.0 + (rng.random(BLOCK) < (area - 70) / 120) + (rng.random(BLOCK) < (area - 170) / 200)
    age = np.minimum(rng.gamma(1.6, 25, BLOCK), 130).round()
    station = np.clip(rng.gamma(1.5, 0.5 + distance / 15), 0.05, 15).round(2)
    noise = np.clip(rng.normal(60 - 0.5 * distance, 6), 35, 78).round()
    garages = rng.binomial(2, np.clip(0.2 + plot / 1500, 0, 0.9)).astype(np.float64)
    features = np.stack([area, plot, rooms, bathrooms, age, distance, station, noise, garages], axis=1)
    price = expected_price(features) + NOISE * rng.standard_normal(BLOCK)
    return features[:size], price[:size]


def entries(spec: Houses) -> Entries:
    """Return generated prices of houses as entries of a problem."""
    return Entries(
        answers="number",
        shape=(len(UNITS),),
        parts=drawn(spec.n, BLOCK, lambda block: generate_houses(spec, block)),
        columns=tuple(UNITS),
        units=UNITS | {"target": "1000"},
        target="price [1000]",
    )
