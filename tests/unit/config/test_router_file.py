"""A router's file: what it says, and where its mistakes are."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.config.router_file import read_router_file
from wampapp.config.toml_places import places
from wampapp.errors import UsageError
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey

TICKET = TicketHash.of("ticket").text
WAMPCRA = WampcraKey.of("secret").text
SCRAM = ScramKeys.of("password").text
KEY = "ab" * 32

RIGHT = f"""\
open_realms = true

[realms.realm1]
anonymous = "guest"

[realms.realm1.roles.guest]
permissions = [
  {{ uri = "com.shop.<sku>.price", allow = ["call"] }},
  # What is new.
  {{ uri = "com.news.", match = "prefix", allow = ["subscribe"], disclose = ["publisher"] }},
]

[[realms.realm1.roles.member.permissions]]
uri = ""
match = "prefix"
allow = ["call", "register", "publish", "subscribe"]

[realms.realm1.principals.alice]
role = "member"
ticket = "{TICKET}"
wampcra = "{WAMPCRA}"
scram = "{SCRAM}"
cryptosign = ["{KEY}"]

[realms.realm1.principals."bob@shop"]
role = "guest"
wampcra = {{ env = "BOB_SECRET" }}

[realms."com.other"]
authenticator = "com.who"
ask_timeout = 2
ask_cache = 0.5
roles.free.authorizer = "com.decide"
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "router.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def mistake(folder: Path, text: str, **environ: str) -> str:
    path = written(folder, text)
    with pytest.raises(UsageError) as caught:
        read_router_file(path, environ)
    return str(caught.value).removeprefix(str(path))


def test_everything_is_read(tmp_path: Path) -> None:
    config = read_router_file(written(tmp_path, RIGHT), {"BOB_SECRET": "hush"})
    assert config.open_realms
    realm, other = config.realms
    assert (realm.name, realm.anonymous) == ("realm1", "guest")
    guest, member = realm.roles
    assert [(p.uri, p.match, set(p.allow), set(p.disclose)) for p in guest.permissions] == [
        ("com.shop..price", "wildcard", {"call"}, set()),
        ("com.news.", "prefix", {"subscribe"}, {"publisher"}),
    ]
    assert [permission.uri for permission in member.permissions] == [""]
    alice, bob = realm.principals
    assert (alice.authid, alice.role, alice.cryptosign) == ("alice", "member", (KEY,))
    assert alice.ticket is not None
    assert alice.ticket.matches("ticket")
    assert alice.wampcra == WampcraKey.parse(WAMPCRA)
    assert alice.scram == ScramKeys.parse(SCRAM)
    assert (bob.authid, bob.wampcra) == ("bob@shop", WampcraKey.plain("hush"))
    assert (other.name, other.anonymous, other.authenticator) == ("com.other", None, "com.who")
    assert (other.ask_timeout, other.ask_cache) == (2, 0.5)
    assert [(role.name, role.authorizer) for role in other.roles] == [("free", "com.decide")]


ROLE = "[realms.r.roles.guest]\npermissions = [\n  {{ {} }},\n]\n"
PRINCIPAL = "[realms.r.roles.guest]\n[realms.r.principals.x]\nrole = 'guest'\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = = 1", ", line 1, column 5: Invalid value."),
        ("[realms\n", ", line 1, column 8: Expected ']' at the end of a table declaration."),
        ("relams = 1", ", line 1, column 1: A router's file does not have 'relams'; did you mean "),
        ("realms = 1", ", line 1, column 1: 'realms' must be a table."),
        ("\n  open_realms = 'yes'", ", line 2, column 3: 'open_realms' must be true or false."),
        ("[realms.'a b']", ", line 1, column 1: The realm 'a b' is not a valid name"),
        ("[realms]\nr.roles = []", ", line 2, column 1: 'roles' must be a table."),
        ("[realms.r]\nanonymous = 'x'", ", line 2, column 1: Anonymous sessions have the role 'x'"),
        ("[realms.r]\nrole = 1", ", line 2, column 1: A realm does not have 'role'; did you mean"),
        ("[realms.r.roles.trusted]", ", line 1, column 1: The role 'trusted' is the one of apps"),
        (ROLE.format("uri = 'a b'"), ", line 3, column 5: The permission's URI 'a b' is not"),
        (ROLE.format("allow = []"), ", line 3, column 3: The permission has no uri; give one."),
        (
            ROLE.format("uri = 'a', match = 'glob'"),
            ", line 3, column 16: A permission's match is 'glob'; it can be",
        ),
        (
            ROLE.format("uri = '', match = 'exact'"),
            ", line 3, column 5: The permission's URI '' is not valid; match = 'prefix' makes",
        ),
        (
            ROLE.format("uri = 'a', allow = ['cal']"),
            ", line 3, column 16: A permission cannot allow 'cal'; it can allow call, register, ",
        ),
        (ROLE.format("uri = 'a', allow = 'call'"), ", line 3, column 16: A permission's allow is"),
        (ROLE.format("uri = 'a', deny = []"), ", line 3, column 16: A permission does not have"),
        (
            ROLE.format("uri = 'a' }, { uri = 'a'"),
            ", line 1, column 1: The role 'guest' has two permissions for 'a'",
        ),
        (
            "[realms.r.principals.x]\nrole = 'admin'\nticket = 'x'",
            ", line 2, column 1: The principal 'x' has the role 'admin', which the realm 'r' does",
        ),
        ("[realms.r.principals.x]", ", line 1, column 1: The principal 'x' has no role; give one."),
        (PRINCIPAL, ", line 2, column 1: The principal 'x' has nothing to prove who it is; give"),
        (
            f"{PRINCIPAL}ticket = 'hush'",
            ", line 4, column 1: The ticket of 'x' is not a hash; make one with 'wampapp router ",
        ),
        (
            f"{PRINCIPAL}scram = '$scrypt$ln=14,r=8,p=1$AAAA$AAAA'",
            ", line 4, column 1: The scram of 'x' is not a hash",
        ),
        ("[realms.r]\nauthenticator = 7", ", line 2, column 1: The authenticator 7 is not a proce"),
        ("[realms.r]\nask_timeout = 'x'", ", line 2, column 1: ask_timeout is 'x'; give a number"),
        ("[realms.r.roles.x]\nauthorizer = 'a b'", ", line 2, column 1: The authorizer 'a b' is"),
        (f"{PRINCIPAL}wampcra = 7", ", line 4, column 1: The wampcra of 'x' is not a hash"),
        (
            f"{PRINCIPAL}ticket = {{ env = 'NO' }}",
            ", line 4, column 1: The ticket of 'x' is in the variable 'NO': set it.",
        ),
        (f"{PRINCIPAL}ticket = {{ file = 'x' }}", ", line 4, column 12: A ticket does not have"),
        (
            f"{PRINCIPAL}tls = ['CN=x']",
            ", line 4, column 1: The principal 'x' has a certificate by its common name, which any",
        ),
        (
            f"{PRINCIPAL}tls = ['CD:56']",
            ", line 4, column 1: The tls of the principal 'x' is not a list of certificates; each",
        ),
        (
            f"{PRINCIPAL}cryptosign = ['abc']",
            ", line 4, column 1: The cryptosign of the principal 'x' is not a list of public keys",
        ),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    said = mistake(tmp_path, text)
    assert said.startswith(sentence), said
    assert "\n" not in said
    assert "hush" not in said


def test_certificates_are_read(tmp_path: Path) -> None:
    text = (
        f"tls_client_ca = 'ca.pem'\n{PRINCIPAL}tls = ['CN=x.example', '{':'.join([KEY[:2]] * 32)}']"
    )
    config = read_router_file(written(tmp_path, text))
    assert config.tls_client_ca == "ca.pem"
    [realm] = config.realms
    assert [one.tls for one in realm.principals] == [("CN=x.example", KEY[:2].lower() * 32)]
    assert config.asks_clients


def test_a_principal_may_not_have_another_s_key(tmp_path: Path) -> None:
    text = PRINCIPAL + f"cryptosign = ['{KEY}']\n" + PRINCIPAL.partition("\n")[2].replace("x", "y")
    assert "have the same public key" in mistake(tmp_path, f"{text}cryptosign = ['{KEY}']")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_with_hashes_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, f"{PRINCIPAL}ticket = '{TICKET}'", mode)
    with pytest.raises(UsageError) as caught:
        read_router_file(path)
    assert str(caught.value) == (
        f"The router's file {path} holds hashes of secrets and can be read by others; run: "
        f"chmod 600 {path}"
    )


def test_a_file_without_hashes_may_be_read_by_all(tmp_path: Path) -> None:
    text = f"{PRINCIPAL}cryptosign = ['{KEY}']\nticket = {{ env = 'X' }}"
    read_router_file(written(tmp_path, text, 0o644), {"X": "hush"})


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read_router_file(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read_router_file(tmp_path / "bytes.toml")


def test_a_byte_order_mark_and_other_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    path.write_bytes("\ufeff[realms.r]\r\n\r\nrole = 1\r\n".encode())
    with pytest.raises(UsageError, match=r"line 3, column 1: A realm does not have 'role'"):
        read_router_file(path)


PAGE = Path(__file__).resolve().parents[3] / "docs/how-to/guard-the-router.md"
SHOWN = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", SHOWN)
def test_what_the_page_shows_is_right(tmp_path: Path, text: str) -> None:
    found = read_router_file(written(tmp_path, text), {"TILL_SECRET": "hush"})
    assert found.realms or found.listeners


# Where things stand.


def test_every_kind_of_value_is_passed() -> None:
    text = "\n".join(
        [
            "a = 1",
            '"b c".d = "x # [ \\" ]"  # a comment',
            'e = """',
            'two " lines "\\"""""',
            'f = [ "[", [1, 2,], # more',
            "  { g = { h = 'it' }, i = 2026-01-01 }",
            "]",
            "[[j.k]]",
            "l = 1",
            "[[j.k]]",
            "l = 2",
            "[j.k.m]",
            "n = '''it's'''",
        ]
    )
    found = places(text)
    assert found["a",] == (1, 1)
    assert found["b c", "d"] == (2, 1)
    assert found["e",] == (3, 1)
    assert found["f", 0] == (5, 7)
    assert found["f", 1, 1] == (5, 16)
    assert found["f", 2, "g", "h"] == (6, 11)
    assert found["f", 2, "i"] == (6, 23)
    assert found["j", "k", 0, "l"] == (9, 1)
    assert found["j", "k", 1, "l"] == (11, 1)
    assert found["j", "k", 1, "m", "n"] == (13, 1)


_KEYS = st.text("abc é.\"'\n", min_size=1, max_size=4)
_VALUES = st.recursive(
    st.integers() | st.booleans() | st.text('ab"\\]}#,\n', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def _basic(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _basic(value)
        case list():
            return f"[ {', '.join(map(_toml, value))} ]"
        case dict():
            return f"{{ {', '.join(f'{_basic(key)} = {_toml(v)}' for key, v in value.items())} }}"
    return str(value)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return {path}.union(*(_paths(one, (*path, key)) for key, one in inner))


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_the_place_of_every_value_is_found(table: dict[str, object]) -> None:
    text = "".join(f"{_basic(key)} = {_toml(value)}\n" for key, value in table.items())
    assert set(places(text)) == _paths(table) - {()}
