"""What is kept of secrets: it can be written down and read, and proves who knows the secret."""

import pytest

from wampapp.errors import UsageError
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey

SECRET = "Grüße $,= 1"


def test_a_ticket_is_known_by_its_hash() -> None:
    kept = TicketHash.parse(TicketHash.of(SECRET).text)
    assert kept is not None
    assert kept.matches(SECRET)
    assert not kept.matches(f"{SECRET} ")
    assert not kept.matches("\ud800")
    assert not kept.decoy(b"seed").matches(SECRET)


def test_hashes_of_one_secret_differ() -> None:
    assert TicketHash.of(SECRET) != TicketHash.of(SECRET)
    assert WampcraKey.of(SECRET) != WampcraKey.of(SECRET)
    assert ScramKeys.of(SECRET) != ScramKeys.of(SECRET)


@pytest.mark.parametrize(
    "kept",
    [WampcraKey.of(SECRET), ScramKeys.of("plain"), ScramKeys.of(SECRET, "argon2id-13")],
    ids=["wampcra", "pbkdf2", "argon2"],
)
def test_what_is_written_is_read(kept: WampcraKey | ScramKeys) -> None:
    assert type(kept).parse(kept.text) == kept
    assert SECRET not in kept.text
    assert SECRET not in repr(kept)


def test_a_decoy_looks_alike_and_is_the_same_each_time() -> None:
    for kept in (WampcraKey.of(SECRET), ScramKeys.of(SECRET), TicketHash.of(SECRET)):
        decoy = kept.decoy(b"one")
        assert decoy == kept.decoy(b"one")
        assert decoy != kept.decoy(b"two")
        assert len(decoy.text.split("$")) == len(kept.text.split("$"))
    assert WampcraKey.plain(SECRET).decoy(b"one").salt == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hush",
        "$scrypt$ln=14,r=8,p=1$AAAA$",
        "$scrypt$ln=14,r=8,p=1$A$AAAA",
        "$scrypt$ln=30,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=0,r=8,p=1$AAAA$AAAA",
        "$wampcra$i=0,l=32$salt$AAAA",
        "$wampcra$i=1000,l=999$salt$AAAA",
        "$wampcra$i=1000,l=32$salt$A",
        "$scram$pbkdf2,i=4096,m=0$AAAA$AAAA$AAAA$AAAA$AAAA",
        "$scram$bcrypt,i=4096,m=0$AAAA$AAAA$AAAA$AAAA$AAAA",
    ],
)
def test_what_is_none_is_not_taken(text: str) -> None:
    assert TicketHash.parse(text) is None
    assert WampcraKey.parse(text) is None
    assert ScramKeys.parse(text) is None


def test_a_password_that_scram_does_not_allow_is_refused() -> None:
    with pytest.raises(UsageError, match="has characters that SCRAM does not allow"):
        ScramKeys.of("\x00")
