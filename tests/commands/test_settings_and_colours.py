"""Where a command's options come from, and what a terminal makes of commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.support.process import (
    FULL_DISK,
    ROOT,
    EmbeddedRouter,
    Process,
    Wampapp,
    environment,
    onto_a_full_disk,
    run,
    wampapp,
)
from tests.support.programs import program
from tests.support.terminal import Terminal, WampappTerminal
from wampapp.cli.group import SECTIONS, cli

NAMES = [name for commands in SECTIONS.values() for name in commands]

APP = program("settings_and_colours_app.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def realm_of(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """The realm that a service joins."""
    with Wampapp("run", *words, "--port", "0", cwd=cwd, env=env) as service:
        service.until("Press Ctrl-C")
        realm = service.until(r"realm +(\S+)")[1]
        assert service.stop() == 0, service.text
    return realm


# A project's table.


def test_a_projects_table_says_what_the_command_line_does_not(project: Path) -> None:
    table = project / "pyproject.toml"
    table.write_text('[tool.wampapp]\ntarget = "app:app"\nrealm = "from.the.project"\n')
    assert realm_of(cwd=project) == "from.the.project"
    assert wampapp("uris", cwd=project).stdout.startswith("procedure  com.example.add(")
    variable = environment(WAMPAPP_REALM="from.a.variable")
    assert realm_of(cwd=project, env=variable) == "from.a.variable"
    assert realm_of("--realm", "from.an.option", cwd=project, env=variable) == "from.an.option"
    table.write_text('[tool.wampapp]\ntarget = "app:app"\n')
    assert realm_of(cwd=project) == "from.the.app"


def test_a_projects_router_is_for_every_command(project: Path, embedded: EmbeddedRouter) -> None:
    (project / "pyproject.toml").write_text(f'[tool.wampapp]\nurl = "{embedded.rs_url}"\n')
    with Wampapp("run", "app.py", "--realm", "realm1", cwd=project) as service:
        service.until("Press Ctrl-C")
        done = wampapp("call", "com.example.add", "2", "3", cwd=project)
        assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


def test_a_projects_files_are_watched(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.wampapp]\nwatch = ["*.html"]\n')
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        service.until("Press Ctrl-C")
        (project / "page.html").touch()
        service.until("Reloaded in .*: page.html")
        assert service.stop() == 0, service.text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[tool.wampapp]\ntraget = "a"', "cannot hold 'traget'; did you mean 'target'?"),
        (
            "[tool.wampapp]\nport = 1",
            "cannot hold 'port'; the keys are target, url, realm, watch, deploy.",
        ),
        ("[tool.wampapp]\nurl = 1", "in [tool.wampapp], url must be a string."),
        ('[tool.wampapp]\nwatch = "a"', "in [tool.wampapp], watch must be a list of strings."),
        ("[tool.wampapp]\nwatch = [1]", "in [tool.wampapp], watch must be a list of strings."),
        ("[tool]\nwampapp = 1", "tool.wampapp is not a table; write [tool.wampapp]."),
        ("[tool", "is not valid TOML"),
        ('x = "\udce4"', "is not valid TOML"),
    ],
)
def test_a_table_that_cannot_be_is_told(project: Path, text: str, sentence: str) -> None:
    (project / "pyproject.toml").write_bytes(text.encode(errors="surrogateescape"))
    done = wampapp("uris", "app.py", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_target_it_is_asked_for(project: Path) -> None:
    for command in ("run", "uris"):
        done = wampapp(command, cwd=project)
        assert done.returncode == 2
        assert "Which app? Write module:app or path/file.py" in done.stderr
    named = environment(WAMPAPP_TARGET="app.py")
    assert wampapp("uris", cwd=project, env=named).returncode == 0


# Variables.


def every_option() -> list[tuple[str, click.Option]]:
    ctx = click.Context(cli)
    commands = {name: cli.get_command(ctx, name) for name in NAMES}
    return [
        (name, option)
        for name, command in commands.items()
        if command is not None
        for option in command.params
        if isinstance(option, click.Option)
    ]


def test_every_option_has_a_variable() -> None:
    text = "".join(file.read_text("utf-8") for file in (ROOT / "wampapp").rglob("*.py"))
    for command, option in every_option():
        if option.envvar:
            assert isinstance(option.envvar, str)
            assert re.fullmatch(r"WAMPAPP_[A-Z_]+", option.envvar), (command, option.name)
        else:  # read by hand
            name = max(option.opts, key=len).lstrip("-").replace("-", "_").upper()
            assert f'"WAMPAPP_{name}"' in text, (command, option.name)


def test_a_script_heeds_them_too(project: Path, free_port: int) -> None:
    env = environment(
        WAMPAPP_PORT=str(free_port),
        WAMPAPP_REALM="other",
        WAMPAPP_ALLOW_ORIGIN="https://a https://b",
    )
    with Process(sys.executable, "app.py", cwd=project, env=env) as service:
        service.until(rf"rs://127.0.0.1:{free_port}$")
        service.until("realm +other$")
        service.until("Press Ctrl-C")
        assert service.stop() == 0, service.text
    done = run(sys.executable, "app.py", cwd=project, env=environment(WAMPAPP_PORT="many"))
    assert (done.returncode, done.stderr) == (
        2,
        "Error: WAMPAPP_PORT is 'many'; give a number.\n",
    )


def test_a_file_of_variables(project: Path) -> None:
    file = project / ".env"
    file.write_text(
        "# comment\nexport WAMPAPP_REALM='from.the.file'\n\nOTHER=\"a b\"\nWAMPAPP_TARGET=app.py\n"
    )
    assert realm_of("--env-file", ".env", cwd=project) == "from.the.file"
    set_already = environment(WAMPAPP_REALM="from.outside")
    assert realm_of("--env-file", ".env", cwd=project, env=set_already) == "from.outside"
    named = environment(WAMPAPP_ENV_FILE=str(file))
    assert realm_of(cwd=project, env=named) == "from.the.file"
    # A service in processes of its own has them as well.
    assert realm_of("--workers", "2", "--env-file", ".env", cwd=project) == "from.the.file"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "The env file .env cannot be read: No such file or directory."),
        (b"A=1\nno value here\n", "The env file .env, line 2: write NAME=value."),
        (b"A=\xff\n", "The env file .env is not a text file."),
    ],
)
def test_a_file_of_variables_that_is_none(
    project: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (project / ".env").write_bytes(content)
    done = wampapp("run", "--env-file", ".env", "app.py", cwd=project)
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


# Help, versions, colours.


@pytest.mark.parametrize("name", NAMES)
def test_help_names_every_option(name: str) -> None:
    done = wampapp(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command, option in every_option():
        if command == name:
            assert max(option.opts, key=len) in done.stdout


def test_help_names_every_command_and_exit_code() -> None:
    done = wampapp("--help", env=environment(COLUMNS="80"))
    assert len(done.stdout.splitlines()) < 24
    assert "..." not in done.stdout.partition("\n")[2]
    brief = ("In production", "Components")
    for name in NAMES:
        found = re.search(rf"^  {name} +(\S.*)$", done.stdout, re.MULTILINE)
        assert found or any(name in SECTIONS[title] for title in brief), name
    for title in brief:
        assert f"\n{title}: {', '.join(SECTIONS[title])}\n" in done.stdout
    assert "3 no router, 4 refused" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_in_usage_exits_2_and_says_where_help_is(name: str) -> None:
    done = wampapp(name, "--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Try 'wampapp {name} --help' for help." in done.stderr
    assert "No such option" in done.stderr


def test_a_command_that_is_not_there() -> None:
    done = wampapp("rnu")
    assert done.returncode == 2
    assert "No such command 'rnu'" in done.stderr


def test_colours_are_for_terminals(project: Path) -> None:
    def shown(*, colour: bool = True) -> str:
        env = environment(COLUMNS="80") if colour else environment(NO_COLOR="1")
        with WampappTerminal("uris", "app.py", cwd=project, env=env) as terminal:
            assert terminal.wait() == 0
            return terminal.raw

    assert "\x1b[" in shown()
    assert "\x1b[" not in shown(colour=False)
    plain = wampapp("uris", "app.py", cwd=project).stdout
    assert "\x1b[" not in plain
    assert shown(colour=False).replace("\r\n", "\n") == plain


def test_a_terminal_of_another_encoding_ends_nothing(project: Path) -> None:
    (project / "app.py").write_text(APP.replace("def add(", "def größe_数("))
    env = environment(PYTHONIOENCODING="latin-1")
    done = subprocess.run(
        [sys.executable, "-m", "wampapp", "uris", "app.py"],
        cwd=project,
        env=env,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"com.example.gr" + "öße".encode("latin-1") + rb"_\u6570(" in done.stdout
    assert "größe_数" in wampapp("uris", "app.py", cwd=project).stdout


def test_what_is_no_text_is_told(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wampapp", "run", b"\xff\xfe.py"],
        cwd=project,
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert b"There is no file" in done.stderr
    assert b"Traceback" not in done.stderr


# Completion.


def test_bash_completes(project: Path) -> None:
    folder = Path(sys.executable).parent
    if not (folder / "wampapp").exists():
        pytest.fail("wampapp is not installed beside this Python")
    env = environment(PATH=f"{folder}:{os.environ['PATH']}", PS1="ready> ", INPUTRC="/dev/null")
    with Terminal("bash", "--norc", "--noprofile", "-i", cwd=project, env=env) as terminal:
        terminal.until("ready> ")
        terminal.type('eval "$(_WAMPAPP_COMPLETE=bash_source wampapp)"')
        terminal.until("ready> ")
        for begun, rest in [
            ("wampapp ro", "uter "),
            ("wampapp run --rel", "oad "),
            ("wampapp run --log-level warn", "ing "),
            ("wampapp run ap", "p.py "),
            ("wampapp run --env-file ap", "p.py "),
        ]:
            terminal.type(begun, enter=False)
            terminal.press("tab")
            terminal.until(f"{begun}{rest}")
            terminal.press("ctrl-u")
        terminal.type("exit")
        assert terminal.wait() == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    done = wampapp(env=environment(_WAMPAPP_COMPLETE=f"{shell}_source"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "_WAMPAPP_COMPLETE" in done.stdout


# Ends.


def test_ctrl_c_while_it_imports(project: Path) -> None:
    (project / "slow.py").write_text("print('begun', flush=True)\nimport time\ntime.sleep(60)\n")
    with WampappTerminal("run", "slow.py", cwd=project) as terminal:
        terminal.until("begun")
        terminal.press("ctrl-c")
        assert terminal.wait() == 130
        assert "Traceback" not in terminal.text
        assert "Interrupted." in terminal.text


def test_a_full_disk_is_told(project: Path) -> None:
    assert onto_a_full_disk("uris", "app.py", cwd=project) == (1, FULL_DISK)
