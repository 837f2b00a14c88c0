"""What is said where a credential or a router is refused; no secret may be in it."""

import traceback
from collections.abc import Callable

import pytest

from tests.support.credentials import PASSWORD, SECRET, SEED, TICKET
from wampapp.errors import AUTHENTICATION_FAILED, RouterRefused, UsageError

SECRETS = (TICKET, SECRET, PASSWORD, SEED, str(bytes.fromhex(SEED)))


def spoken(error: BaseException) -> str:
    """Return an exception's sentence; none of what is shown of it has a secret."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert not [secret for secret in SECRETS if secret in shown]
    sentence = str(error)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def refusal(make: Callable[[], object]) -> str:
    """Return the sentence with which a credential is refused."""
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.exit_code == 2
    return spoken(caught.value)


def refused(act: Callable[[], object]) -> str:
    """Return the sentence with which a router is refused."""
    with pytest.raises(RouterRefused) as caught:
        act()
    assert caught.value.reason == AUTHENTICATION_FAILED
    return spoken(caught.value)
