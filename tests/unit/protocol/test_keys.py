"""Private keys: which files and which digits are read, and what is refused."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.credentials import (
    ENCRYPTED,
    SEED,
    openssh,
    public_key,
    tagged,
    write_key,
)
from tests.support.refusals import refusal
from wampapp.protocol.credentials import (
    Cryptosign,
)


@pytest.mark.parametrize(
    "data",
    [
        SEED.encode(),
        b"\n  " + SEED.upper().encode() + b" \r\n",
        tagged(SEED),
        tagged(SEED).replace(b"\n", b"\r\n"),
        b"private-key-ed25519:" + SEED.encode(),
        openssh(SEED),
        b"\n" + openssh(SEED),
    ],
    ids=["digits", "spaced", "tagged", "tagged-crlf", "one-tag", "openssh", "openssh-spaced"],
)
def test_a_key_file_is_read(tmp_path: Path, data: bytes) -> None:
    path = write_key(tmp_path, "key", data)
    for form in (path, str(path)):
        exchange = Cryptosign(key_file=form).begin()
        assert exchange.extra == {"pubkey": public_key(SEED), "channel_binding": None}


def test_a_key_file_is_read_once(tmp_path: Path) -> None:
    path = write_key(tmp_path, "key", SEED.encode())
    credential = Cryptosign(key_file=path)
    path.unlink()
    assert credential.begin().extra["pubkey"] == public_key(SEED)
    assert str(path) in repr(credential)


def test_a_key_that_ssh_keygen_made_is_read(tmp_path: Path) -> None:
    path = tmp_path / "id"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), "-C", "Grüße"]
    try:
        subprocess.run(made, check=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed")
    public = path.with_suffix(".pub").read_text().split()[1]
    told = Cryptosign(key_file=path).begin().extra["pubkey"]
    assert base64.b64decode(public)[-32:].hex() == told
    assert "holds a public key only" in refusal(
        lambda: Cryptosign(key_file=path.with_suffix(".pub"))
    )


def other_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )


def pkcs8() -> bytes:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED)).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


NO_KEY = (
    "The key file {path} holds no Ed25519 private key; give one with 64 hexadecimal digits, a line "
    "'private-key-ed25519: …', or a private key of OpenSSH's."
)
DAMAGED = (
    "The key file {path} is damaged, or of a kind that is not known; give an Ed25519 key, as "
    "ssh-keygen -t ed25519 makes one."
)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", NO_KEY),
        (b"\xff\xfe\0", NO_KEY),
        (SEED[:-1].encode(), NO_KEY),
        (bytes(32), NO_KEY),
        (b"private-key-ed25519: nothing\n", NO_KEY),
        (tagged(SEED) + b"private-key-ed25519: " + SEED.encode(), NO_KEY),
        (pkcs8(), NO_KEY),
        (
            f"public-key-ed25519: {public_key(SEED)}\n".encode(),
            "The key file {path} holds a public key only; give the file of the private one.",
        ),
        (
            ENCRYPTED,
            (
                "The key file {path} is encrypted; take its passphrase away with ssh-keygen -p, or "
                "give another."
            ),
        ),
        (
            other_kind(),
            (
                "The key file {path} holds a key that is not Ed25519; make one with ssh-keygen -t "
                "ed25519."
            ),
        ),
        (openssh(SEED)[:150], DAMAGED),
        (openssh(SEED).replace(b"AAAA", b"AAAB"), DAMAGED),
    ],
    ids=[
        "empty",
        "binary",
        "63-digits",
        "32-nulls",
        "no-digits",
        "two-keys",
        "pkcs8",
        "public",
        "encrypted",
        "ecdsa",
        "cut",
        "changed",
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = write_key(tmp_path, "key", data)
    assert refusal(lambda: Cryptosign(key_file=path)) == sentence.format(path=path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert refusal(lambda: Cryptosign(key_file=missing)) == (
        f"The key file {missing} cannot be read: No such file or directory."
    )
    assert refusal(lambda: Cryptosign(key_file=tmp_path)) == (
        f"The key file {tmp_path} cannot be read: Is a directory."
    )
    assert refusal(lambda: Cryptosign(key_file="a\0b")) == (
        "The key file 'a\\x00b' cannot be read: embedded null byte."
    )
