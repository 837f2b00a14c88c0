"""Our documents in AsyncAPI's own hands: the schema of its specification, and its parser."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.node import node_package
from tests.support.process import DEADLINE, ROOT, wampapp
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SHOP = ROOT / "tests" / "unit" / "describe" / "shop.py"
TARGETS = [SHOP, ROOT / "examples" / "forum" / "forum.py", *sorted(ROOT.glob("examples/*.py"))]
SPECS, PARSER = "6.11.1", "3.6.6"

PARSE = """
const { Parser } = require("@asyncapi/parser");
const { readFileSync } = require("fs");
(async () => {
  for (const file of process.argv.slice(1)) {
    const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
    for (const one of diagnostics)
      if (one.severity === 0) console.log(file, one.path.join("."), one.message);
    if (document) console.log("parsed", document.operations().all().length);
  }
})();
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("documents")
    found: list[Path] = []
    for target in TARGETS:
        path = folder / f"{target.stem}.json"
        done = wampapp("docs", target, "-o", path, cwd=folder)
        if "has no App" in done.stderr or "'if __name__" in done.stderr:
            continue  # a script
        assert done.returncode == 0, (target, done.stderr)
        found.append(path)
    assert len(found) > 3
    return found


def test_they_fit_the_schema_of_the_specification(
    documents: list[Path], progress: Progress
) -> None:
    folder = node_package("@asyncapi/specs", SPECS, progress) / "node_modules/@asyncapi/specs"
    schema = json.loads((folder / "schemas" / "3.0.0-without-$id.json").read_text())
    validator: Any = jsonschema.Draft7Validator(schema)
    for path in documents:
        assert [e.message for e in validator.iter_errors(json.loads(path.read_text()))] == [], path


def test_its_parser_has_nothing_to_say_against_them(
    documents: list[Path], progress: Progress
) -> None:
    modules = node_package("@asyncapi/parser", PARSER, progress) / "node_modules"
    words = ["node", "-e", PARSE, *map(str, documents)]
    env = {"NODE_PATH": str(modules), "PATH": os.environ["PATH"]}
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["parsed"] * len(documents), done.stdout
