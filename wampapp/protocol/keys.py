"""Ed25519 private keys, as users give them: in digits, octets or files."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import Any, Final

from wampapp.errors import UsageError

_SEED_LENGTH: Final = 32
_MAX_KEY_FILE: Final = 64 * 1024
_SSH_MARK: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_SEED_LINE: Final = re.compile(
    rb"^[ \t]*private-key-ed25519[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE
)
_PUBLIC_KEY: Final = re.compile(rb"^[ \t]*(ssh-ed25519 |public-key-ed25519[ \t]*:)", re.MULTILINE)
_SEED: Final = re.compile(r"[0-9a-fA-F]{64}")


def seed_of(key: object) -> bytes:
    """Return the 32 octets of an Ed25519 seed.

    Args:
        key: the octets, or their 64 hexadecimal digits.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(key, str):
        digits = key.strip()
        if _SEED.fullmatch(digits):
            return bytes.fromhex(digits)
    elif not isinstance(key, bytes):
        raise UsageError(
            f"The key of Cryptosign is of type {type(key).__name__}; give 64 hexadecimal digits."
        )
    elif len(key) == _SEED_LENGTH:
        return key
    raise UsageError(
        "The key of Cryptosign is not an Ed25519 seed; give 32 bytes, or 64 hexadecimal digits."
    )


def read_key_file(path: object) -> bytes:
    """Read the seed of a private key from a file.

    Args:
        path: a file with the seed's 64 hexadecimal digits, a key file of Autobahn's or
            Crossbar.io's, or a private key of OpenSSH's without a passphrase.

    Raises:
        UsageError: it cannot be read, or holds no such key.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise UsageError(f"Cryptosign(key_file={path!r}) names no file; give the file's path.")
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_KEY_FILE).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # a null in the path
        raise UsageError(f"The key file {path!r} cannot be read: {error}.") from None
    if data.lstrip().startswith(_SSH_MARK):
        return _read_ssh_key(data, path)
    lines = _SEED_LINE.findall(data)
    digits = (lines or [data])[0].strip().decode("latin-1")
    if len(lines) <= 1 and _SEED.fullmatch(digits):
        return bytes.fromhex(digits)
    if not lines and _PUBLIC_KEY.search(data):
        raise UsageError(
            f"The key file {path} holds a public key only; give the file of the private one."
        )
    raise UsageError(
        f"The key file {path} holds no Ed25519 private key; give one with 64 hexadecimal digits, a "
        "line 'private-key-ed25519: …', or a private key of OpenSSH's."
    )


def _read_ssh_key(data: bytes, path: object) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    key: Any = None
    try:
        key = load_ssh_private_key(data, None)
    except TypeError:
        # Never asked for here: nobody sits at the terminal of most services.
        raise UsageError(
            f"The key file {path} is encrypted; take its passphrase away with ssh-keygen -p, or "
            "give another."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            f"The key file {path} is damaged, or of a kind that is not known; give an Ed25519 key, "
            "as ssh-keygen -t ed25519 makes one."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"The key file {path} holds a key that is not Ed25519; make one with ssh-keygen -t "
            "ed25519."
        )
    return key.private_bytes_raw()
