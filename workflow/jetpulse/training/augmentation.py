"""Augmentation: jets changed at random whenever a training reads them; loaded by name where it is wanted.

The random numbers of a batch are those of ``[seed, "augmentation", epoch]`` and of the entry that comes first in the
batch, so that they do not depend on what was read before, by which thread or process.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jetpulse import seeds
from jetpulse.config import JetImage, Training
from jetpulse.config.training import Augmentation
from jetpulse.errors import UserError
from jetpulse.jets.images import build_images, to_dense
from jetpulse.jets.tensor_images import dense_images
from jetpulse.samples import read_attributes, read_entries
from jetpulse.training.features import Features
from jetpulse.training.inputs import Inputs, make_inputs, read_split
from jetpulse.training.objectives import Objective
from jetpulse.training.streaming import Place

# Below every pT of a constituent in GeV; keeps what is divided by it finite where there is none.
_TINY = 1e-30


def augment_jets(momenta: torch.Tensor, spec: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Return jets changed at random.

    Args:
        momenta: (b, n, 4) E, px, py, pz in GeV; rows without transverse momentum are padding.
        spec: what may change.
        generator: source of the random numbers, on the device of ``momenta``.

    Returns:
        float64 (b, n, 4), rows of zeros behind the last constituent. Constituents are in their old order, or by pT
        if `smear` or `drop` may have changed it.
    """
    momenta = momenta.to(torch.float64)
    options: dict[str, Any] = {"generator": generator, "dtype": torch.float64, "device": momenta.device}
    jets, most = momenta.shape[:2]
    momenta = momenta * (transverse(momenta) > 0.0)[..., None]
    axis = jet_axis(momenta)
    if spec.drop:
        momenta = drop_constituents(momenta, torch.rand(jets, most, **options) < spec.drop)
    if spec.smear:
        factor = 1.0 + spec.smear * torch.randn(jets, most, **options)
        momenta = momenta * factor.clamp(min=0.0)[..., None]
    if spec.drop or spec.smear:
        momenta = hardest_first(momenta)
    if spec.rotation or spec.flip or spec.direction:
        angle = 2 * math.pi * torch.rand(jets, **options) if spec.rotation else torch.zeros(jets).to(momenta)
        signs = torch.rand(jets, 2, **options).sub(0.5).sign() if spec.flip else torch.ones(jets, 2).to(momenta)
        shift = spec.direction * torch.randn(2, jets, most, **options) if spec.direction else None
        momenta = turn_jets(momenta, axis, angle, signs, shift)
    if spec.boost:
        momenta = boost_jets(momenta, spec.boost * (2.0 * torch.rand(jets, **options) - 1.0))
    return momenta


def transverse(momenta: torch.Tensor) -> torch.Tensor:
    """Return the transverse momenta (...) of momenta (..., 4)."""
    return torch.hypot(momenta[..., 1], momenta[..., 2])


def jet_axis(momenta: torch.Tensor) -> torch.Tensor:
    """Return pseudorapidity and azimuth (2, b) of the sums of jets (b, n, 4); 0 for jets without constituents."""
    total = momenta.sum(1)
    return torch.stack(directions(total))


def directions(momenta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pseudorapidities and azimuths (...) of momenta (..., 4); 0 for those without transverse momentum."""
    eta = torch.asinh(momenta[..., 3] / transverse(momenta).clamp(min=_TINY))
    return eta, torch.atan2(momenta[..., 2], momenta[..., 1])


def drop_constituents(momenta: torch.Tensor, dropped: torch.Tensor) -> torch.Tensor:
    """Return jets (b, n, 4) with zeros for the constituents ``dropped``, bool (b, n), save for the hardest."""
    if momenta.shape[1] == 0:
        return momenta
    hardest = transverse(momenta).argmax(1, keepdim=True)
    return momenta * ~dropped.scatter(1, hardest, value=False)[..., None]


def hardest_first(momenta: torch.Tensor) -> torch.Tensor:
    """Return jets (b, n, 4) with constituents by falling pT; equal ones keep their order."""
    order = torch.sort(transverse(momenta), dim=1, descending=True, stable=True).indices
    return momenta.gather(1, order[..., None].expand(-1, -1, 4))


def turn_jets(
    momenta: torch.Tensor,
    axis: torch.Tensor,
    angle: torch.Tensor,
    signs: torch.Tensor,
    shift: torch.Tensor | None = None,
) -> torch.Tensor:
    """Turn and mirror jets in eta and phi about their axes; every constituent keeps its pT and its mass.

    Args:
        momenta: float64 (b, n, 4).
        axis: pseudorapidity and azimuth (2, b) that stay where they are.
        angle: by which eta is turned towards phi, (b,).
        signs: of eta and phi afterwards, (b, 2), -1 mirrors.
        shift: added to eta and phi of every constituent, (2, b, n).
    """
    axis, angle = axis[..., None], angle[:, None]
    eta, phi = directions(momenta)
    eta, phi = eta - axis[0], torch.remainder(phi - axis[1] + math.pi, 2 * math.pi) - math.pi
    cosine, sine = torch.cos(angle), torch.sin(angle)
    eta, phi = signs[:, :1] * (cosine * eta - sine * phi), signs[:, 1:] * (sine * eta + cosine * phi)
    if shift is not None:
        eta, phi = eta + shift[0], phi + shift[1]
    eta, phi = eta + axis[0], phi + axis[1]
    pt = transverse(momenta)
    pz, before = pt * torch.sinh(eta), momenta[..., 3]
    # With the same pT and mass; the square of a rounded energy may be below that of its momentum.
    energy = torch.sqrt((momenta[..., 0] ** 2 + (pz - before) * (pz + before)).clamp(min=0.0))
    return torch.stack([energy, pt * torch.cos(phi), pt * torch.sin(phi), pz], -1)


def boost_jets(momenta: torch.Tensor, rapidity: torch.Tensor) -> torch.Tensor:
    """Return jets (b, n, 4) boosted along the beam by rapidities (b,); pT, phi and all masses stay."""
    cosh, sinh = torch.cosh(rapidity)[:, None], torch.sinh(rapidity)[:, None]
    E, px, py, pz = momenta.unbind(-1)
    return torch.stack([cosh * E + sinh * pz, px, py, cosh * pz + sinh * E], -1)


def make_images(momenta: torch.Tensor, image: JetImage) -> torch.Tensor:
    """Return images (b, rows, columns), float32, of jets (b, n, 4) as a representation describes them."""
    options = (image.pixels, image.half_width, image.steps)
    if momenta.device.type != "cpu":
        return dense_images(momenta, *options)
    # The compiled kernel gives the same pixels ten times as fast.
    jets, most = momenta.shape[:2]
    images = build_images(momenta.reshape(-1, 4).numpy(), np.arange(jets + 1) * most, *options)
    return torch.from_numpy(to_dense(*images, image.pixels))


@dataclass(frozen=True)
class AugmentedJets:
    """Jets as a network reads them in one epoch of an augmented training: constituents, or images of them."""

    jets: Features
    augmentation: Augmentation
    seed: int
    epoch: int = 0
    image: JetImage | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, or of one constituent."""
        return (4,) if self.image is None else (self.image.pixels, self.image.pixels)

    @property
    def device(self) -> torch.device:
        """Where batches are made."""
        return self.jets.device

    @property
    def slow(self) -> bool:
        """Whether the next batch is better made while a network learns from this one: a GPU does so anyway."""
        return self.jets.slow or self.device.type == "cpu"

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return four-momenta (b, longest, 4) in GeV or images (b, rows, columns), float32."""
        momenta = self.jets.batch(index)
        if len(index):
            epoch = seeds.integer_seed(self.seed, "augmentation", self.epoch)
            generator = torch.Generator(momenta.device)
            generator.manual_seed(seeds.integer_seed(epoch, "augmentation", int(index[0])))
            momenta = augment_jets(momenta, self.augmentation, generator)
        if self.image is None:
            return momenta.to(torch.float32)
        return make_images(momenta, self.image)

    def counts(self, index: torch.Tensor) -> torch.Tensor | None:
        """Return numbers of constituents (b,) before any is dropped; None of images."""
        return self.jets.counts(index) if self.image is None else None


def of_epoch(inputs: Inputs, epoch: int) -> Inputs:
    """Return augmented inputs as they are in an epoch."""
    return replace(inputs, features=replace(inputs.features, epoch=epoch))


def read_augmented(
    path: Path,
    constituents: Path | None,
    training: Training,
    objective: Objective,
    device: torch.device,
    seed: int,
    place: Place,
) -> Inputs:
    """Read what an augmented training learns from in its first epoch: constituents, or images made of them.

    Args:
        path: samples, or a file of images.
        constituents: the samples of which images were made.
        training: settings.
        objective: names the targets.
        device: where batches are wanted.
        seed: base seed of the training.
        place: where the constituents wait.

    Raises:
        UserError: another kind of file, images without their constituents or with those of others.
    """
    kind = read_attributes(path)["kind"]
    if kind not in ("jets", "jet-image"):
        raise UserError(f"{path}: is of kind {kind!r}, training.augment changes constituents of jets; leave it out")
    images = read_attributes(path) if kind == "jet-image" else None
    if images is not None and constituents is None:
        raise UserError(f"{path}: training.augment needs the jets of these images; name their samples, --constituents")
    if images is not None:
        check_same_jets(constituents, path)
    samples = path if images is None else constituents
    read = read_split(samples, "train", training.max_train, place, seed)
    inputs = make_inputs(*read, objective, device, place=place)
    image = None if images is None else JetImage.model_validate(images["spec"])
    features = AugmentedJets(inputs.features, training.augment, seed, image=image)
    return replace(inputs, features=features, attributes=inputs.attributes if images is None else images)


def check_same_jets(constituents: Path, images: Path) -> None:
    """Refuse samples that are not those of which a file of images was made.

    Raises:
        UserError: another dataset, other events or other labels.
    """
    made_of = json.loads(read_attributes(images, "jet-image")["dataset"])
    same = read_attributes(constituents, "jets")["spec"] == made_of
    if not same or any(
        not np.array_equal(read_entries(constituents, "train", name), read_entries(images, "train", name))
        for name in ("event", "label")
    ):
        raise UserError(f"{constituents}: {images} was made of other jets; give the samples that it was made of")
