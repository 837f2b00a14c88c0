"""Templates: Jinja's, next to the files that have the views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, TemplateNotFound, select_autoescape

from wampapp.errors import UsageError
from wampapp.registry.web_records import TEMPLATES
from wampapp.web import current as here
from wampapp.web.flashing import get_flashed_messages
from wampapp.web.urls import url_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ESCAPED: Final = ("html", "htm", "xml", "xhtml", "svg")


def environment(roots: Iterable[Path]) -> Environment:
    """Return what renders the templates of an app.

    Args:
        roots: the folders with a ``templates`` folder; of two templates with one name, the first
            folder's is taken.
    """
    made = Environment(
        loader=FileSystemLoader([root / TEMPLATES for root in roots]),
        autoescape=select_autoescape(_ESCAPED, default_for_string=True),
    )
    made.globals.update(
        url_for=url_for,
        get_flashed_messages=get_flashed_messages,
        request=here.request,
        session=here.session,
        g=here.g,
    )
    return made


def render_template(name: str, /, **values: Any) -> str:
    """Render a template.

    Args:
        name: its path in ``templates``, such as ``"index.html"``.
        values: what it can name.

    Raises:
        UsageError: there is no such template.
    """
    found = here.current().site.templates()
    try:
        return found.get_template(name).render(**values)
    except TemplateNotFound as error:
        loader = found.loader
        places = " or ".join(loader.searchpath if isinstance(loader, FileSystemLoader) else [])
        raise UsageError(f"There is no template {error.name!r} in {places}.") from None


def render_template_string(source: str, /, **values: Any) -> str:
    """Render a template that is given as text.

    Args:
        source: the template.
        values: what it can name.
    """
    return here.current().site.templates().from_string(source).render(**values)
