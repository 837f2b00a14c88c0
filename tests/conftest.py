"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from wampapp.crossbar import Crossbar, Progress


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Progress:
    """A function that prints a line at once, whatever pytest captures: installing takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    return tell


@pytest.fixture(scope="session")
def crossbar(progress: Progress) -> Iterator[Crossbar]:
    """A real Crossbar.io with one realm, `realm1`, shared by the whole run."""
    with Crossbar(progress=progress) as router:
        yield router
