"""Networks on jet constituents: what they read, and the symmetries that they claim."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jetpulse.config import Training
from jetpulse.config.load import parse_config
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters
from jetpulse.models.constituents import pair_features, particle_features
from jetpulse.samples import Block, Writer
from jetpulse.training.features import Constituents
from jetpulse.training.inputs import Inputs, make_inputs, read_split
from jetpulse.training.loop import evaluate_network, predict_network
from jetpulse.training.objectives import base, load_objective
from jetpulse.training.steps import Stepper
from toy_jets import make_block, random_jets
from toys import CPU, padded

SMALL = {"width": 8, "heads": 2, "blocks": 2, "pair_width": 4, "constituents": 30}


def network(**arguments: int) -> torch.nn.Module:
    torch.manual_seed(1)
    return build_network("particle-transformer", (4,), 2, SMALL | arguments).eval()


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_a_batch_is_filled_up_with_zeros_to_its_longest_jet():
    jets = [[(1.0, 0.0, 0.0)], [], [(3.0, 0.1, 1.0), (2.0, 0.2, -1.0)]]
    block = make_block(jets)
    features = Constituents(block, CPU)
    batch = features.batch(torch.tensor([2, 0, 1, 2]))
    assert batch.shape == (4, 2, 4)
    torch.testing.assert_close(batch, padded([jets[2], jets[0], jets[1], jets[2]]))
    assert features.batch(torch.tensor([1])).shape == (1, 0, 4)
    assert features.batch(torch.tensor([], dtype=torch.int64)).shape == (0, 0, 4)


@pytest.mark.parametrize("jets", [0, 1, 40, 63])
def test_few_jets_are_one_part(jets):
    inputs = _inputs(jets)
    ((place, part),) = inputs.batch(torch.arange(jets)).by_length()
    assert place.tolist() == list(range(jets))
    assert len(part) == jets


def test_parts_of_similar_length_hold_every_jet_once_without_rows_that_none_needs():
    inputs = _inputs(200)
    index = torch.arange(200).flip(0)
    parts = inputs.batch(index).by_length()
    assert [len(part) for _, part in parts] == [34] * 5 + [30]
    assert sorted(torch.cat([place for place, _ in parts]).tolist()) == list(range(200))
    longest = [part.features.shape[1] for _, part in parts]
    assert longest == sorted(longest)
    assert longest[0] < longest[-1]
    for place, part in parts:
        assert part.features[:, -1].any()
        torch.testing.assert_close(part.targets["label"], inputs.targets["label"][index[place]])
        whole = inputs.features.batch(index[place])
        torch.testing.assert_close(part.features, whole, rtol=0, atol=0)


def test_a_step_and_predictions_in_parts_are_those_of_the_whole(monkeypatch):
    inputs, objective = _inputs(100), load_objective("classification")
    found = []
    for together in (32, 1000):
        monkeypatch.setattr(base, "_TOGETHER", together)
        net = network().train()
        stepper = Stepper(net, objective, Training(optimiser="sgd", momentum=0.0, learning_rate=0.1), len(inputs))
        summed = stepper.step(inputs.batch(torch.arange(100)), 0)
        predicted = predict_network(net, objective, inputs)["probability"]
        found.append((summed, predicted, evaluate_network(net, objective, inputs), dict(net.state_dict())))
    (a, b, c, d), (e, f, g, h) = found
    torch.testing.assert_close(a, e)
    torch.testing.assert_close(b, f, rtol=1e-4, atol=1e-5)
    assert c == pytest.approx(g, rel=1e-4)
    for name in d:
        close(d[name], h[name])


def _inputs(jets: int) -> Inputs:
    block = make_block(random_jets(3, jets))
    attributes = {"kind": "jets", "outputs": 2}
    return make_inputs(block, attributes, load_objective("classification"), CPU)


def test_samples_of_jets_are_inputs_of_two_classes(tmp_path):
    block = make_block(random_jets(1, 5))
    spec = {"kind": "jets", "source": {"files": "x"}}
    with Writer.create(tmp_path / "samples.h5", "jets", spec=spec, units={}) as writer:
        writer.append("train", block)
    read, attributes = read_split(tmp_path / "samples.h5", "train")
    inputs = make_inputs(read, attributes, load_objective("classification"), CPU)
    assert inputs.representation() == {"kind": "jets"}
    assert attributes["outputs"] == 2
    assert inputs.targets["label"].tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_array_equal(inputs.features.batch(torch.tensor([3])).numpy()[0], _constituents(block, 3))


def _constituents(block: Block, jet: int) -> np.ndarray:
    return block.flat["constituents"][block.offsets[jet] : block.offsets[jet + 1]]


def test_features_of_constituents_by_hand():
    # Two constituents of equal pT at eta = 0, on both sides of the axis, across phi = pi.
    features, mask = particle_features(padded([[(10.0, 0.0, math.pi - 0.1), (10.0, 0.0, -math.pi + 0.1)]], 3), 3)
    assert mask.tolist() == [[True, True, False]]
    jet_pt = 20 * math.cos(0.1)
    log_pt, fraction = (math.log(10) - 1.7) * 0.7, (math.log(10 / jet_pt) + 4.7) * 0.7
    expected = [-0.1, log_pt, (math.log(10) - 2) * 0.7, fraction, (math.log(0.5) + 4.7) * 0.7, (0.1 - 0.2) * 4]
    np.testing.assert_allclose(features[0, 0, 1:].numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(features[0, :2, 0].numpy(), [0, 0], atol=1e-5)
    assert float(features[0, 1, 1]) == pytest.approx(0.1, abs=1e-5)
    assert not features[0, 2].any()


def test_features_of_a_pair_by_hand():
    pairs, where = pair_features(padded([[(30.0, 0.0, 0.0), (10.0, 0.3, 0.4)]], 3), 3)
    assert pairs.shape == (1, 6, 4)
    assert where[0, 1] == where[1, 0]
    assert sorted(set(where.flatten().tolist())) == list(range(6))
    mass2 = 2 * 30 * 10 * (math.cosh(0.3) - math.cos(0.4))
    expected = [
        (math.log(0.5) + 2) * 0.5,
        (math.log(10 * 0.5) + 1) * 0.3,
        (math.log(0.25) + 2) * 0.5,
        (math.log(mass2) - 1) * 0.3,
    ]
    np.testing.assert_allclose(pairs[0, where[0, 1]].numpy(), expected, rtol=1e-3)
    assert not pairs[0, where[0, 2]].any()


@settings(deadline=None)
@given(st.floats(1, 300), st.floats(1, 300), st.floats(-2, 2), st.floats(0.003, 0.5), st.floats(0, 6.28))
def test_the_mass_of_two_close_constituents_keeps_its_digits(pt1, pt2, eta, distance, angle):
    d_eta, d_phi = distance * math.cos(angle), distance * math.sin(angle)
    pairs, where = pair_features(padded([[(pt1, eta, 0.3), (pt2, eta + d_eta, 0.3 + d_phi)]]), 2)
    mass2 = 2 * pt1 * pt2 * (math.cosh(d_eta) - math.cos(d_phi))
    # Stored directions have errors of 2^-24 in phi, some 30 times that in rapidity.
    assert float(pairs[0, where[0, 1], 3]) == pytest.approx((math.log(max(mass2, 1e-4)) - 1) * 0.3, abs=1e-3)
    assert float(pairs[0, where[0, 0], 3]) == pytest.approx((math.log(1e-4) - 1) * 0.3, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_transformer_does_not_depend_on_order_padding_or_azimuth(seed):
    net, jets = network(), random_jets(seed, 3)
    plain = net(padded(jets))
    rng = np.random.default_rng(seed)
    close(net(padded([rng.permutation(jet) for jet in jets])), plain)
    close(net(padded(jets, 40)), plain)
    close(net(padded([jet + np.array([0, 0, rng.uniform(-3, 3)]) for jet in jets])), plain)
    close(torch.cat([net(padded([jet])) for jet in jets]), plain)


def test_the_transformer_looks_at_the_hardest_constituents_and_at_the_sum_of_all():
    jet = random_jets(3, 1, 30)[0]
    most = len(jet) // 2
    net = network(constituents=most)
    plain = net(padded([jet]))
    moved = jet.copy()
    moved[-1, 1:] += 0.3  # the axis is that of all constituents
    assert not torch.equal(net(padded([moved])), plain)
    swapped = np.concatenate([jet[:most], jet[most:][::-1]])
    close(net(padded([swapped])), plain)


@pytest.mark.parametrize("jets", [[], [[(5.0, 0.1, 0.2)]], [[(5.0, 0.1, 0.2)], []]])
def test_no_jet_one_constituent_and_an_empty_jet_give_finite_outputs_and_gradients(jets):
    net = network()
    outputs = net(padded(jets, 2))
    assert outputs.shape == (len(jets), 2)
    assert outputs.isfinite().all()
    outputs.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_the_size_of_the_paper_is_what_the_docstring_says():
    sizes = {"width": 128, "heads": 8, "blocks": 8, "class_blocks": 2, "expansion": 4, "pair_width": 64}
    assert count_parameters(build_network("particle-transformer", (4,), 2, sizes)) == pytest.approx(2.1e6, rel=0.05)


def test_networks_of_constituents_read_samples_and_no_images():
    config = {
        "datasets": {"jets": {"kind": "jets", "source": {"simulation": {"jets_per_class": 10}}}},
        "representations": {"images": {"kind": "jet-image"}},
        "experiments": {"e": {"dataset": "jets", "model": {"name": "particle-transformer"}}},
    }
    parse_config(config, "my.yaml")
    config["experiments"]["e"]["representation"] = "images"
    with pytest.raises(UserError) as error:
        parse_config(config, "my.yaml")
    assert str(error.value) == (
        "my.yaml: experiments.e.representation: 'images' does not suit particle-transformer, which reads "
        "constituents; choose 'samples'"
    )
