"""MessagePack decoders that know the shape of the message that they read.

They make a message and check it in one pass in C. What they refuse is not a fault yet: some of it
is put right, and the rest gets its sentence, where every message can be read
(:meth:`wampapp.protocol.serializer.Codec.decode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from wampapp.protocol.messages import MAX_ID, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
#: How MessagePack writes the length of a list of at most 15 elements.
_LIST: Final = 0x90


def _decoder(shape: tuple[type, ...]) -> Callable[[bytes], tuple[Any, ...]]:
    """Return the decoder of one shape: its code is known, its other numbers are ids."""
    kinds: list[Any] = [_Id if kind is int else kind for kind in shape]
    if shape[-2:] == (list, dict):
        kinds[-1] = dict[str, Any]
    return msgspec.msgpack.Decoder(tuple[tuple(kinds)]).decode  # type: ignore[misc]


#: What decodes a message, by its first octet, which is how many elements it has, and its second,
#: which is its code. Whatever does not have its shape, or has an id out of range, raises.
DECODERS: Final[Mapping[int, Mapping[int, Callable[[bytes], tuple[Any, ...]]]]] = {
    _LIST | length: {
        code: _decoder(shape)
        for code, shapes in SHAPES.items()
        for shape in shapes
        if len(shape) == length
    }
    for length in range(1 + max(len(shape) for shapes in SHAPES.values() for shape in shapes))
}
