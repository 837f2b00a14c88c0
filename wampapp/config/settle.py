"""Which of several settings counts: the one place where they are ranked.

The first of these that says something counts:

1. what was given: an option, an argument of ``run()``, ``start()`` or ``connect()``, a value of a
   Flask app's configuration;
2. the variable, such as ``WAMPAPP_URL``; ``--env-file`` sets those that are not set yet;
3. the project: ``[tool.wampapp]`` in ``pyproject.toml``, for commands only;
4. what the app was made with;
5. the default.

Click itself goes by this order for options, their variables and the project's table, because its
help and its errors show where a value came from. So what a command passes on as given is 1 to 3
together, and asking the environment again changes nothing.

A credential and TLS consist of several values. These are ranked one by one (``--authid`` and
``WAMPAPP_SECRET`` make one credential), and what they make replaces the app's as a whole.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from wampapp.config import environment
from wampapp.config.records import Config, Tls

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping

    from wampapp.config.access import RouterConfig
    from wampapp.config.limits import Limits
    from wampapp.protocol.credentials import Credential

#: What the environment may say of the router that is joined: for everything that joins one.
JOINING: Final = frozenset({"url", "realm", "auth", "tls"})
#: And of a client, which looks for a router that is not named at the port of the embedded one.
FINDING: Final = JOINING | {"host", "port"}
#: And of a run, for ``app.run()``, which has no command line.
RUNNING: Final = JOINING | environment.CONVERTERS.keys()


class RunOptions(TypedDict, total=False):
    """What ``App.run()`` and ``App.start()`` take besides the URL.

    Attributes:
        realm: the realm, before ``WAMPAPP_REALM`` and ``App(realm=…)``.
        host: the address that the embedded router listens on; 127.0.0.1 by default.
        port: its port; 8080 by default, 0 for any that is free.
        debug: whether callers see the type, message and traceback of a handler's exception.
        router_config: who may join the embedded router and do what there: a file, or a
            :class:`wampapp.router.RouterConfig`.
        allow_anonymous: whether the embedded router may listen beyond this machine without one.
        tls_cert: the file of the embedded router's certificate (PEM), for TLS.
        tls_key: the file of its private key, where that is another one.
        http: where web pages are served, such as ``127.0.0.1:8000``; the embedded router's port by
            default.
        trust_proxy: whether a proxy stands before them, whose ``X-Forwarded-…`` headers say who
            asks and for which URL.
    """

    realm: str | None
    host: str | None
    port: int | None
    debug: bool | None
    router_config: str | os.PathLike[str] | RouterConfig | None
    allow_anonymous: bool | None
    tls_cert: str | os.PathLike[str] | None
    tls_key: str | os.PathLike[str] | None
    http: str | None
    trust_proxy: bool | None


class Given(RunOptions, total=False):
    """What a run may be given; None, or an empty URL, realm or tuple, says nothing.

    Attributes:
        url: the router; without one, the embedded router is started.
        allow_origins: web origins that may open a WebSocket at the embedded router.
        limits: what the embedded router takes and holds.
        handshake_timeout: seconds for connecting and joining.
        give_up_after: seconds without a router after which the run ends.
        auth: the credential.
        tls: how TLS is spoken.
    """

    url: str | None
    allow_origins: tuple[str, ...]
    limits: Limits | None
    handshake_timeout: float | None
    give_up_after: float | None
    auth: Credential | None
    tls: Tls | None


def check_run_options(function: str, options: RunOptions) -> None:
    """Check the names of keyword arguments, as Python does where they are written out.

    Raises:
        TypeError: one is not an option of a run.
    """
    for name in options:
        if name not in RunOptions.__annotations__:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


#: Where an empty value says nothing, as an empty variable does.
_EMPTY_IS_UNSET: Final = frozenset({"url", "realm", "allow_origins", "router_config", "http"})


def settle(
    own: Config,
    *,
    variables: Collection[str] = JOINING,
    environ: Mapping[str, str] | None = None,
    **given: Unpack[Given],
) -> Config:
    """Settle a configuration: what was given, then ``WAMPAPP_*``, then the app's own.

    Args:
        own: what the app was made with, defaults included.
        variables: which fields the environment may say something of.
        environ: the environment; the process's own by default.
        given: see :class:`Given`.

    Raises:
        UsageError: a value is not valid.
    """
    said = _said(given)
    wanted = [name for name in variables if name not in said]
    found: dict[str, Any] = environment.read(wanted, environ)
    if "auth" in wanted:
        found["auth"] = settle_credential(environ=environ)
    if "tls" in wanted:
        found["tls"] = settle_tls(environ=environ)
    return dataclasses.replace(own, **_said(found), **said)


def override(config: Config, **given: Unpack[Given]) -> Config:
    """Return a settled configuration with what was given in place of what it has.

    The environment is not asked: it counted, or does not count.

    Raises:
        UsageError: a value is not valid.
    """
    return dataclasses.replace(config, **_said(given))


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if value is not None and (value or name not in _EMPTY_IS_UNSET)
    }


def settle_tls(
    *,
    ca: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
    insecure: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> Tls | None:
    """Settle how TLS is spoken: each value as it was given, then by its variable.

    Args:
        ca: the file of a trusted authority; ``WAMPAPP_CA``.
        certificate: the file of our own certificate; ``WAMPAPP_CERT``.
        key: the file of its key; ``WAMPAPP_CERT_KEY``.
        insecure: whether any certificate is accepted; ``WAMPAPP_INSECURE``.
        environ: the environment; the process's own by default.

    Returns:
        None if nothing says anything.

    Raises:
        UsageError: the values contradict each other.
    """
    variables = environment.tls(environ)
    if not insecure:
        # A variable does not overrule what was given: --insecure drops its authority.
        ca = ca or variables.ca
    found = Tls(
        ca=ca,
        certificate=certificate or variables.certificate,
        # Nor does its key go with the certificate that was given.
        key=key or (None if certificate else variables.key),
        verify=not (variables.insecure if insecure is None else insecure),
    )
    return None if found == Tls() else found


def settle_credential(
    *,
    method: str | None = None,
    authid: str | None = None,
    authrole: str | None = None,
    secret: str | None = None,
    secret_file: str | None = None,
    key_file: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credential | None:
    """Settle the credential: each value as it was given, then by its variable.

    A secret that was given comes before a file that was given, and that before the variables:
    ``WAMPAPP_SECRET_FILE``, then ``WAMPAPP_SECRET``.

    Args:
        method: ``anonymous``, ``ticket``, ``wampcra``, ``scram``, ``cryptosign`` or
            ``tls``; ``WAMPAPP_AUTHMETHOD``.
        authid: who joins; ``WAMPAPP_AUTHID``.
        authrole: the role to ask for; ``WAMPAPP_AUTHROLE``.
        secret: the ticket, secret or password.
        secret_file: the file that holds it.
        key_file: the file of the private key, for ``cryptosign``; ``WAMPAPP_KEY_FILE``.
        environ: the environment; the process's own by default.

    Returns:
        None if nothing says anything.

    Raises:
        UsageError: the values do not make a credential, or a file cannot be read.
    """
    from wampapp.protocol.credentials import credential_from

    variables = environment.credential(environ)
    if secret is None:
        secret_file = secret_file or variables.secret_file
        secret = variables.secret if secret_file is None else environment.read_secret(secret_file)
    return credential_from(
        method=method or variables.method,
        authid=authid or variables.authid,
        secret=secret or None,
        key_file=key_file or variables.key_file,
        authrole=authrole or variables.authrole,
    )


def settle_log(level: str | None, form: str | None) -> tuple[str, str]:
    """Settle the log's level and form: as given, then by ``WAMPAPP_LOG_LEVEL`` and ``…_FORMAT``.

    Returns:
        Both; by default ``info`` and ``text``.
    """
    variables = environment.log()
    return level or variables[0] or "info", form or variables[1] or "text"
