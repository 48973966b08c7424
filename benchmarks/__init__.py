"""Speed of jetpulse beside other ways to the same result; `python -m benchmarks` prints tables."""
