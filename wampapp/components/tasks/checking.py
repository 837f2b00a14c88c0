"""Checks the arguments of a task whose code is not here, by its description."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Checker:
    """Checks arguments by a description; without jsonschema, or a description, it takes all.

    Args:
        description: the procedure and the schemas, as :func:`describe_task` writes them.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self._stand_in: Any = None
        if not description or importlib.util.find_spec("jsonschema") is None:
            return
        from wampapp.describe.api import Procedure
        from wampapp.describe.stubs.fitting import Fitting
        from wampapp.describe.stubs.sampling import Sampler
        from wampapp.describe.stubs.standing_in import StandIn

        schemas = description["schemas"]
        fitting = Fitting(schemas, "Checking the arguments of tasks")
        procedure = msgspec.convert(description["procedure"], Procedure)
        self._stand_in = StandIn(procedure, fitting, Sampler(schemas, fitting.fits))

    def check(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Check arguments.

        Raises:
            InvalidArgument: they do not fit.
        """
        if self._stand_in is not None:
            self._stand_in.check(args, kwargs)


def describe_task(name: str, function: Any) -> dict[str, Any]:
    """Describe the arguments of a task.

    Args:
        name: its name.
        function: its function.
    """
    from wampapp.components.tasks.context import Task
    from wampapp.describe.describing import describe_function

    procedure, schemas = describe_function(name, function, Task)
    return {"procedure": msgspec.to_builtins(procedure), "schemas": schemas}
