"""Fixtures and settings shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Derandomised: a run shows the same thing everywhere; compiled kernels and shared machines have no deadline.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take minutes, so that no worker waits for them at the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data that is not part of the repository."""
    name = "JETPULSE_TEST_DATA"
    value = os.environ.get(name)
    if not value:
        pytest.skip(f"{name} is not set: name the folder of real data to run this test")
    folder = Path(value)
    if not folder.is_dir():
        pytest.skip(f"{name} names {value}, which is not a folder")
    return folder
