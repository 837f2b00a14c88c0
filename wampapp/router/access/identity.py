"""Who a session is, who it says it is, and what it has to prove of that. Sans-I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from wampapp.router.access.proofs import ANONYMOUS, key_of, nonce_of
from wampapp.router.access.rights import NO_RIGHTS, Rights

if TYPE_CHECKING:
    from wampapp.router.access.proofs import Proof

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
class Hello:
    """What is looked at of a HELLO.

    Attributes:
        methods: the methods that the client offers.
        authid: who it says it is; empty where it does not say.
        nonce: its nonce for SCRAM; None without one.
        public_key: its key for cryptosign; anything.
    """

    methods: tuple[Any, ...]
    authid: str
    nonce: str | None
    public_key: object


def hello_of(details: dict[str, Any]) -> Hello:
    """Return what is looked at of the details of a HELLO."""
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
