"""A compose file for containers, and a Dockerfile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from wampapp.cli.deploy.plan import STOP_SECONDS

if TYPE_CHECKING:
    from wampapp.cli.deploy.plan import Plan, Program

_DOCKERFILE: Final = """\
FROM python:3.13-slim
WORKDIR /srv/app
COPY . .
# Name what the project needs in requirements.txt or in its pyproject.toml.
RUN python -m venv .venv && \\
    if [ -f requirements.txt ]; then .venv/bin/pip install --no-cache-dir -r requirements.txt; \\
    else .venv/bin/pip install --no-cache-dir .; fi
RUN useradd --system app && mkdir -p instance && chown app instance
USER app
ENV PATH=/srv/app/.venv/bin:$PATH WAMPAPP_LOG_FORMAT=json
"""
_IGNORED: Final = ".git\n.venv\ninstance\n__pycache__\n*.env\n"


def files(plan: Plan) -> dict[str, str]:
    """Return the files of a deployment, by name.

    Args:
        plan: the deployment.
    """
    # Within the network of the file, each process is reached by its name.
    url = plan.url
    if plan.router is not None:
        url = f"rs://router:{urlsplit(url).port}"
    services = {one.name: _service(plan, one, url) for one in plan.programs}
    composed = {"name": plan.name, "services": services, "volumes": {"instance": {}}}
    return {
        "compose.yaml": _yaml(composed),
        "Dockerfile": _DOCKERFILE,
        ".dockerignore": _IGNORED,
    }


def _service(plan: Plan, program: Program, url: str) -> dict[str, Any]:
    words = [url if word == plan.url else word for word in program.words]
    found: dict[str, Any] = {
        "build": ".",
        "init": True,
        "restart": "on-failure:10",
        "stop_grace_period": f"{STOP_SECONDS}s",
        "env_file": [{"path": f"{plan.name}.env", "required": False}],
    }
    if program.kind == "router":
        # Only containers of this file reach it, and this machine at its own port.
        words += ["--host", "0.0.0.0"]  # noqa: S104 - within the network of the file
        if "--router-config" not in words:
            words.append("--allow-anonymous")
        port = urlsplit(plan.url).port
        found["ports"] = [f"127.0.0.1:{port}:{port}"]
        found["healthcheck"] = _check("wampapp", "health", "--url", f"rs://127.0.0.1:{port}")
    else:
        found["volumes"] = ["instance:/srv/app/instance"]
        if plan.router is not None:
            found["depends_on"] = {"router": {"condition": "service_healthy"}}
        if program.is_health_checked:
            found["healthcheck"] = _check(
                "wampapp", "health", "--url", url, "--service", program.name_of_service
            )
        if not program.is_ours:
            found["environment"] = {"WAMPAPP_URL": url}
        if "--http" in words:
            at = words.index("--http") + 1
            page = words[at].rpartition(":")[2]
            words[at] = f"0.0.0.0:{page}"
            found["ports"] = [f"127.0.0.1:{page}:{page}"]
    found["command"] = words
    return found


def _check(*words: str) -> dict[str, Any]:
    return {
        "test": ["CMD", *words],
        "interval": "10s",
        "timeout": "10s",
        "start_period": "30s",
        "start_interval": "1s",
    }


def _yaml(value: Any, indent: int = 0) -> str:
    """Return a value as YAML, of which JSON is a part: mappings in blocks, all else as JSON."""
    lines = []
    for key, one in value.items():
        start = f"{' ' * indent}{key}:"
        if isinstance(one, dict) and one:
            lines.append(f"{start}\n{_yaml(one, indent + 2)}")
        else:
            lines.append(f"{start} {json.dumps(one)}\n")
    return "".join(lines)
