"""People and machines that a router knows, and a Crossbar.io that knows them."""

import base64
import dataclasses
import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

from autobahn.wamp.auth import derive_scram_credential
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wampapp.crossbar import node_configuration
from wampapp.protocol.credentials import Anonymous, Credential, Cryptosign, Scram, Ticket, Wampcra
from wampapp.protocol.hashes import ARGON2, ScramKeys, TicketHash, WampcraKey

REALM = "realm1"

TICKET = "ticket-Grüße-1f0a"
SECRET = "secret-Grüße-2b9c"
PASSWORD = "password-Grüße-3c5d"
SEED = "1498b5467a63dff2dc456b3e8f6cf4a5d2d7f0c3a1b0e9d8c7b6a5f4e3d2c1b0"
WRONG_SEED = "2498b5467a63dff2dc456b3e8f6cf4a5d2d7f0c3a1b0e9d8c7b6a5f4e3d2c1b0"
WRONG = "wrong-Grüße-4d7e"

#: Who is known, by the name that WELCOME gives, and with what they prove it.
RIGHT: dict[str, Credential] = {
    "ticketed": Ticket("ticketed", TICKET),
    "shared": Wampcra("shared", SECRET),
    "salted": Wampcra("salted", SECRET),
    "argon2": Scram("argon2", PASSWORD),
    "pbkdf2": Scram("pbkdf2", PASSWORD),
    "signing": Cryptosign("signing", SEED),
}

#: The same with what proves nothing.
MISTAKEN: dict[str, Credential] = {
    "ticketed": Ticket("ticketed", WRONG),
    "shared": Wampcra("shared", WRONG),
    "salted": Wampcra("salted", WRONG),
    "argon2": Scram("argon2", WRONG),
    "pbkdf2": Scram("pbkdf2", WRONG),
    "signing": Cryptosign("signing", WRONG_SEED),
    "nobody": Anonymous(),
    "stranger": Ticket("stranger", TICKET),
}


def public_key(seed: str) -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    return key.public_key().public_bytes_raw().hex()


def openssh(seed: str) -> bytes:
    """A private key file of OpenSSH's."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )


#: What ssh-keygen makes of a key with a passphrase. Nothing is locked by this key.
ENCRYPTED = b"""\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABD4mM4sy1
mIAqjdll9x3gXYAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAILnOUXZp7UIjB25t
ATqYwaoEaaOkQG44beEpdWFBhnRGAAAAkFcc65uQ++ZWl7PyL3O9tCY/1yXOhri5DPXAW8
BF4v7/P3BF6nIVjKctQZU6BFSNGrxEyO2eJl5XvpOTOHAVMsbrjqznba5lTy5bqzIpat/h
4XNDqCGs8fMiVF5oE3mzwvBXkRqZqHK0KM3Dv3IDIcCD2axpTJ0byV5TJXntK+IZdNvL4z
eO4ZbQFV1ts1KAow==
-----END OPENSSH PRIVATE KEY-----
"""


def tagged(seed: str) -> bytes:
    """A private key file of Crossbar.io's."""
    return (
        "Crossbar.io node private key - KEEP THIS SAFE!\n\n"
        "creator: somebody@somewhere\n"
        "created-at: 2026-01-01T00:00:00.000Z\n"
        f"public-key-ed25519: {public_key(seed)}\n"
        f"private-key-ed25519: {seed}\n"
    ).encode()


def scram_keys(salted: bytes, **parameters: Any) -> dict[str, Any]:
    """What a router keeps of a password, as RFC 5802 makes it of the salted one."""
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return {
        "stored-key": hashlib.sha256(client_key).hexdigest(),
        "server-key": hmac.digest(salted, b"Server Key", "sha256").hex(),
        **parameters,
    }


def pbkdf2_keys(password: str, salt: bytes, iterations: int) -> dict[str, Any]:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return scram_keys(
        salted, kdf="pbkdf2", iterations=iterations, memory=0, salt=salt.hex(), role="member"
    )


def derived(secret: str, salt: str, iterations: int, keylen: int) -> str:
    """The key that WAMP-CRA makes of a secret and a salt."""
    key = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), iterations, keylen)
    return base64.b64encode(key).decode()


def guarded_node() -> dict[str, Any]:
    """A node that takes `RIGHT` on every transport, and nobody in particular on none.

    It also has the principal `impostor` with the password `PASSWORD`, whose server key is wrong:
    a router that does not know who it talks to.
    """
    argon2 = derive_scram_credential("argon2", PASSWORD) | {"role": "member"}
    pbkdf2 = pbkdf2_keys(PASSWORD, os.urandom(16), 4096)
    salting = {"salt": "salt123", "iterations": 1000, "keylen": 32}
    auth = {
        "ticket": {
            "type": "static",
            "principals": {"ticketed": {"ticket": TICKET, "role": "member"}},
        },
        "wampcra": {
            "type": "static",
            "users": {
                "shared": {"secret": SECRET, "role": "member"},
                "salted": {"secret": SECRET, "role": "member", **salting},
            },
        },
        "scram": {
            "type": "static",
            "principals": {
                "argon2": argon2,
                "pbkdf2": pbkdf2,
                "impostor": pbkdf2 | {"server-key": "00" * 32},
            },
        },
        "cryptosign": {
            "type": "static",
            "principals": {"signing": {"authorized_keys": [public_key(SEED)], "role": "member"}},
        },
    }
    config = node_configuration(REALM, "127.0.0.1")
    (worker,) = config["workers"]
    worker["realms"][0]["roles"][0]["name"] = "member"
    transport = worker["transports"][0]
    transport["rawsocket"]["auth"] = auth
    transport["websocket"]["ws"]["auth"] = auth
    return config


def guarded_file(folder: Path) -> Path:
    """The file of a router of ours that does what `guarded_node` does."""
    keys = ScramKeys.of(PASSWORD)
    kept = {
        "ticketed": {"ticket": TicketHash.of(TICKET).text},
        "salted": {"wampcra": WampcraKey.of(SECRET).text},
        "argon2": {"scram": ScramKeys.of(PASSWORD, ARGON2).text},
        "pbkdf2": {"scram": keys.text},
        "impostor": {"scram": dataclasses.replace(keys, crossbar_server=bytes(32)).text},
    }
    lines = [
        f"[[realms.{REALM}.roles.member.permissions]]",
        'uri = ""',
        'match = "prefix"',
        'allow = ["call", "register", "publish", "subscribe"]',
        'disclose = ["caller", "publisher"]',
        f"[[realms.{REALM}.roles.member.permissions]]",
        'uri = "wamp."',
        'match = "prefix"',
        'allow = ["call", "subscribe"]',
        f"[realms.{REALM}.principals.shared]",
        'role = "member"',
        'wampcra = { env = "SHARED_SECRET" }',
        f"[realms.{REALM}.principals.signing]",
        'role = "member"',
        f'cryptosign = ["{public_key(SEED)}"]',
    ]
    for name, proofs in kept.items():
        lines += [f"[realms.{REALM}.principals.{name}]", 'role = "member"']
        lines += [f'{method} = "{text}"' for method, text in proofs.items()]
    path = folder / "router.toml"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def write_key(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
