"""The stores that components are tested on."""

from pathlib import Path

import pytest

from tests.support.stores import KINDS, LASTING, Place, place


@pytest.fixture(params=KINDS)
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of store in turn."""
    return place(request, tmp_path)


@pytest.fixture(params=LASTING)
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of store in turn that outlives its process."""
    return place(request, tmp_path)
