"""`wampapp deploy`: what it writes passes the tools that read it, and runs for real."""

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.debian import debian_tool
from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Process, environment, run, wampapp
from wampapp import WampappError, connect
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs" / "deploy"


class Project:
    """A project in a folder, which has an environment as a deployed one has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for file in PROGRAMS.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        program = programs / "wampapp"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m wampapp "$@"\n')
        program.chmod(0o755)

    def guests(self, **commands: str) -> None:
        lines = [f'{name} = "{command}"' for name, command in commands.items()]
        table = "\n".join(["[tool.wampapp.deploy.guests]", *lines, ""])
        (self.folder / "pyproject.toml").write_text(table)

    def deploy(self, *words: str, code: int = 0) -> str:
        done = wampapp("deploy", *words, "--name", "shop", cwd=self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_units_pass_verification(project: Project, progress: Progress) -> None:
    project.guests(prices="node prices.mjs")
    said = project.deploy(
        "systemd", "shop.py", "--directory", str(project.folder), "--user", "root"
    )
    names = ["shop.target", "shop-router.service", "shop-shop.service", "shop-prices.service"]
    assert said.splitlines()[:4] == [f"wrote  deploy/systemd/{name}" for name in names]
    assert "systemctl enable --now shop.target" in said
    folder = project.folder / "deploy" / "systemd"
    verify, env = debian_tool("systemd-analyze", "systemd", progress)
    done = subprocess.run(
        [verify, "verify", "--man=no", *(folder / name for name in names)],
        capture_output=True,
        text=True,
        check=False,
        env={**env, "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )
    mine = [line for line in done.stderr.splitlines() if "shop" in line]
    assert (done.returncode, mine) == (0, []), done.stderr
    shop = project.text("deploy/systemd/shop-shop.service")
    assert "After=network.target shop-router.service\n" in shop
    assert "RestartPreventExitStatus=2 4\n" in shop
    assert "KillMode=mixed\n" in shop
    assert f"ExecStart={project.folder}/.venv/bin/wampapp run shop.py --url rs://127.0.0.1:" in shop
    guest = project.text("deploy/systemd/shop-prices.service")
    assert "Type=exec\n" in guest
    assert "ExecStart=node prices.mjs\n" in guest


def test_strange_names_are_quoted(project: Project) -> None:
    (project.folder / "my 100% $hop.py").write_text(project.text("shop.py"))
    project.deploy("systemd", "my 100% $hop.py")
    unit = project.text("deploy/systemd/shop-shop.service")
    assert 'wampapp run "my 100%% $$hop.py" --url' in unit


def test_a_second_run_shows_the_difference(project: Project) -> None:
    project.deploy("systemd", "shop.py")
    again = project.deploy("systemd", "shop.py")
    assert again.count("as it was  deploy/systemd/") == 3
    changed = project.deploy("systemd", "shop.py", "--workers", "2")
    assert (
        "+ExecStart=/srv/shop/.venv/bin/wampapp run shop.py --url rs://127.0.0.1:8080 --workers"
        in changed
    )
    assert "changed  deploy/systemd/shop-shop.service" in changed
    unit = project.folder / "deploy" / "systemd" / "shop-shop.service"
    edited = unit.read_text().replace("RestartSec=1", "RestartSec=7")
    unit.write_text(edited)
    refused = project.deploy("systemd", "shop.py", "--workers", "3", code=1)
    assert refused == (
        "Error: Changed by hand: deploy/systemd/shop-shop.service; nothing was written. Overwrite "
        "them with --force, or write elsewhere.\n"
    )
    assert unit.read_text() == edited
    project.deploy("systemd", "shop.py", "--workers", "3", "--force")
    assert "RestartSec=1\n" in unit.read_text()
    assert "--workers 3\n" in unit.read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["shop.py", "absent.py"], "absent.py"),
        (["shop.py", "shop.py"], "Two processes would be called 'shop'"),
        (["shop.py", "--join", "router:8080"], "'router:8080' has no known scheme; use one of"),
        (["shop.py", "--name", "My Shop"], "'My Shop' cannot name a deployment"),
        (["shop.py", "--output", "shop.py"], "cannot be read: Not a directory"),
    ],
)
def test_mistakes_write_nothing(project: Project, words: list[str], sentence: str) -> None:
    done = wampapp("deploy", "systemd", *words, cwd=project.folder)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") <= 2
    assert not (project.folder / "deploy").exists()


def test_a_guest_without_its_executable(project: Project) -> None:
    project.guests(prices="absent-program prices.mjs")
    assert project.deploy("supervisord", "shop.py", code=2) == (
        "Error: The guest prices needs 'absent-program', which is neither on the path nor a file; "
        "install it, or mend its command in [tool.wampapp.deploy.guests] of pyproject.toml.\n"
    )
    (project.folder / "pyproject.toml").write_text("[tool.wampapp.deploy]\nguest = 1\n")
    assert "holds the table guests" in project.deploy("supervisord", "shop.py", code=2)


def test_containers(project: Project) -> None:
    project.guests(prices="node prices.mjs")
    project.deploy("compose", "shop.py")
    found: dict[str, Any] = yaml.safe_load(project.text("compose.yaml"))
    services = found["services"]
    assert list(services) == ["router", "shop", "prices"]
    router, shop, prices = services.values()
    assert router["ports"] == ["127.0.0.1:8080:8080"]
    assert router["healthcheck"]["test"][:3] == ["CMD", "wampapp", "health"]
    assert shop["command"] == ["wampapp", "run", "shop.py", "--url", "rs://router:8080"]
    assert shop["depends_on"] == {"router": {"condition": "service_healthy"}}
    assert shop["healthcheck"]["test"][-2:] == ["--service", "shop"]
    assert prices["environment"] == {"WAMPAPP_URL": "rs://router:8080"}
    assert {one["stop_grace_period"] for one in services.values()} == {"30s"}
    assert project.text("Dockerfile").startswith("# Written by wampapp; ")
    assert "*.env\n" in project.text(".dockerignore")
    elsewhere = project.deploy("compose", "shop.py", "--join", "rs://router.example:8080")
    assert "changed  compose.yaml" in elsewhere
    found = yaml.safe_load(project.text("compose.yaml"))
    assert list(found["services"]) == ["shop", "prices"]


@pytest.mark.parametrize("kind", ["systemd", "supervisord", "compose"])
def test_a_list_of_routers(project: Project, kind: str) -> None:
    project.guests(prices="node prices.mjs")
    project.deploy(kind, "shop.py", "--join", "rs://a:8080, rs://b:8080")
    written = [path for path in project.folder.rglob("*") if path.is_file()]
    texts = [path.read_text() for path in written if path.suffix in (".conf", ".service", ".yaml")]
    assert any("rs://a:8080,rs://b:8080" in text for text in texts)
    assert not any("rs://a:8080, " in text for text in texts)


def test_a_compose_file_is_as_its_specification_says(project: Project) -> None:
    project.guests(prices="node prices.mjs")
    project.deploy("compose", "shop.py", "--workers", "2", "--router-config", "router.toml")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run(*check, project.folder / "compose.yaml")
    assert done.returncode == 0, done.stdout


class Supervised:
    """The project, run by a real supervisord with the file that was written."""

    def __init__(self, project: Project) -> None:
        self.port = free_port()
        self.url = f"rs://127.0.0.1:{self.port}"
        self.folder = project.folder
        project.guests(prices="node prices.mjs")
        words = ("--port", str(self.port), "--directory", str(project.folder))
        project.deploy("supervisord", "shop.py", *words)
        written = project.folder / "deploy" / "supervisord" / "shop.conf"
        parsed = configparser.RawConfigParser()
        parsed.read(written)
        assert len(parsed.sections()) == 3
        self._conf = project.folder / "supervisord.conf"
        self._conf.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile={self.folder}/supervisord.log\n"
            f"childlogdir={self.folder}\npidfile={self.folder}/supervisord.pid\n"
            f"[unix_http_server]\nfile={self.folder}/sock\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.folder}/sock\n"
            f"[include]\nfiles={written}\n"
        )
        self.process = self._module("supervisord", "-n")

    def _module(self, name: str, *words: str) -> Process:
        module = f"supervisor.{name}"
        words = (sys.executable, "-W", "ignore", "-m", module, "-c", str(self._conf), *words)
        return Process(*words, cwd=self.folder, env=environment())

    def states(self) -> dict[str, str]:
        with self._module("supervisorctl", "status") as asked:
            asked.wait()
        return dict(re.findall(r"^shop-(\S+)\s+(\S+)", asked.text, re.MULTILINE))

    def ask(self, procedure: str, *args: object) -> Any:
        """Call the shop, which may be away for a moment."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with connect(self.url, timeout=DEADLINE) as client:
                    return client.call(procedure, *args)
            except WampappError:
                assert time.monotonic() < end, self.process.text


@pytest.fixture
def supervised(project: Project) -> Iterator[Supervised]:
    supervised = Supervised(project)
    with supervised.process:
        yield supervised


@pytest.mark.slow
def test_a_real_supervisord(supervised: Supervised) -> None:
    first = supervised.ask("com.shop.process")
    while set(supervised.states().values()) != {"RUNNING"}:
        pass
    # Killed, it comes back.
    os.kill(first, signal.SIGKILL)
    second = supervised.ask("com.shop.process")
    assert second != first
    # Stopped, the service ends before the router, so that a call in flight completes.
    with connect(supervised.url, timeout=DEADLINE) as client, ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.call, "com.shop.slow", 2)
        while "shop" not in supervised.states():
            pass
        supervised.process.send(signal.SIGTERM)
        assert call.result(DEADLINE) == "done"
    assert supervised.process.wait(DEADLINE) == 0
    log = (supervised.folder / "supervisord.log").read_text()
    stopped = re.findall(r"stopped: shop-(\S+) \(exit status 0\)", log)
    assert stopped.index("shop") < stopped.index("router"), log
