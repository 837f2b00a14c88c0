"""Programs of Debian's that the tests run, without installing them: no service of theirs starts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wampapp.crossbar import Progress, cache_folder, install_once


def debian_program(name: str, *packages: str, progress: Progress | None = None) -> Path:
    """Return a program's path; one that is not installed comes from packages, unpacked once.

    Where neither can be had, the test is skipped; in CI it fails.
    """
    path = os.environ.get("PATH", "")
    if found := shutil.which(name, path=f"{path}:/usr/sbin"):
        return Path(found)

    def build(folder: Path) -> None:
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages]
        if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
            subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=True)
            subprocess.run(download, cwd=folder, capture_output=True, check=True)
        for file in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", file.name, "."], cwd=folder, check=True)
            file.unlink()

    folder = cache_folder() / f"debian-{name}"
    places = [f"usr/bin/{name}", f"usr/sbin/{name}"]
    try:
        install_once(folder, f"Debian's {name}", "usr", build, progress)
    except (OSError, subprocess.CalledProcessError) as error:
        sentence = f"{name} is neither installed nor to be had from Debian: {error}"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return next(folder / place for place in places if (folder / place).exists())
