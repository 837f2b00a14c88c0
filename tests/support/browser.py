"""A headless Chromium, the system's own, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

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
        expect.set_options(timeout=DEADLINE * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        try:
            yield browser
        finally:
            browser.close()
