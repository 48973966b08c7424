"""The stream and its trigger: rates and pulses of episodes, courses by hand, the environment beside them."""

import math
import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from jetpulse.config.streams import Stream
from jetpulse.problems.environment import TriggerEnvironment
from jetpulse.problems.trigger import (
    Trigger,
    draw_pulses,
    generate_episodes,
    nearest_level,
    pulses_of,
    returns,
    reward,
    run_informed,
    run_trigger,
    thresholds,
)
from toy_episodes import STREAM, stream

# Three levels; one step lets 9, 4, 1 pulses reach them, the next 8, 2, 0.
HAND = Stream(n=1, steps=2, target=4.0, rate=10.0, height=10.0, highest=20.0, levels=3)
PULSES = np.array([[[9, 4, 1], [8, 2, 0]]])


def test_an_episode_depends_on_its_number_alone():
    together = generate_episodes(STREAM, 0, 9)
    assert together.dtype == np.float32
    assert together.shape == (9, 12)
    np.testing.assert_array_equal(np.concatenate([generate_episodes(STREAM, i, 1) for i in range(9)]), together)
    np.testing.assert_array_equal(generate_episodes(stream(n=2), 4, 3), together[4:7])
    assert len(np.unique(together[:, 0])) == 9
    assert not np.array_equal(generate_episodes(stream(seed=2), 0, 9), together)


def test_no_episodes_and_impossible_ones():
    assert generate_episodes(STREAM, 3, 0).shape == (0, 12)
    for first, n in ((-1, 2), (0, -1)):
        with pytest.raises(ValueError, match="do not exist"):
            generate_episodes(STREAM, first, n)


def test_rates_are_those_that_were_asked_for():
    steady = generate_episodes(stream(drift=0.0, jumps=0.0), 0, 2)
    np.testing.assert_allclose(steady, 20.0, rtol=1e-6)
    slow = np.log(generate_episodes(stream(n=400, drift=0.5, jumps=0.0), 0, 400) / 20.0)
    np.testing.assert_allclose([slow.mean(), slow.std()], [0.0, 0.5], atol=0.04)
    assert np.abs(np.diff(slow, axis=1)).max() < 3 * 0.5 * math.sqrt(2 / 3) * 2 * math.pi * 1.5 / 20.0
    sudden = np.log(generate_episodes(stream(steps=2000, drift=0.0, jumps=0.7, between=10.0), 0, 20) / 20.0)
    jumped = np.diff(sudden, axis=1) != 0
    np.testing.assert_allclose([jumped.mean(), sudden.std()], [0.1, 0.7], atol=0.03)


def test_pulses_are_poisson_numbers_of_exponential_heights():
    rng = np.random.default_rng(1)
    pulses = draw_pulses(STREAM, np.full((4000, 1), 20.0), rng)[:, 0]
    assert (np.diff(pulses, axis=1) <= 0).all()
    expected = 20.0 * np.exp(-thresholds(STREAM) / STREAM.height)
    np.testing.assert_allclose(pulses.mean(axis=0), expected, atol=5 * math.sqrt(20 / 4000))
    np.testing.assert_allclose(pulses.var(axis=0), expected, rtol=0.15)
    # What lies between two thresholds is independent of what lies above.
    above = pulses[:, 2]
    assert abs(stats.pearsonr(pulses[:, 1] - above, above)[0]) < 0.06


def test_pulses_of_an_episode_come_from_its_own_seeds():
    rates = generate_episodes(STREAM, 0, 5)
    together = pulses_of(STREAM, rates, np.arange(5))
    np.testing.assert_array_equal(pulses_of(STREAM, rates[3:4], np.array([3]))[0], together[3])
    assert not np.array_equal(pulses_of(STREAM, rates[3:4], np.array([4]))[0], together[3])
    assert pulses_of(STREAM, rates[:0], np.arange(0)).shape == (0, 12, 7)
    assert draw_pulses(STREAM, rates[:0], np.random.default_rng(1)).shape == (0, 12, 7)


def test_the_nearest_level_by_hand():
    # Levels are 10 mV apart, the mean height of a pulse, so each lets e times less pass than the one below.
    np.testing.assert_array_equal(
        nearest_level(HAND, 4 * np.exp([-3.0, 0.0, 0.4, 0.6, 1.4, 1.6, 9.0])), [0, 0, 0, 1, 1, 2, 2]
    )


def test_reward_and_return_by_hand():
    np.testing.assert_allclose(reward(HAND, np.array([4, 0, 5, 12])), [0.0, -1.0, -0.25, -2.0])
    np.testing.assert_allclose(returns(HAND, PULSES), [[-5 / 4 - 4 / 4, -0.5, -3 / 4 - 4 / 4]])
    assert returns(HAND, np.zeros((0, 2), int)).shape == (0,)


def test_a_course_by_hand():
    trigger = Trigger(HAND, PULSES, memory=2)
    np.testing.assert_array_equal(trigger.level, [1])  # 10 pulses, of which e^-1 reach 10 mV: 3.7
    np.testing.assert_array_equal(trigger.observe(), [[0, 0, 0.5, 0]])
    assert trigger.act(np.array([2])) == [1]
    np.testing.assert_allclose(trigger.observe(), [[math.log(2 / 5), 0, 1.0, -1]], rtol=1e-6)
    assert trigger.act(np.array([0])) == [2]
    np.testing.assert_allclose(trigger.observe(), [[math.log(3 / 5), math.log(2 / 5), 0.5, 1]], rtol=1e-6)


def test_thresholds_stay_within_their_levels():
    for action, level in ((0, [0, 0]), (1, [1, 1]), (2, [2, 2])):
        course = run_trigger(Trigger(HAND, PULSES), lambda trigger, action=action: np.array([action]))
        np.testing.assert_array_equal(course.level, [level])
        np.testing.assert_array_equal(course.accepted, [PULSES[0, [0, 1], level]])


def test_copies_see_the_same_pulses_and_act_for_themselves():
    pulses = pulses_of(STREAM, generate_episodes(STREAM, 0, 2), np.arange(2))
    before = pulses.copy()
    course = run_trigger(Trigger(STREAM, pulses, copies=3), lambda trigger: np.array([0, 1, 2, 0, 1, 2]))
    for row, (episode, action) in enumerate([(e, a) for e in (0, 1) for a in (0, 1, 2)]):
        alone = run_trigger(Trigger(STREAM, pulses[episode : episode + 1]), lambda t, a=action: np.array([a]))
        np.testing.assert_array_equal(course.level[row], alone.level[0])
        np.testing.assert_array_equal(course.accepted[row], alone.accepted[0])
    np.testing.assert_array_equal(pulses, before)


def test_who_knows_the_rate_follows_it_by_single_levels():
    wide = Stream(n=50, steps=100)
    rates = generate_episodes(wide, 0, 50)
    pulses = pulses_of(wide, rates, np.arange(50))
    course = run_informed(wide, pulses, rates)
    assert np.abs(np.diff(course.level, axis=1)).max() == 1
    assert returns(wide, course.accepted).mean() > 0.6 * returns(wide, pulses).mean(axis=0).max()
    steady = np.full((3, 100), 200.0)
    assert (run_informed(wide, pulses[:3], steady).level == 23).all()  # ln 10 of 10 mV, in levels of 1 mV
    assert run_informed(wide, pulses[:0], rates[:0]).accepted.shape == (0, 100)


def test_gymnasium_finds_nothing_wrong_with_the_environment():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Other ways to render cannot be tested of what has none.
        warnings.filterwarnings("ignore", message=".*alternative render modes.*")
        check_env(TriggerEnvironment(STREAM))
        check_env(TriggerEnvironment(stream(target=1.0, rate=1e6, highest=1000.0), memory=1))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 40), st.integers(1, 5), st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_the_environment_gives_the_numbers_of_many_triggers_at_once(episode, memory, actions):
    environment = TriggerEnvironment(STREAM, memory)
    seen, info = environment.reset(options={"episode": episode})
    rates = generate_episodes(STREAM, episode, 1)
    neighbours = generate_episodes(STREAM, episode, 3)
    pulses = pulses_of(STREAM, neighbours, np.arange(episode, episode + 3))
    trigger = Trigger(STREAM, pulses, memory)
    assert info == {"episode": episode}
    for step, action in enumerate(actions):
        np.testing.assert_array_equal(seen, trigger.observe()[0])
        assert environment.observation_space.contains(seen)
        seen, got, terminated, truncated, info = environment.step(action)
        accepted = trigger.act(np.full(3, action))
        assert got == reward(STREAM, accepted)[0]
        assert (terminated, truncated) == (False, step == 11)
        assert info == {"accepted": accepted[0], "level": trigger.level[0], "rate": rates[0, step]}


def test_episodes_of_the_environment_come_from_its_seed():
    environment = TriggerEnvironment(STREAM)
    numbers = {seed: environment.reset(seed=seed)[1]["episode"] for seed in range(30)}
    assert numbers == {seed: environment.reset(seed=seed)[1]["episode"] for seed in range(30)}
    assert len(set(numbers.values())) > 10
    assert all(0 <= number < STREAM.n for number in numbers.values())
    with pytest.raises(ValueError, match="no episodes"):
        TriggerEnvironment(stream(n=0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"target": 20.0},
            "target 20 is out of reach: at the median rate thresholds from 0 to 30 mV accept 20 to 0.996",
        ),
        ({"highest": 10.0}, "accept 20 to 7.36 pulses per step; change target, rate, highest or height"),
        ({"levels": 1}, "greater than or equal to 2"),
        ({"steps": 1}, "greater than or equal to 2"),
        ({"target": 0.5}, "greater than or equal to 1"),
        ({"height": 0.0}, "greater than 0"),
        ({"jumps": 3.0}, "less than or equal to 2"),
        ({"between": 0.5}, "greater than or equal to 1"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(changed, message):
    with pytest.raises(ValidationError, match=message):
        stream(**changed)
