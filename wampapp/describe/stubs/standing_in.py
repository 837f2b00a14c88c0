"""A procedure's part, played by its description: which calls it refuses, and how it answers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.stubs.fitting import Fitting, check_schema
from wampapp.describe.stubs.sampling import NoSample, Sampler
from wampapp.errors import InvalidArgument, UsageError
from wampapp.registry.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wampapp.describe.api import Parameter, Procedure, Schema

_KINDS: Final = {
    "any": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "positional": inspect.Parameter.POSITIONAL_ONLY,
    "keyword": inspect.Parameter.KEYWORD_ONLY,
    "rest": inspect.Parameter.VAR_POSITIONAL,
    "others": inspect.Parameter.VAR_KEYWORD,
}


class StandIn:
    """Takes the calls of a procedure that is only described.

    Args:
        procedure: the procedure.
        fitting: what checks values.
        sampler: what makes values.

    Raises:
        UsageError: its arguments cannot be those of a function, or something is not a schema.
    """

    def __init__(self, procedure: Procedure, fitting: Fitting, sampler: Sampler) -> None:
        self._procedure = procedure
        self._fitting = fitting
        self._sampler = sampler
        variables = (*procedure.parameters, *procedure.captures)
        for schema in (procedure.result, procedure.progress or {}, *(v.schema for v in variables)):
            check_schema(schema)
        self._binding = _binding(procedure)
        self._captures = {one.name: one.schema for one in procedure.captures}
        self._named = {one.name: one for one in procedure.parameters}
        self._row = [one for one in procedure.parameters if one.kind in ("any", "positional")]

    def check(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Check the arguments of a call, captured components among the named ones.

        Raises:
            InvalidArgument: they do not fit; as the procedure's own handler would say it.
        """
        if not self._procedure.is_described:
            return
        given = {name: value for name, value in kwargs.items() if name not in self._captures}
        self._binding.bind(args, given)
        for place, value in enumerate(args):
            parameter = self._row[place] if place < len(self._row) else self._all_others("rest")
            name = parameter.name if place < len(self._row) else f"argument {place + 1}"
            self._check_value(name, value, parameter.schema)
        for name, value in given.items():
            known = self._named.get(name)
            if known is None or known.kind not in ("any", "keyword"):
                known = self._all_others("others")
            self._check_value(name, value, known.schema)
        for name, schema in self._captures.items():
            if name in kwargs and (fault := self._fitting.fault_of_text(kwargs[name], schema)):
                raise _refused(name, *fault)

    def _all_others(self, kind: str) -> Parameter:
        return next(one for one in self._procedure.parameters if one.kind == kind)

    def _check_value(self, name: str, value: Any, schema: Schema) -> None:
        fault = self._fitting.fault(value, schema)
        if fault is not None:
            raise _refused(name, *fault)

    def result(self) -> Any:
        """Make a result.

        Raises:
            UsageError: no value is known that fits.
        """
        return self._made(self._procedure.result, "result")

    def progress(self) -> list[Any]:
        """Make the progressive results: one where there are any, else none.

        Raises:
            UsageError: no value is known that fits.
        """
        schema = self._procedure.progress
        return [] if schema is None else [self._made(schema, "progress")]

    def _made(self, schema: Schema, what: str) -> Any:
        try:
            return self._sampler.sample(schema, what)
        except NoSample as error:
            raise UsageError(
                f"{self._procedure.uri}: {error}; say what the stub returns: "
                f"stubs[{self._procedure.uri!r}].returns = ..."
            ) from None

    @property
    def collects(self) -> bool:
        """Whether the result is only all of the progressive results, in a list."""
        return self._procedure.collects


def _binding(procedure: Procedure) -> Binding:
    """Return what checks how many arguments there are, and what they are called."""

    def played(*args: Any, **kwargs: Any) -> None: ...

    try:
        played.__signature__ = inspect.Signature(list(_parameters(procedure)))  # type: ignore[attr-defined]
    except ValueError as error:
        raise UsageError(
            f"{procedure.uri}: its arguments cannot be those of a function: {error}."
        ) from None
    return Binding(played)


def _parameters(procedure: Procedure) -> Iterator[inspect.Parameter]:
    for one in procedure.parameters:
        is_needed = one.required or one.kind in ("rest", "others")
        default = inspect.Parameter.empty if is_needed else None
        yield inspect.Parameter(one.name, _KINDS[one.kind], default=default)


def _refused(name: str, path: str, text: str) -> InvalidArgument:
    return InvalidArgument(f"`{name}{path}`: {text}", parameter=name, path=f"{name}{path}")
