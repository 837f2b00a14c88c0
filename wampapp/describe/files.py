"""Descriptions in files: JSON, YAML, Markdown and HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from wampapp.describe.asyncapi import to_document
from wampapp.describe.reading import from_document
from wampapp.errors import UsageError
from wampapp.registry.extras import check_extra

if TYPE_CHECKING:
    from _typeshed import StrPath

    from wampapp.describe.api import Api

#: How a description is written.
Format = Literal["json", "yaml", "markdown", "html"]

#: The formats, by how a file's name ends.
FORMATS: Final[dict[str, Format]] = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}


def write(api: Api, form: Format, *, is_strange: bool = False) -> str:
    """Return a description as the text of a file; it ends with a newline.

    Args:
        api: the description.
        form: the format; JSON and YAML are AsyncAPI documents.
        is_strange: whether others wrote the texts, so that Markdown in them is not to count.

    Raises:
        UsageError: PyYAML is needed, and not installed.
    """
    if form == "markdown":
        from wampapp.describe.markdown import to_markdown

        return to_markdown(api, is_strange=is_strange)
    if form == "html":
        from wampapp.describe.page import to_page

        return to_page(api)
    document = to_document(api)
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    check_extra("YAML", "yaml", extra="docs")
    import yaml

    return str(yaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True))


def read(path: StrPath) -> Api:
    """Return the description in a file that :func:`write` wrote, in JSON or YAML.

    Raises:
        UsageError: there is no such file, it cannot be read, or it is something else.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(f"There is no file {str(path)!r}.") from None
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{str(path)!r} is not UTF-8 text.") from None
    document = _parsed(path, text)
    try:
        return from_document(document)
    except UsageError as error:
        raise UsageError(f"{str(path)!r} cannot be used: {error}.") from None


def _parsed(path: Path, text: str) -> Any:
    if FORMATS.get(path.suffix.lower()) != "yaml":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{str(path)!r} is not JSON: {error}.") from None
    check_extra("YAML", "yaml", extra="docs")
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise UsageError(f"{str(path)!r} is not YAML: {what}.") from None


def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes each thing out where it stands, instead of pointing at an equal one."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

    return Dumper
