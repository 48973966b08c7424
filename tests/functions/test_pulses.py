"""Generated waveforms: the reference bit for bit, blocks that depend on nothing but their number."""

import hashlib

import numpy as np
import pytest

from jetpulse.config import Waveforms
from jetpulse.pulses.generator import generate_block, generate_exact
from waveform_reference import reference_waveforms


def test_exact_mode_has_the_published_hashes():
    made = generate_exact(Waveforms(exact=True))
    assert hashlib.sha256(made.waveform.tobytes()).hexdigest().startswith("27b83dffb75830c7")
    assert hashlib.sha256(made.label.astype(np.int64).tobytes()).hexdigest().startswith("9735855471dd1d54")
    assert (made.label.min(), made.label.max()) == (5, 94)


@pytest.mark.parametrize(
    "settings",
    [
        {"n": 0},
        {"n": 1},
        {"n": 2, "seed": 0},
        {"n": 300, "seed": 2, "traces": 5, "components": 1},
        {"n": 300, "seed": 3, "samples": 37, "duration": 2.5},
        {"n": 300, "seed": 4, "background": 4.0, "amplitude": 0.5},
        {"n": 300, "seed": 5, "background": 0.0, "components": 6},
    ],
    ids=str,
)
def test_exact_mode_follows_the_reference_for_any_settings(settings):
    spec = Waveforms(exact=True, **settings)
    waveform, label = reference_waveforms(spec)
    made = generate_exact(spec, threads=2)
    assert made.waveform.dtype == np.float32
    np.testing.assert_array_equal(made.waveform, waveform)
    np.testing.assert_array_equal(made.label, label)


@pytest.mark.parametrize("make", [lambda s, t: generate_exact(s, t), lambda s, t: generate_block(s, 1, t)])
def test_threads_do_not_change_a_bit(make):
    spec = Waveforms(n=1500, block=1000)
    first, second = make(spec, 1), make(spec, 3)
    assert first.waveform.tobytes() == second.waveform.tobytes()
    assert first.label.tobytes() == second.label.tobytes()


def test_blocks_differ_and_repeat():
    spec = Waveforms(n=200, block=100, noise=0.1)
    again = generate_block(spec, 0)
    assert generate_block(spec, 0).waveform.tobytes() == again.waveform.tobytes()
    assert not np.array_equal(generate_block(spec, 1).waveform, again.waveform)
    assert not np.array_equal(generate_block(spec.model_copy(update={"seed": 5}), 0).waveform, again.waveform)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_shorter_last_block_is_the_beginning_of_a_whole_one(noise):
    spec = Waveforms(n=130, block=100, noise=noise, amplitude_spread=0.2)
    short, whole = generate_block(spec, 1), generate_block(spec.model_copy(update={"n": 200}), 1)
    assert len(short.label) == 30
    np.testing.assert_array_equal(short.waveform, whole.waveform[:30])
    np.testing.assert_array_equal(short.pulses, whole.pulses[:30])


@pytest.mark.parametrize("block", [-1, 2])
def test_a_block_that_is_not_there_is_refused(block):
    with pytest.raises(ValueError, match=f"block {block} does not exist"):
        generate_block(Waveforms(n=200, block=100), block)


def test_the_label_is_the_bin_nearest_to_the_coincident_pulse():
    made = generate_block(Waveforms(n=500), 0)
    np.testing.assert_array_equal(made.label, np.abs(np.linspace(0, 1, 100) - made.time[:, None]).argmin(axis=1))


def test_the_coincident_pulse_stands_on_the_background_in_every_trace():
    made = generate_block(Waveforms(n=400, background=0.0, components=1), 0)
    peak = np.take_along_axis(made.waveform, made.label[:, None, None], axis=2)
    assert (peak > 5 * np.exp(-0.5 * (0.5 / 99 / 0.02) ** 2) - 1 - 1e-6).all()
    assert (np.abs(made.waveform) <= 6 + 1e-6).all()


def test_noise_and_spread_have_the_width_that_was_asked_for():
    quiet = Waveforms(n=2000, seed=9)
    noisy = quiet.model_copy(update={"noise": 0.2})
    noise = generate_block(noisy, 0).waveform - generate_block(quiet, 0).waveform
    assert noise.std() == pytest.approx(0.2, rel=0.01)
    assert abs(noise.mean()) < 0.002
    spread = generate_block(quiet.model_copy(update={"amplitude_spread": 0.3}), 0).amplitude
    assert np.log(spread / 5).std() == pytest.approx(0.3, rel=0.03)


def test_further_pulses_are_poisson():
    pulses = generate_block(Waveforms(n=10_000, background=2.0), 0).pulses
    assert pulses.mean() == pytest.approx(2.0, abs=0.03)
    assert pulses.var() == pytest.approx(2.0, abs=0.06)


def test_exact_mode_refuses_what_the_reference_has_not():
    with pytest.raises(ValueError, match="neither amplitude_spread nor noise"):
        Waveforms(exact=True, noise=0.1)
