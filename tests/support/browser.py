"""A headless Chromium, the system's own, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.process import DEADLINE

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: It is to talk to the site under test and to nobody else.
QUIET = (
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE = DEADLINE * 1000  # milliseconds


def find_chromium() -> str:
    """Return Chromium's path. Without one the test is skipped; in CI it fails."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    sentence = "Chromium is not installed; Debian and Ubuntu have it as the package chromium."
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    # Chromium's sandbox refuses to work for root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(
            executable_path=path, args=[*QUIET, *sandbox], timeout=PATIENCE
        )
        for name in ("new_context", "new_page"):
            setattr(browser, name, _patient(getattr(browser, name)))
        try:
            yield browser
        finally:
            browser.close()


def _patient(make: Callable[..., Any]) -> Callable[..., Any]:
    """Have all that is done in what is made take as long as all that is expected of it."""

    def made(**options: Any) -> Any:
        found = make(**options)
        found.set_default_timeout(PATIENCE)
        return found

    return made
