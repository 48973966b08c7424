"""LorentzNet: boosts and rotations, with beams those along them, and numbers of nearly collinear constituents."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jetpulse.models import build_network
from jetpulse.models.lorentz_net import compress, products
from toy_jets import momenta, random_jets
from toys import padded


def build(**arguments) -> nn.Module:
    """Return a network in double precision whose vectors move a lot, so that every part shows."""
    torch.manual_seed(1)
    network = build_network("lorentz-net", (4,), 2, {"width": 12, "blocks": 3, "step": 0.5} | arguments).eval().double()
    for name, parameter in network.named_parameters():
        if name.endswith("strength"):
            nn.init.normal_(parameter)
    return network


def boost(velocity: np.ndarray) -> np.ndarray:
    """Return the matrix of a boost by a velocity (3,) in units of c."""
    square = velocity @ velocity
    gamma = 1 / math.sqrt(1 - square)
    matrix = np.eye(4)
    matrix[0, 0] = gamma
    matrix[0, 1:] = matrix[1:, 0] = gamma * velocity
    matrix[1:, 1:] += (gamma - 1) * np.outer(velocity, velocity) / square
    return matrix


def rotation(rng: np.random.Generator) -> np.ndarray:
    """Return the matrix of a random rotation."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[1:, 1:] = q * np.linalg.det(q)
    return matrix


def batch(seed: int, n: int = 3) -> torch.Tensor:
    return padded(random_jets(seed, n)).double()


def transform(jets: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    return jets @ torch.from_numpy(matrix).T


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9))
def test_without_beams_boosts_and_rotations_do_not_matter(seed, speed):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    matrix = boost(speed * direction / np.linalg.norm(direction)) @ rotation(rng)
    metric = np.diag([1, -1, -1, -1])
    np.testing.assert_allclose(matrix.T @ metric @ matrix, metric, atol=1e-12)
    network, jets = build(beams=False), batch(seed)
    torch.testing.assert_close(network(transform(jets, matrix)), network(jets), rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.floats(-0.9, 0.9).filter(lambda v: abs(v) > 0.05))
def test_with_beams_boosts_across_matter_and_rotations_about_them_do_not(seed, speed):
    network, jets = build(beams=True), batch(seed)
    plain = network(jets)
    phi = np.random.default_rng(seed).uniform(-3, 3)
    about = np.eye(4)
    about[1:3, 1:3] = [[math.cos(phi), -math.sin(phi)], [math.sin(phi), math.cos(phi)]]
    torch.testing.assert_close(network(transform(jets, about)), plain, rtol=1e-6, atol=1e-6)
    across = transform(jets, boost(np.array([speed, 0, 0])))
    assert (network(across) - plain).abs().max() > 1e-5


def test_the_vectors_move_and_the_output_knows():
    jets = batch(3)
    still, moving = build(beams=False, step=1e-12), build(beams=False)
    assert (still(jets) - moving(jets)).abs().max() > 1e-3


def test_products_by_hand():
    vectors = torch.tensor([[[5.0, 3.0, 0.0, 0.0], [2.0, 0.0, 1.0, 1.0]]])
    assert products(vectors).tolist() == [[[16.0, 10.0], [10.0, 2.0]]]
    assert compress(torch.tensor([0.0, math.e - 1, 1 - math.e])).tolist() == pytest.approx([0, 1, -1])


@settings(deadline=None, max_examples=30)
@given(st.floats(1, 300), st.floats(1, 300), st.floats(-2, 2), st.floats(1e-4, 0.3), st.floats(0, 6.28))
def test_products_of_collinear_constituents_keep_what_single_precision_stores(pt1, pt2, eta, distance, angle):
    jet = [(pt1, eta, 0.3), (pt2, eta + distance * math.cos(angle), 0.3 + distance * math.sin(angle))]
    exact = pt1 * pt2 * (math.cosh(jet[0][1] - jet[1][1]) - math.cos(jet[0][2] - jet[1][2]))
    stored = torch.from_numpy(momenta(jet, np.float32))[None]
    energies = float(stored[0, 0, 0] * stored[0, 1, 0])
    # Rounding of the stored numbers: four products with an error of a few 2^-24 each.
    assert float(products(stored)[0, 0, 1]) == pytest.approx(exact, abs=4 * 2**-23 * energies)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(products(stored), products(stored.double()), rtol=0, atol=0)


def test_a_jet_has_messages_between_different_existing_constituents_alone():
    network = build(beams=False)
    jet = random_jets(6, 1)[0][:1]
    single = network(padded([jet]).double())
    for block in network.blocks:
        nn.init.normal_(block.pair, std=10)
    torch.testing.assert_close(network(padded([jet], 5).double()), single)
    two = padded([random_jets(6, 1)[0][:2]]).double()
    assert not torch.allclose(network(two), build(beams=False)(two))
