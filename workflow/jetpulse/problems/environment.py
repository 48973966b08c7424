"""The trigger as an environment of gymnasium, for other algorithms of reinforcement learning."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from jetpulse.config.streams import Stream
from jetpulse.problems.trigger import ACTIONS, MEMORY, Trigger, generate_episodes, pulses_of, reward


class TriggerEnvironment(gymnasium.Env):
    """Episodes of a stream, one at a time: the numbers are those of `Trigger`.

    Actions are 0 (lower the threshold by a level), 1 (keep) and 2 (raise); the reward is minus the distance of the
    accepted pulses from the target, in units of the target; observations are those of `Trigger.observe`. An episode is
    truncated after the stream's steps and never terminates.

    Example:
        >>> environment = TriggerEnvironment(Stream())
        >>> observation, info = environment.reset(options={"episode": 3})
        >>> observation, reward, terminated, truncated, info = environment.step(1)
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, stream: Stream, memory: int = MEMORY) -> None:
        """Prepare episodes of ``stream``, of which ``memory`` steps back are observed.

        Raises:
            ValueError: a stream without episodes.
        """
        if not stream.n:
            msg = "the stream has no episodes"
            raise ValueError(msg)
        self.stream, self.memory = stream, memory
        self.action_space = spaces.Discrete(len(ACTIONS))
        least, most = (np.log((n + 1) / (stream.target + 1)) for n in (0, np.iinfo(np.int64).max))
        low = [least] * memory + [0.0] + [1.0 - memory] * (memory - 1)
        high = [most] * memory + [1.0] + [memory - 1.0] * (memory - 1)
        self.observation_space = spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin the episode with the number ``options["episode"]``, without it a random one of the stream.

        Returns:
            The observation, and ``episode``, its number.
        """
        super().reset(seed=seed)
        number = (options or {}).get("episode")
        number = int(self.np_random.integers(self.stream.n) if number is None else number)
        self._rates = generate_episodes(self.stream, number, 1)
        self._trigger = Trigger(self.stream, pulses_of(self.stream, self._rates, np.array([number])), self.memory)
        return self._trigger.observe()[0], {"episode": number}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move the threshold and let a step pass.

        Returns:
            Observation, reward, False, whether this was the last step, and what happened: ``accepted`` pulses,
            ``level`` of the threshold, ``rate`` of the stream.
        """
        rate = float(self._rates[0, self._trigger.time])
        accepted = self._trigger.act(np.array([action]))
        happened = {"accepted": int(accepted[0]), "level": int(self._trigger.level[0]), "rate": rate}
        over = self._trigger.time == self.stream.steps
        return self._trigger.observe()[0], float(reward(self.stream, accepted)[0]), False, over, happened
