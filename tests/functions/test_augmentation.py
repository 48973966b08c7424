"""Jets changed at random while training: what each change keeps, and what the configuration refuses."""

import math

import pytest
import torch

from configurations import EXPERIMENT, changed
from jetpulse.config import JetImage, parse_config
from jetpulse.config.training import Augmentation
from jetpulse.errors import UserError
from jetpulse.jets.tensor_images import dense_images
from jetpulse.training.augmentation import (
    augment_jets,
    boost_jets,
    drop_constituents,
    hardest_first,
    jet_axis,
    make_images,
    transverse,
    turn_jets,
)
from toy_jets import momenta, random_jets

EVERYTHING = {"rotation": True, "flip": True, "boost": 1.0, "smear": 0.1, "direction": 0.01, "drop": 0.1}


def batch(jets: list, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Return massless jets given by pT, eta, phi as (n, longest, 4), filled up with zeros."""
    filled = torch.zeros(len(jets), max(map(len, jets)), 4, dtype=torch.float64)
    for number, jet in enumerate(jets):
        filled[number, : len(jet)] = torch.from_numpy(momenta(jet))
    return filled.to(dtype)


def heavy(n: int = 20) -> torch.Tensor:
    """Return jets whose constituents have masses; some are shorter than others, one is empty."""
    jets = batch([*random_jets(3, n - 1), []])
    mass = torch.rand(jets.shape[:2], generator=torch.Generator().manual_seed(1)) * (jets[..., 0] > 0)
    jets[..., 0] = torch.sqrt(jets[..., 0] ** 2 + mass.double() ** 2)
    return jets


def polar(jets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    pt = transverse(jets)
    return pt, torch.asinh(jets[..., 3] / pt), torch.atan2(jets[..., 2], jets[..., 1])


def distances(jets: torch.Tensor) -> torch.Tensor:
    """Return the distances of all pairs, 0 where one of them is missing."""
    pt, eta, phi = polar(jets)
    eta, phi = eta[:, :, None] - eta[:, None], phi[:, :, None] - phi[:, None]
    phi = torch.atan2(torch.sin(phi), torch.cos(phi))
    return torch.where((pt[:, :, None] > 0) & (pt[:, None] > 0), torch.hypot(eta, phi), 0.0)


def masses2(jets: torch.Tensor) -> torch.Tensor:
    return jets[..., 0] ** 2 - (jets[..., 1:] ** 2).sum(-1)


def close(a: torch.Tensor, b: torch.Tensor, size: float = 1.0) -> None:
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * size)


IMAGE = JetImage.model_validate({"kind": "jet-image", "pixels": 7})


def turned(jets: torch.Tensor, angle: float, signs: tuple[int, int] = (1, 1)) -> torch.Tensor:
    n = len(jets)
    return turn_jets(jets, jet_axis(jets), torch.full((n,), angle).double(), torch.tensor([signs] * n).double())


AXIS = torch.tensor([[0.5], [3.1]], dtype=torch.float64)


def test_a_quarter_turn_by_hand():
    jets = batch([[(100.0, 0.5, 3.1), (30.0, 0.7, 3.1), (30.0, 0.3, 3.1)]])
    found = turn_jets(jets, AXIS, torch.tensor([math.pi / 2], dtype=torch.float64), torch.ones(1, 2).double())
    # eta becomes phi, across phi = pi.
    close(found, batch([[(100.0, 0.5, 3.1), (30.0, 0.5, 3.3), (30.0, 0.5, 2.9)]]), 100)


def test_mirrors_by_hand():
    jets = batch([[(100.0, 0.5, 3.1), (30.0, 0.7, 3.2)]])
    straight = torch.zeros(1).double()
    mirrored = [(0.3, 3.2), (0.7, 3.0), (0.3, 3.0)]
    for signs, place in zip([(-1, 1), (1, -1), (-1, -1)], mirrored, strict=True):
        found = turn_jets(jets, AXIS, straight, torch.tensor([signs]).double())
        close(found, batch([[(100.0, 0.5, 3.1), (30.0, *place)]]), 100)


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1)])
@pytest.mark.parametrize("angle", [0.0, 1.0, 4.0])
def test_turns_and_mirrors_keep_pt_masses_and_distances(angle, signs):
    jets = heavy()
    found = turned(jets, angle, signs)
    assert (angle == 0.0 and signs == (1, 1)) or not torch.allclose(found, jets, rtol=1e-3)
    close(transverse(found), transverse(jets))
    close(masses2(found), masses2(jets), 1e4)  # differences of squares of some 100 GeV
    close(distances(found), distances(jets))
    assert not found[jets[..., 0] == 0].any()


def test_a_turn_back_gives_the_jets_again():
    jets = heavy()
    axis, n = jet_axis(jets), len(jets)
    there = turn_jets(jets, axis, torch.full((n,), 0.7).double(), torch.ones(n, 2).double())
    close(turn_jets(there, axis, torch.full((n,), -0.7).double(), torch.ones(n, 2).double()), jets, 100)


def test_a_boost_keeps_pt_and_all_invariant_masses_and_adds_up_rapidities():
    jets = heavy()
    rapidity = torch.linspace(-1, 1, len(jets)).double()
    found = boost_jets(jets, rapidity)
    assert torch.equal(found[..., 1:3], jets[..., 1:3])
    pairs, before = found[:, :, None] + found[:, None], jets[:, :, None] + jets[:, None]
    close(masses2(pairs), masses2(before), 1e5)
    close(masses2(found.sum(1)), masses2(jets.sum(1)), 1e6)
    there = jets[..., 0] > 0
    shift = torch.atanh(found[..., 3] / found[..., 0]) - torch.atanh(jets[..., 3] / jets[..., 0])
    close(shift[there], rapidity[:, None].expand(there.shape)[there], 10)
    assert not found[~there].any()


def test_the_hardest_constituent_is_never_dropped():
    jets = heavy()
    found = drop_constituents(jets, torch.ones(jets.shape[:2], dtype=torch.bool))
    assert (found[..., 0] > 0).sum(1).tolist() == [1] * 19 + [0]
    assert torch.equal(transverse(found).amax(1), transverse(jets).amax(1))
    assert torch.equal(drop_constituents(jets, torch.zeros(jets.shape[:2], dtype=torch.bool)), jets)


def test_constituents_are_put_in_order_and_gaps_closed():
    jet = batch([[(5.0, 0.1, 0.0), (9.0, 0.2, 0.0), (5.0, 0.3, 0.0), (1.0, 0.4, 0.0)]])
    jet[0, 3] = 0
    assert torch.equal(hardest_first(jet)[0], jet[0][[1, 0, 2, 3]])


def augment(jets: torch.Tensor, seed: int = 1, **spec) -> torch.Tensor:
    return augment_jets(jets, Augmentation.model_validate(spec), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 0), (2, 3)])
def test_jets_without_constituents_stay_empty(shape):
    assert torch.equal(augment(torch.zeros(*shape, 4), **EVERYTHING), torch.zeros(*shape, 4).double())


def test_padding_behind_a_jet_stays_padding_and_nothing_is_given_that_is_not_finite():
    jets = batch(random_jets(5, 50), torch.float32)
    found = augment(jets, **EVERYTHING)
    count, before = (found[..., 0] > 0).sum(1), (jets[..., 0] > 0).sum(1)
    assert (count >= 1).all()
    assert (count <= before).all()
    assert not found[torch.arange(found.shape[1]) >= count[:, None]].any()
    assert found.isfinite().all()
    assert (transverse(found).diff(dim=1) <= 0).all()


MANY = 4000


def many() -> torch.Tensor:
    return batch([[(100.0, 0.0, 0.0), (50.0, 0.1, 0.0)]]).expand(MANY, -1, -1)


def test_angles_are_uniform_and_mirrors_happen_to_half_of_the_jets():
    _, eta, phi = polar(augment(many(), rotation=True))
    angle = torch.atan2(phi[:, 1] - phi[:, 0], eta[:, 1] - eta[:, 0])
    counts = torch.histc(angle, 8, -math.pi, math.pi)
    assert ((counts - MANY / 8).abs() < 5 * math.sqrt(MANY / 8)).all()
    jets = batch([[(100.0, 0.0, 0.0), (50.0, 0.1, 0.1)]]).expand(MANY, -1, -1)
    _, eta, phi = polar(augment(jets, flip=True))
    up, left = eta[:, 1] > eta[:, 0], phi[:, 1] > phi[:, 0]
    for some in (up, left, up == left):
        assert abs(some.sum() - MANY / 2) < 5 * math.sqrt(MANY / 4)


def test_boosts_are_uniform_up_to_the_largest():
    _, eta, _ = polar(augment(many(), boost=0.5))
    assert eta[:, 0].abs().max() <= 0.5
    counts = torch.histc(eta[:, 0], 5, -0.5, 0.5)
    assert ((counts - MANY / 5).abs() < 5 * math.sqrt(MANY / 5)).all()
    close(eta[:, 1] - eta[:, 0], torch.full((MANY,), 0.1, dtype=torch.float64))


def test_smearing_has_the_widths_that_are_asked_for():
    jets = many()
    pt, eta, _ = polar(augment(jets, smear=0.1))
    assert float((pt[:, 0] / 100).std()) == pytest.approx(0.1, rel=0.06)
    assert float((pt[:, 0] / 100).mean()) == pytest.approx(1.0, abs=0.01)
    close(eta, polar(jets)[1])
    moved = polar(augment(jets, direction=0.02))
    for coordinate, expected in zip(moved[1:], polar(jets)[1:], strict=True):
        assert float((coordinate - expected).std()) == pytest.approx(0.02, rel=0.06)
    close(moved[0], polar(jets)[0], 100)


def test_constituents_are_dropped_as_often_as_asked():
    found = augment(many(), drop=0.3)
    assert abs(int((found[:, 1, 0] == 0).sum()) - 0.3 * MANY) < 5 * math.sqrt(0.21 * MANY)


@pytest.mark.parametrize("steps", [[], ["centre", "rotate", "normalise"], ["centre-centroid", "rotate-principal"]])
def test_images_are_the_same_pixels_on_every_device(steps):
    image, jets = IMAGE.model_copy(update={"steps": steps}), augment(heavy(), **EVERYTHING)
    found = make_images(jets, image)
    assert torch.equal(found, dense_images(jets, 7, image.half_width, steps))
    assert (found.sum((1, 2)) > 0).sum() == 19
    assert make_images(jets[:0], image).shape == (0, 7, 7)
    assert not make_images(jets[:, :0], image).any()


# The configuration.


def mistakes(value: dict) -> list[str]:
    with pytest.raises(UserError) as error:
        parse_config(value, "my.yaml")
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    ("augment", "fragments"),
    [
        ({}, ("augment", "nothing is switched on", "rotation, flip, boost, smear, direction, drop")),
        ({"rotation": False, "boost": 0}, ("nothing is switched on",)),
        ({"rotate": True}, ("augment.rotate: unknown key", "did you mean 'rotation'?")),
        ({"boost": -1.0}, ("augment.boost", "greater than or equal to 0")),
        ({"drop": 1}, ("augment.drop", "less than 1")),
        ({"flip": 1}, ("augment.flip", "boolean")),
    ],
)
def test_a_mistake_in_the_section_is_one_line(augment, fragments):
    (line,) = mistakes(changed((f"{EXPERIMENT}.training", {"augment": augment})))
    for fragment in fragments:
        assert fragment in line


def test_what_has_no_constituents_is_not_augmented():
    pulses = {"kind": "pulses", "source": {"waveforms": {"n": 100}}}
    observables = {"kind": "jet-observables"}
    of_pulses = {"task": "localisation", "dataset": "pulses", "model": {"name": "pulse-cnn"}}
    of_observables = {"dataset": "jets", "representation": "observables", "model": {"name": "dense"}}
    training = {"augment": {"rotation": True}, "normalise": "columns"}
    config = changed(
        ("datasets.pulses", pulses),
        ("representations.observables", observables),
        ("experiments.pulses", of_pulses | {"training": {"augment": {"rotation": True}}}),
        ("experiments.observables", of_observables | {"training": training}),
        (f"{EXPERIMENT}.training", {"augment": {"rotation": True}}),
    )
    first, second = mistakes(config)
    assert "experiments.pulses.training.augment: " in first
    assert "which pulses have not; remove it" in first
    assert "experiments.observables.training.augment: " in second
