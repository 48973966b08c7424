"""Episodes of a stream of pulses, as entries of a problem."""

from jetpulse.config.streams import Stream
from jetpulse.problems.entries import Chunk, Entries, block_size, drawn
from jetpulse.problems.trigger import generate_episodes

BLOCK = 1000  # episodes at once; they depend on nothing but their number


def entries(spec: Stream) -> Entries:
    """Return the episodes of a stream as entries of a problem, which have no answer."""

    def draw(block: int) -> Chunk:
        return generate_episodes(spec, block * BLOCK, block_size(spec.n, BLOCK, block)), None

    return Entries(
        answers="episodes",
        shape=(spec.steps,),
        parts=drawn(spec.n, BLOCK, draw),
        units={"features": "expected pulses per time step"},
    )
