"""URLs, environment variables and the values of a configuration."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.config.records import Config, check_port, check_realm, check_seconds
from wampapp.config.settle import settle
from wampapp.config.url import RouterUrl, parse_url, parse_urls, urls_at, without_secrets
from wampapp.errors import InvalidUrl, UsageError


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("ws://localhost", ("ws", "localhost", 80, "/")),
        ("ws://localhost/", ("ws", "localhost", 80, "/")),
        ("ws://localhost:8080/ws", ("ws", "localhost", 8080, "/ws")),
        ("ws://localhost:8080/ws?x=1&y=2", ("ws", "localhost", 8080, "/ws?x=1&y=2")),
        ("wss://router.example.com/ws", ("wss", "router.example.com", 443, "/ws")),
        ("WSS://Router.Example.com/WS", ("wss", "router.example.com", 443, "/WS")),
        ("rs://127.0.0.1", ("rs", "127.0.0.1", 8080, "")),
        ("rs://127.0.0.1:9000", ("rs", "127.0.0.1", 9000, "")),
        ("rs://127.0.0.1:9000/", ("rs", "127.0.0.1", 9000, "")),
        ("rss://router.example.com", ("rss", "router.example.com", 8443, "")),
        ("rs://[::1]:9000", ("rs", "::1", 9000, "")),
        ("ws://[fe80::1]/ws", ("ws", "fe80::1", 80, "/ws")),
        ("unix:///run/router.sock", ("unix", "", 0, "/run/router.sock")),
        ("unix:///run/my%20router.sock", ("unix", "", 0, "/run/my router.sock")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, str, int, str]) -> None:
    assert parse_url(url) == RouterUrl(url, *parts)


def test_a_list_is_shown_without_its_secrets() -> None:
    urls = "unix:///run/a?b,wss://ada:secret@a/ws?ticket=secret, rss://b:8443"
    assert without_secrets(urls) == "unix:///run/a?b,wss://a/ws,rss://b:8443"


@pytest.mark.parametrize(
    "urls",
    ["rs://127.0.0.1,wss://a/ws", "unix:///a,rss://b", "rss://a,wss://b/ws", "rs://a,ws://b/ws"],
)
def test_what_may_be_in_one_list(urls: str) -> None:
    assert len(parse_urls(urls)) == 2


@pytest.mark.parametrize(
    ("urls", "apart"),
    [
        ("rs://a", ["rs://a"]),
        ("rs://a,rs://b:9", ["rs://a", "rs://b:9"]),
        ("wss://a/x,y,  WSS://b/z , unix:///s,t", ["wss://a/x,y", "WSS://b/z", "unix:///s,t"]),
    ],
)
def test_a_list_has_commas_between_its_urls(urls: str, apart: list[str]) -> None:
    assert parse_urls(urls) == tuple(map(parse_url, apart))


@pytest.mark.parametrize(
    ("url", "secure", "websocket"),
    [
        ("ws://h", False, True),
        ("wss://h", True, True),
        ("rs://h", False, False),
        ("rss://h", True, False),
        ("unix:///s", False, False),
    ],
)
def test_the_scheme_says_how_it_is_spoken(url: str, secure: bool, websocket: bool) -> None:
    assert (parse_url(url).secure, parse_url(url).websocket) == (secure, websocket)


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("127.0.0.1", "127.0.0.1:8080"),
        ("router.local", "router.local:8080"),
        ("0.0.0.0", "127.0.0.1:8080"),
        ("::", "[::1]:8080"),
        ("fe80::1", "[fe80::1]:8080"),
    ],
)
def test_a_port_of_this_machine_has_two_urls(host: str, place: str) -> None:
    assert urls_at(host, 8080) == (f"rs://{place}", f"ws://{place}/ws")
    assert {parse_url(url).port for url in urls_at(host, 8080)} == {8080}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "has no known scheme"),
        ("localhost:8080", "has no known scheme"),
        ("127.0.0.1", "has no known scheme"),
        ("//localhost/ws", "has no known scheme"),
        ("http://localhost:8080/ws", "has no known scheme"),
        ("tcp://localhost:8080", "has no known scheme"),
        ("ws:/localhost", "names no host"),
        ("ws://", "names no host"),
        ("ws:///ws", "names no host"),
        ("rs://:8080", "names no host"),
        ("rs://localhost:port", "is not valid"),
        ("rs://localhost:-1", "is not valid"),
        ("rs://localhost:65536", "is not valid"),
        ("ws://[::1", "is not valid"),
        ("ws://[nonsense]/", "is not valid"),
        ("ws://[::1]x/", "is not valid"),
        ("rs://[::1]x:8080", "is not valid"),
        ("rs://[::1]:x", "after the host, only a port may follow"),
        ("rs://::1:8080", r"without brackets; write rs://\[::1\]:8080."),
        ("ws://::1/ws", r"without brackets; write ws://\[::1\]/ws."),
        ("ws://fe80::1/ws", r"without brackets; write ws://\[fe80::1\]/ws."),
        ("rs://2001:db8::42:9000", r"without brackets; write rs://\[2001:db8::42\]:9000."),
        ("rs://::1:port", r"without brackets; write rs://\[::1\]:port."),
        ("rs://a:b:c", "after the host, only a port may follow"),
        ("ws://localhost/ws#top", "has a '#'"),
        ("rs://localhost#top", "has a '#'"),
        ("rs://localhost?a=1", "has a path, which rs:// cannot have"),
        ("rs://localhost:8080/path", "has a path, which rs:// cannot have"),
        ("rss://localhost:8080/path", "has a path, which rss:// cannot have"),
        ("unix://", "names no socket"),
        ("unix:///", "names no socket"),
        ("unix://run/router.sock", "names no socket"),
        ("ws://ada@localhost/ws", "cannot carry a user name or a password"),
        ("ws://ada:secret@localhost/ws", "cannot carry a user name or a password"),
        ("rs://:secret@localhost", "cannot carry a user name or a password"),
    ],
)
def test_a_malformed_url_gives_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(InvalidUrl, match=sentence) as caught:
        parse_url(url)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("url", [None, 7, b"ws://localhost", ["ws://localhost"]], ids=repr)
def test_what_is_no_string_is_no_url(url: Any) -> None:
    with pytest.raises(InvalidUrl):
        parse_url(url)


@pytest.mark.parametrize("url", ["rs://localhost:0", "ws://localhost:0/ws"])
def test_nobody_connects_to_port_0(url: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_url(url)


@pytest.mark.parametrize(
    "url", ["ws://local host/ws", "rs://a b:8080", " rs://a", "rs://a\n", "ws://a/w\ts"]
)
def test_a_url_has_no_white_space(url: str) -> None:
    with pytest.raises(InvalidUrl, match="has white space in it; leave it out"):
        parse_url(url)


@pytest.mark.parametrize("name", ["a#1.sock", "a?b", "a b", "a\tb", "a;b", "#", "a%23b", "ä"])
def test_a_socket_may_have_any_name(name: str) -> None:
    assert parse_url(f"unix:///tmp/{name}").path == f"/tmp/{name.replace('%23', '#')}"


@pytest.mark.parametrize("host", ["::1", "[::1]", " ::1"])
def test_an_address_may_be_written_as_in_a_url(host: str) -> None:
    assert Config(host=host).host == "::1"


@pytest.mark.parametrize(
    "url",
    [
        "ws://ada:secret@localhost/ws",
        "http://ada:secret@localhost/ws",
        "rs://ada:secret@localhost:port",
        "rs://ada:secret@localhost/path",
        "ws://ada:secret@",
        "unix://ada:secret@host/socket",
    ],
)
def test_no_sentence_shows_a_password(url: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=30) | st.text("wrsunix:/[]@#?%.0189 \t", max_size=30))
def test_any_text_is_a_url_or_an_invalid_one(text: str) -> None:
    try:
        found = parse_url(text)
    except InvalidUrl:
        return
    assert found.scheme in ("ws", "wss", "rs", "rss", "unix")


# Where URL and realm come from.

ENVIRON = {"WAMPAPP_URL": "rs://environment", "WAMPAPP_REALM": "environment"}


@pytest.mark.parametrize(
    ("asked", "environ", "default", "expected"),
    [
        ("rs://asked", ENVIRON, "rs://app", "rs://asked"),
        (None, ENVIRON, "rs://app", "rs://environment"),
        (None, {}, "rs://app", "rs://app"),
        (None, {}, None, None),
        ("", ENVIRON, "rs://app", "rs://environment"),
        (None, {"WAMPAPP_URL": ""}, "rs://app", "rs://app"),
        (None, {"WAMPAPP_URL": ""}, None, None),
    ],
)
def test_the_url_is_what_was_asked_for_then_the_environment_s_then_the_default(
    asked: str | None, environ: dict[str, str], default: str | None, expected: str | None
) -> None:
    assert settle(Config(url=default), url=asked, environ=environ).url == expected


@pytest.mark.parametrize(
    ("asked", "environ", "default", "expected"),
    [
        ("asked", ENVIRON, "app", "asked"),
        (None, ENVIRON, "app", "environment"),
        (None, {}, "app", "app"),
        (None, {}, "realm1", "realm1"),
        (None, {"WAMPAPP_REALM": ""}, "app", "app"),
    ],
)
def test_the_realm_is_what_was_asked_for_then_the_environment_s_then_the_default(
    asked: str | None, environ: dict[str, str], default: str, expected: str
) -> None:
    assert settle(Config(realm=default), realm=asked, environ=environ).realm == expected


def test_the_process_s_own_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPAPP_URL", "rs://process")
    monkeypatch.setenv("WAMPAPP_REALM", "process")
    config = settle(Config())
    assert (config.url, config.realm) == ("rs://process", "process")


# A configuration.


def test_a_configuration_has_defaults() -> None:
    config = Config()
    assert (config.url, config.realm, config.host, config.port) == (
        None,
        "realm1",
        "127.0.0.1",
        8080,
    )
    assert config.debug is False


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().realm = "other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://localhost"},
        {"url": ""},
        {"realm": ""},
        {"realm": "a b"},
        {"realm": None},
        {"port": -1},
        {"port": 65536},
        {"port": "8080"},
        {"port": True},
        {"handshake_timeout": -1},
        {"handshake_timeout": None},
        {"handshake_timeout": "10"},
        {"grace": float("nan")},
        {"grace": True},
    ],
    ids=repr,
)
def test_a_wrong_value_is_a_usage_error_that_shows_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        Config(**wrong)
    assert repr(next(iter(wrong.values()))) in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        ("example.com", "has no scheme; write https://example.com."),
        ("Example.com:8443/", "has no scheme; write https://example.com:8443."),
        ("localhost", "has no scheme; write https://localhost."),
        ("https://shop.example/app", "is not one that a browser sends"),
        ("https://*.example.com", "is not one that a browser sends"),
        ("https://a.example,https://b.example", "is not one that a browser sends"),
        ("https://bücher.example", "is not one that a browser sends"),
        ("https://", "is not one that a browser sends"),
        ("**", "is not one that a browser sends"),
        ("", "is not one that a browser sends"),
        (b"https://shop.example", "is not one that a browser sends"),
        (None, "is not one that a browser sends"),
    ],
)
def test_what_no_web_page_has_is_not_an_origin(origin: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Config(allow_origins=(origin,))
    assert str(caught.value).startswith(f"The web origin {origin!r} {sentence}")


@pytest.mark.parametrize("port", [0, 1, 8080, 65535])
def test_a_port_is_given_back(port: int) -> None:
    assert check_port(port) == port


@pytest.mark.parametrize("realm", ["realm1", "com.example", "größe"])
def test_a_realm_is_given_back(realm: str) -> None:
    assert check_realm(realm) == realm


@pytest.mark.parametrize("seconds", [0, 1, 2.5, float("inf")])
def test_seconds_are_given_back_as_a_float(seconds: float) -> None:
    found = check_seconds(seconds, "grace")
    assert (type(found), found) == (float, seconds)


def test_wrong_seconds_are_named() -> None:
    with pytest.raises(UsageError, match=r"^timeout is -1; give a number of seconds, 0 or more\.$"):
        check_seconds(-1, "timeout")
