"""Programs of Debian's that the tests run, without installing them: no service of theirs starts."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.process import environment
from wampapp.crossbar import Progress, cache_folder, install_once


def debian_program(name: str, *packages: str, progress: Progress | None = None) -> Path:
    """Return a program's path; one that is not installed comes from packages, unpacked once.

    Where neither can be had, the test is skipped; in CI it fails.
    """
    path = os.environ.get("PATH", "")
    if found := shutil.which(name, path=f"{path}:/usr/sbin"):
        return Path(found)
    folder = debian_folder(name, packages, progress)
    places = [f"usr/bin/{name}", f"usr/sbin/{name}"]
    return next(folder / place for place in places if (folder / place).exists())


def debian_tool(
    name: str, package: str, progress: Progress | None = None
) -> tuple[Path, dict[str, str]]:
    """Return a program's path and the environment that it needs: it comes with its libraries.

    Where it cannot be had, the test is skipped; in CI it fails.
    """
    path = os.environ.get("PATH", "")
    if found := shutil.which(name, path=f"{path}:/usr/sbin:/sbin"):
        return Path(found), environment()
    folder = debian_folder(name, [package], progress, with_all_it_needs=True)
    libraries = [
        str(one)
        for root in (folder / "usr" / "lib", folder / "lib")
        for pattern in ("*-linux-gnu", "*-linux-gnu/systemd", "systemd")
        for one in root.glob(pattern)
    ]
    places = [folder / start / name for start in ("usr/bin", "usr/sbin", "bin", "sbin")]
    program = next(place for place in places if place.exists())
    return program, environment(LD_LIBRARY_PATH=":".join(libraries))


def debian_folder(
    name: str,
    packages: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    with_all_it_needs: bool = False,
) -> Path:
    """Return a folder into which packages are unpacked, once.

    With `with_all_it_needs`, those that they depend on come too, unless they are installed; else
    only these packages. Where they cannot be had, the test is skipped; in CI it fails.
    """

    def run(*words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True)
        return done.stdout

    def download(cwd: Path) -> None:
        wanted = list(packages)
        if with_all_it_needs:
            would = run("apt-get", "-s", "--no-install-recommends", "install", *packages)
            wanted = re.findall(r"^Inst (\S+)", would, re.MULTILINE)
        run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *wanted, cwd=cwd)

    def build(folder: Path) -> None:
        try:
            download(folder)
        except subprocess.CalledProcessError:
            run("apt-get", "-qq", "update")
            download(folder)
        for file in folder.glob("*.deb"):
            run("dpkg", "-x", file.name, ".", cwd=folder)
            file.unlink()

    folder = cache_folder() / f"debian-{name}"
    try:
        install_once(folder, f"Debian's {name}", "usr", build, progress)
    except (OSError, subprocess.CalledProcessError) as error:
        sentence = f"{name} is neither installed nor to be had from Debian: {error}"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return folder
