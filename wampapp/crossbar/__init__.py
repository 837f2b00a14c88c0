"""A real Crossbar.io, for trials and tests: installed and run in an environment of its own."""

from wampapp.crossbar.installation import (
    VERSION,
    InstallError,
    Progress,
    cache_folder,
    environment,
    install_once,
    run_installer,
)
from wampapp.crossbar.node import Crossbar, CrossbarError, node_configuration

__all__ = [
    "VERSION",
    "Crossbar",
    "CrossbarError",
    "InstallError",
    "Progress",
    "cache_folder",
    "environment",
    "install_once",
    "node_configuration",
    "run_installer",
]
