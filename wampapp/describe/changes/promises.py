"""Whether a procedure is what somebody who calls it has written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.describe.changes.comparing import refused, unexpected
from wampapp.describe.changes.passing import OF_PASSERS, Passing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.api import Api, Procedure, Schema
    from wampapp.describe.changes.misfits import Misfit


def differences(promised: Procedure, promise: Api, found: Procedure, api: Api) -> Iterator[str]:
    """Find out where calls that keep to a promise go wrong.

    Args:
        promised: the procedure as it was written down by its caller.
        promise: the description that it is from.
        found: the procedure as the app that has it describes it.
        api: the description that this is from.

    Yields:
        What differs, in words that follow the URI and a colon: ``quantity: must be an integer``.
    """

    def compare(given: Schema, taken: Schema) -> list[Misfit]:
        return refused(given, taken, promise.schemas, api.schemas)

    yield from Passing(promised.parameters, found.parameters, compare, OF_PASSERS).faults()
    if promised.progress is not None and found.progress is None:
        yield "it sends no progressive results"
        return
    if promised.progress is None:
        given = {"result": found.result}
    else:
        given = {"progress": found.progress or {}}
        if not found.collects:  # what comes last is iterated over too
            given["result"] = found.result
    taken = promised.result if promised.progress is None else promised.progress
    if taken == {"type": "null"}:
        return  # the caller does without the result
    for what, schema in given.items():
        for misfit in unexpected(schema, taken, api.schemas, promise.schemas):
            yield f"{what}{misfit.path}: {misfit.text}"
