"""What parametrized tests are called."""

import re


def shown(value: object) -> str:
    """The repr of a value as it is in every process: without an address, a set in order."""
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({sorted(map(shown, value))})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
