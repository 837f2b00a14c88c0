"""A copy of a store that a peer asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wampapp.errors import InvalidArgument, UsageError

if TYPE_CHECKING:
    from wampapp.components.store.store import Store


async def back_up_beside(store: Store, file: str) -> None:
    """Write a copy of a store into a new file beside its own.

    Args:
        store: the store.
        file: the new file's name.

    Raises:
        InvalidArgument: it is not a plain name, there is such a file, or the store is not a file.
        StorageFailed: it could not be written.
    """
    if Path(file).name != file or file.startswith("."):
        raise InvalidArgument("give a file's plain name, without folders", parameter="file")
    try:
        await store.back_up(Path(store.where).parent / file)
    except UsageError as error:
        raise InvalidArgument(str(error), parameter="file") from None
