"""The records of who may do what: what they take, and what they refuse with which sentence."""

from collections.abc import Callable

import pytest

from wampapp.config.access import Permission, Principal, RealmConfig, Role, RouterConfig
from wampapp.errors import UsageError
from wampapp.protocol.hashes import TicketHash

GUEST = Role("guest")
KEY = "ab" * 32


@pytest.mark.parametrize(
    ("permission", "uri", "match"),
    [
        (Permission("com.shop"), "com.shop", "exact"),
        (Permission("com.shop.<sku>.price"), "com.shop..price", "wildcard"),
        (Permission("com.log.<path:rest>"), "com.log.", "prefix"),
        (Permission("", match="prefix"), "", "prefix"),
        (Permission("com..price", match="wildcard"), "com..price", "wildcard"),
        (Permission("com.sh", match="prefix"), "com.sh", "prefix"),
    ],
)
def test_a_permission_says_how_it_matches(permission: Permission, uri: str, match: str) -> None:
    assert (permission.uri, permission.match) == (uri, match)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Permission(""), "is not valid; match = 'prefix' makes it everything."),
        (lambda: Permission("com..x"), "The permission's URI 'com..x' is not valid."),
        (lambda: Permission(7), "A permission's uri is 7; give a string"),  # type: ignore[arg-type]
        (lambda: Permission("a", match="glob"), "match is 'glob'; it can be 'exact', 'prefix'"),
        (lambda: Permission("a.<b>", match="exact"), "leave match= out"),
        (lambda: Permission("a", allow=["cal"]), "cannot allow 'cal'; it can allow call, register"),
        (lambda: Permission("a", allow="call"), "allow is 'call'; give a list of call, register"),
        (lambda: Permission("a", disclose=["me"]), "disclose 'me'; it can disclose caller, publ"),
        (lambda: Role(""), "The name '' of a role is not a text"),
        (lambda: Role("trusted"), "apps in the router's own process; choose another name."),
        (lambda: Role("r", [Permission("a"), Permission("a")]), "two permissions for 'a'"),
        (lambda: Principal("", "guest"), "The name '' of a principal is not"),
        (
            lambda: Principal("x", "guest", ticket="hush"),  # type: ignore[arg-type]
            "The ticket of the principal 'x' is of type str; give wampapp.router.TicketHash.of",
        ),
        (lambda: Principal("x", "guest", cryptosign=["ab"]), "is not a list of public keys"),
        (lambda: Principal("x", "guest", tls=["ab:cd"]), "is not a list of certificates"),
        (lambda: Principal("x", "guest", tls=["CN= "]), "is not a list of certificates"),
        (lambda: Principal("x", "guest", tls="CN=x"), "is not a list of certificates"),
        (lambda: Principal("x", "guest", tls=[1]), "is not a list of certificates"),
        (lambda: Principal("x", "guest", cryptosign=KEY), "is not a list of public keys"),
        (lambda: RealmConfig("a b"), "The realm 'a b' is not a valid name"),
        (lambda: RealmConfig("r", [GUEST, GUEST]), "The role 'guest' is there twice"),
        (
            lambda: RealmConfig("r", [GUEST], [Principal("x", "admin")]),
            "has the role 'admin', which the realm 'r' does not have; its roles are guest.",
        ),
        (lambda: RealmConfig("r", anonymous="guest"), "Anonymous sessions have the role 'guest'"),
        (
            lambda: RealmConfig(
                "r",
                [GUEST],
                [
                    Principal("x", "guest", cryptosign=[KEY]),
                    Principal("y", "guest", cryptosign=[KEY.upper()]),
                ],
            ),
            "The principals 'x' and 'y' have the same public key",
        ),
        (
            lambda: RouterConfig([RealmConfig("r"), RealmConfig("r")]),
            "The realm 'r' is there twice",
        ),
    ],
)
def test_a_mistake_is_one_sentence(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert sentence in str(caught.value)
    assert "hush" not in str(caught.value)


def test_no_secret_is_shown() -> None:
    kept = TicketHash.of("hush")
    shown = repr(Principal("x", "guest", ticket=kept))
    assert "hush" not in shown
    assert kept.text.split("$")[-1] not in shown
