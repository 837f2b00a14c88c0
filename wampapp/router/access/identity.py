"""Who a session is, who it says it is, and what it has to prove of that. Sans-I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UNAVAILABLE, WampError
from wampapp.protocol.channel import BINDINGS
from wampapp.router.access.proofs import ANONYMOUS, COOKIE, key_of, nonce_of
from wampapp.router.access.rights import NO_RIGHTS, Rights

if TYPE_CHECKING:
    from wampapp.config.access import Principal
    from wampapp.protocol.channel import Channel
    from wampapp.router.access.proofs import Proof
    from wampapp.transport.link import Link

#: Of what HELLO offers, that many methods are looked at, and that much of a name.
_MAX_METHODS: Final = 16
_MAX_AUTHID: Final = 256


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a session is.

    Attributes:
        authid: its name; empty for a random one.
        authrole: its role.
        authmethod: how it proved that.
        rights: what it may do.
        extra: what WELCOME carries as ``authextra``.
    """

    authid: str
    authrole: str
    authmethod: str = ANONYMOUS
    rights: Rights = NO_RIGHTS
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """What an app has said of a web page.

    Attributes:
        authid: who it is; None for nobody in particular.
        role: in which role; None where that is for the configuration to say.
        is_known: whether there was an answer.
    """

    authid: str | None = None
    role: str | None = None
    is_known: bool = True

    def check(self) -> None:
        """Check that there was an answer: who somebody is must not depend on who is away.

        Raises:
            WampError: there was none.
        """
        if not self.is_known:
            text = "Who this page is cannot be found out now; try again later."
            raise WampError(UNAVAILABLE, text)


@dataclass(frozen=True, slots=True)
class Hello:
    """What is looked at of a HELLO.

    Attributes:
        methods: the methods that the client offers.
        authid: who it says it is; empty where it does not say.
        nonce: its nonce for SCRAM; None without one.
        public_key: its key for cryptosign; anything.
        channel: the TLS that it comes by; None without.
        binding: what its signature is to be bound to; None for nothing that is known here.
        request: what a web page's WebSocket began with; None for anything else.
        page: who that page is; None where nobody was asked.
        found: who it is by the realm's authenticator; None where it was not asked, or does not
            know.
        is_answered: whether the authenticator answered, if it was asked.
    """

    methods: tuple[Any, ...]
    authid: str
    nonce: str | None
    public_key: object
    channel: Channel | None = None
    binding: str | None = None
    request: dict[str, Any] | None = None
    page: Page | None = None
    found: Principal | None = None
    is_answered: bool = True

    @property
    def is_page(self) -> bool:
        """Whether it is a web page, and what that proves counts."""
        return self.request is not None and (COOKIE in self.methods or ANONYMOUS in self.methods)


def hello_of(details: dict[str, Any], link: Link | None = None) -> Hello:
    """Return what is looked at of a HELLO.

    Args:
        details: its details.
        link: the link that it came by.
    """
    offered = details.get("authmethods")
    methods = offered[:_MAX_METHODS] if isinstance(offered, list) and offered else [ANONYMOUS]
    authid = details.get("authid")
    is_name = isinstance(authid, str) and len(authid) <= _MAX_AUTHID
    extra = details.get("authextra")
    extra = extra if isinstance(extra, dict) else {}
    return Hello(
        tuple(method for method in methods if isinstance(method, str)),
        str(authid) if is_name else "",
        nonce_of(extra),
        key_of(extra),
        None if link is None else link.channel,
        next((kind for kind in BINDINGS if extra.get("channel_binding") == kind), None),
        None if link is None else link.request,
    )


@dataclass(slots=True)
class Joining:
    """Somebody who was sent a CHALLENGE.

    Attributes:
        realm: the realm's name.
        method: the method.
        proof: what the answer is checked against.
        authid: who it is, if the answer is right.
        authrole: in which role.
        is_answered: whether AUTHENTICATE has come.
    """

    realm: str
    method: str
    proof: Proof
    authid: str
    authrole: str
    is_answered: bool = False
