"""What settings are declared: their names, types, defaults and what pins them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.errors import DeclarationError, UsageError
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: Words of a name that stands for a secret.
_SECRETS: Final = frozenset({"password", "passwd", "secret", "token", "credential", "credentials"})
_SECRET_PAIRS: Final = ("api_key", "private_key", "access_key", "secret_key")


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What settings are declared with: a subclass whose fields all have defaults.

    ::

        class Shop(Settings):
            free_shipping: bool = False
            max_items: Annotated[int, Meta(ge=1, le=100, description="in one order")] = 20
    """

    # As if it were frozen; if it said so, each subclass would have to say so, too.
    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(
                f"Settings stay as they are; to change {name}, call change({name}=…) of Live."
            )


class Field(NamedTuple):
    """A setting.

    Attributes:
        name: its name.
        kind: its type.
        default: its default.
        pinned: what the environment says, where it does; else :data:`NOT_PINNED`.
    """

    name: str
    kind: Any
    default: Any
    pinned: Any


#: Where the environment says nothing.
NOT_PINNED: Final = object()


class Declared:
    """The settings of a struct.

    Args:
        kind: the struct.
        reserved: names that no setting may have.
        environ: the environment; the process's own by default.

    Attributes:
        kind: the same.
        fields: the settings by name.
        schema: their JSON Schema.

    Raises:
        DeclarationError: the struct cannot be used.
        UsageError: what the environment says does not fit.
    """

    def __init__(
        self,
        kind: type[Settings],
        reserved: Collection[str],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if not (isinstance(kind, type) and issubclass(kind, Settings)) or kind is Settings:
            raise DeclarationError(
                f"{kind!r} does not declare settings; subclass wampapp.components.Settings."
            )
        environ = os.environ if environ is None else environ
        self.kind = kind
        self.fields: dict[str, Field] = {}
        try:
            fields = msgspec.structs.fields(kind)
        except (TypeError, NameError) as error:
            raise DeclarationError(f"{kind.__name__} cannot be read: {error}.") from None
        for field in fields:
            _check_name(kind.__name__, field.name, reserved)
            if field.default is not msgspec.NODEFAULT:
                default = field.default
            elif field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            else:
                raise DeclarationError(
                    f"The setting {kind.__name__}.{field.name} has no default; give it one."
                )
            try:
                default = convert(to_plain(default), field.type)
            except msgspec.ValidationError as error:
                raise DeclarationError(
                    f"The default of {kind.__name__}.{field.name} does not fit its type: {error}."
                ) from None
            pinned = _pinned(field.name, field.type, environ)
            self.fields[field.name] = Field(field.name, field.type, default, pinned)
        try:
            self.schema: dict[str, Any] = _schema(kind)
        except TypeError as error:
            raise DeclarationError(f"{kind.__name__} cannot be described: {error}.") from None

    @property
    def pinned(self) -> list[str]:
        """The names of the settings that the environment pins."""
        return [one.name for one in self.fields.values() if one.pinned is not NOT_PINNED]

    def converted(self, name: str, value: Any) -> Any:
        """Return a plain value as a setting.

        Raises:
            msgspec.ValidationError: it does not fit.
        """
        return convert(value, self.fields[name].kind)

    def snapshot(self, live: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
        """Make the struct of what is pinned, what is live, and the defaults.

        Args:
            live: plain values by name; those that are not ours are left out.

        Returns:
            The struct, and why values were left out that do not fit, by name.
        """
        values: dict[str, Any] = {}
        unfit: dict[str, str] = {}
        for name, field in self.fields.items():
            values[name] = field.default
            if field.pinned is not NOT_PINNED:
                values[name] = field.pinned
            elif name in live:
                try:
                    values[name] = self.converted(name, live[name])
                except msgspec.ValidationError as error:
                    unfit[name] = str(error)
        return self.kind(**values), unfit


def variable_of(name: str) -> str:
    """Return the variable that pins a setting."""
    return f"WAMPAPP_SETTINGS_{name.upper()}"


def _pinned(name: str, kind: Any, environ: Mapping[str, str]) -> Any:
    text = environ.get(variable_of(name))
    if text is None:
        return NOT_PINNED
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        value = text
    why: Exception | None = None
    for found in (value, text):  # "007" is a text for a text
        try:
            return convert(found, kind)
        except msgspec.ValidationError as error:
            why = why or error
    raise UsageError(f"{variable_of(name)} is {text!r}, which does not fit the setting: {why}.")


def _check_name(struct: str, name: str, reserved: Collection[str]) -> None:
    if name.startswith("_"):
        raise DeclarationError(f"The setting {struct}.{name} may not begin with an underscore.")
    if name in reserved:
        raise DeclarationError(
            f"The setting {struct}.{name} would hide {name!r} of Live; give it another name."
        )
    low = name.lower()
    if _SECRETS & set(low.split("_")) or any(pair in low for pair in _SECRET_PAIRS):
        raise DeclarationError(
            f"{struct}.{name} looks like a secret, and settings are read by everybody; put it into "
            "the environment."
        )


def _schema(kind: type[Settings]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    name = reference["$ref"].rpartition("/")[2]
    return {**components.pop(name), "$defs": components}
