"""Live settings, as our page's client hears of them, in Node."""

from pathlib import Path

import pytest

from tests.support.process import ROOT, Process, Wampapp, environment
from tests.support.site import Site
from wampapp import connect
from wampapp.components import Live

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs" / "settings"
#: Node has had a WebSocket of its own behind a flag since 20.10, and without since 22.
NODE = ["node", "--experimental-websocket", "--no-warnings"]


def test_a_page_hears_of_changes(tmp_path: Path) -> None:
    """The last one when it comes, and each after it."""
    words = ("run", PROGRAMS / "service.py", "--port", "0")
    with Wampapp(*words, cwd=tmp_path, env=environment()) as process:
        site = Site(process)
        with connect(f"rs://127.0.0.1:{site.port}", timeout=60) as client:
            settings = Live(client, "com.mill.settings").sync
            settings.change(speed=20)
            with Process(
                *NODE, str(PROGRAMS / "page.mjs"), f"ws://127.0.0.1:{site.port}/ws"
            ) as node:
                node.until(r'^1 {"speed":20}$')
                node.until("^listens$")
                settings.change(banner="Back at noon")
                node.until(r'^2 {"speed":20,"banner":"Back at noon"}$')
                settings.reset("speed")
                node.until(r'^3 {"banner":"Back at noon"}$')
                settings.change(banner="the end")
                node.until(r'^4 {"banner":"the end"}$')
                assert node.wait() == 0, node.text
        process.stop()
