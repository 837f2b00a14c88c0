"""Which of several settings counts."""

from pathlib import Path
from typing import Any

import pytest

from wampapp import Ticket, Tls, UsageError
from wampapp.config.limits import Limits
from wampapp.config.records import Config
from wampapp.config.settle import (
    RUNNING,
    check_run_options,
    override,
    settle,
    settle_credential,
    settle_log,
    settle_tls,
)
from wampapp.errors import InvalidUrl

OWN = Config(
    url="rs://own", realm="own", host="10.0.0.1", port=1, handshake_timeout=1, give_up_after=1
)
VARIABLES = {
    "WAMPAPP_URL": "rs://variable",
    "WAMPAPP_REALM": "variable",
    "WAMPAPP_HOST": "10.0.0.2",
    "WAMPAPP_PORT": "2",
    "WAMPAPP_DEBUG": "1",
    "WAMPAPP_ALLOW_ORIGIN": "https://a.example https://b.example",
    "WAMPAPP_ALLOW_ANONYMOUS": "1",
    "WAMPAPP_TLS_CERT": "variable.pem",
    "WAMPAPP_TLS_KEY": "variable.key",
    "WAMPAPP_LIMIT": "unsent=1MiB calls=7",
    "WAMPAPP_HANDSHAKE_TIMEOUT": "2.5",
    "WAMPAPP_GIVE_UP_AFTER": "2",
}
READ: dict[str, Any] = {
    "url": "rs://variable",
    "realm": "variable",
    "host": "10.0.0.2",
    "port": 2,
    "debug": True,
    "allow_origins": ("https://a.example", "https://b.example"),
    "allow_anonymous": True,
    "tls_cert": "variable.pem",
    "tls_key": "variable.key",
    "limits": Limits(unsent=2**20, calls=7),
    "handshake_timeout": 2.5,
    "give_up_after": 2.0,
}
GIVEN: dict[str, Any] = {
    "url": "rs://given",
    "realm": "given",
    "host": "10.0.0.3",
    "port": 3,
    "debug": False,
    "allow_origins": ("https://c.example",),
    "allow_anonymous": False,
    "tls_cert": "given.pem",
    "tls_key": "given.key",
    "limits": Limits(calls=8),
    "handshake_timeout": 3,
    "give_up_after": 0,
}


@pytest.mark.parametrize("field", READ)
def test_what_was_given_comes_before_its_variable_and_that_before_the_app_s_own(field: str) -> None:
    def settled(environ: dict[str, str], **given: Any) -> Any:
        return getattr(settle(OWN, variables=RUNNING, environ=environ, **given), field)

    assert settled(VARIABLES, **GIVEN) == GIVEN[field]
    assert settled(VARIABLES, **{field: None}) == READ[field]
    assert settled(dict.fromkeys(VARIABLES, "")) == getattr(OWN, field)


def test_only_the_variables_of_the_router_count_unless_more_are_asked_for() -> None:
    config = settle(OWN, environ=VARIABLES)
    assert (config.url, config.realm) == ("rs://variable", "variable")
    assert (config.host, config.port, config.debug) == ("10.0.0.1", 1, False)


def test_a_variable_that_is_not_a_number_is_named() -> None:
    with pytest.raises(UsageError, match=r"^WAMPAPP_PORT is 'x'; give a number\.$"):
        settle(OWN, variables=RUNNING, environ={"WAMPAPP_PORT": "x"})


def test_a_variable_that_does_not_count_may_be_wrong() -> None:
    environ = {"WAMPAPP_PORT": "x", "WAMPAPP_URL": "x", "WAMPAPP_AUTHMETHOD": "x"}
    given: dict[str, Any] = {"url": "rs://given", "port": 3, "auth": Ticket("ada", "1234")}
    config = settle(OWN, variables=RUNNING, environ=environ, **given)
    assert (config.url, config.port, config.auth) == tuple(given.values())


def test_a_url_that_counts_is_checked() -> None:
    with pytest.raises(InvalidUrl):
        settle(OWN, environ={"WAMPAPP_URL": "x"})


def test_a_credential_is_ranked_value_by_value_and_replaces_the_app_s_as_a_whole() -> None:
    own = Config(auth=Ticket("own", "own"))
    environ = {"WAMPAPP_AUTHMETHOD": "ticket", "WAMPAPP_AUTHID": "ada", "WAMPAPP_SECRET": "1234"}
    assert settle(own, environ={}).auth == own.auth
    assert settle(own, environ=environ).auth == Ticket("ada", "1234")
    assert settle(own, environ=environ, auth=Ticket("bob", "5")).auth == Ticket("bob", "5")
    assert settle_credential(authid="bob", environ=environ) == Ticket("bob", "1234")


def test_secrets_are_ranked_by_how_they_were_given(tmp_path: Path) -> None:
    for name in ("given", "variable"):
        (tmp_path / name).write_text(f"{name}-file\n")
    environ = {
        "WAMPAPP_AUTHMETHOD": "ticket",
        "WAMPAPP_AUTHID": "ada",
        "WAMPAPP_SECRET": "variable",
    }
    file = {"WAMPAPP_SECRET_FILE": str(tmp_path / "variable")}
    given = str(tmp_path / "given")

    def secret(environ: dict[str, str], **more: Any) -> Any:
        return settle_credential(environ=environ, **more)

    assert secret(environ) == Ticket("ada", "variable")
    assert secret(environ | file) == Ticket("ada", "variable-file")
    assert secret(environ | file, secret_file=given) == Ticket("ada", "given-file")
    assert secret(environ | file, secret_file=given, secret="given") == Ticket("ada", "given")


def test_tls_is_ranked_value_by_value_and_replaces_the_app_s_as_a_whole() -> None:
    own = Config(tls=Tls(ca="own.pem"))
    environ = {
        "WAMPAPP_CA": "ca.pem",
        "WAMPAPP_CERT": "cert.pem",
        "WAMPAPP_CERT_KEY": "key.pem",
    }
    assert settle(own, environ={}).tls == own.tls
    assert settle(own, environ=environ).tls == Tls("ca.pem", "cert.pem", "key.pem")
    # A variable neither overrules --insecure, nor adds its key to another certificate.
    assert settle_tls(insecure=True, environ=environ) == Tls(
        certificate="cert.pem", key="key.pem", verify=False
    )
    assert settle_tls(certificate="other.pem", environ=environ) == Tls("ca.pem", "other.pem")


def test_a_settled_configuration_is_overridden_without_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    config = override(OWN, url="rs://given", realm=None, port=None)
    assert (config.url, config.realm, config.port) == ("rs://given", "own", 1)


def test_the_log_is_settled_by_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settle_log(None, None) == ("info", "text")
    monkeypatch.setenv("WAMPAPP_LOG_LEVEL", "debug")
    monkeypatch.setenv("WAMPAPP_LOG_FORMAT", "json")
    assert settle_log(None, None) == ("debug", "json")
    assert settle_log("error", "text") == ("error", "text")


def test_only_options_of_a_run_are_options_of_a_run() -> None:
    check_run_options("run", {"realm": "realm1", "host": None, "port": 0, "debug": True})
    wrong: Any = {"relam": "realm1"}
    with pytest.raises(TypeError, match=r"^run\(\) got an unexpected keyword argument 'relam'$"):
        check_run_options("run", wrong)
