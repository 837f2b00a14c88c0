"""Has pages reload themselves when the service has been started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp.registry.web_records import OWN

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

_POLICY: Final = "Content-Security-Policy"
#: What error pages of ours have, and what they have when a script of ours is in them.
_STRICT: Final = "default-src 'none'"
_WITH_SCRIPT: Final = "default-src 'none'; script-src 'self'; connect-src 'self'"


def make_live(response: Response, request: Request, generation: int) -> None:
    """Put the script that reloads a page into it, if the response is a page in a browser.

    Args:
        response: the response.
        request: the request.
        generation: which start of the service has made it.
    """
    is_page = response.mimetype == "text/html" and response.is_sequence and response.data
    if not is_page or "text/html" not in request.headers.get("Accept", ""):
        return
    source = f"{request.script_root}{OWN}/reload.js?of={generation}"
    script = f'\n<script type="module" src="{source}"></script>\n'
    response.data += script.encode()
    if response.headers.get(_POLICY) == _STRICT:
        response.headers[_POLICY] = _WITH_SCRIPT
