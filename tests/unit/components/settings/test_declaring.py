"""Which settings can be declared, and what the environment says of them."""

import enum
from typing import Annotated, Any

import pytest
from msgspec import Meta

from wampapp import App, DeclarationError, UsageError
from wampapp.components import KV, Live, Settings
from wampapp.components.settings.declaring import Declared


class Mode(enum.Enum):
    OPEN = "open"
    CLOSED = "closed"


class Shop(Settings):
    free_shipping: bool = False
    max_items: Annotated[int, Meta(ge=1, le=100, description="in one order")] = 20
    banner: str = ""
    mode: Mode = Mode.OPEN
    days: list[str] = []  # noqa: RUF012 - msgspec makes a new one for each struct
    rate: float = 1.5


def declared(kind: Any, **environ: str) -> Declared:
    return Declared(kind, dir(Live), environ)


def test_defaults() -> None:
    now, unfit = declared(Shop).snapshot({})
    assert (now, unfit) == (Shop(), {})


def test_a_struct_stays_as_it_is() -> None:
    now, _ = declared(Shop).snapshot({})
    with pytest.raises(AttributeError, match=r"to change banner, call change\(banner=…\) of Live"):
        now.banner = "x"
    assert now == Shop()
    assert now != Shop(banner="x")


def test_live_values_of_our_own_types() -> None:
    live = {"mode": "closed", "days": ["mon"], "rate": 2, "others": 1, "max_items": 0}
    now, unfit = declared(Shop).snapshot(live)
    assert now == Shop(mode=Mode.CLOSED, days=["mon"], rate=2.0)
    assert unfit == {"max_items": "Expected `int` >= 1"}


def test_what_the_environment_pins() -> None:
    found = declared(
        Shop,
        WAMPAPP_SETTINGS_BANNER="007",
        WAMPAPP_SETTINGS_MAX_ITEMS="7",
        WAMPAPP_SETTINGS_MODE="closed",
        WAMPAPP_SETTINGS_DAYS='["mon"]',
    )
    assert found.pinned == ["max_items", "banner", "mode", "days"]
    now, _ = found.snapshot({"banner": "live", "rate": 3})
    assert now == Shop(banner="007", max_items=7, mode=Mode.CLOSED, days=["mon"], rate=3)
    with pytest.raises(
        UsageError,
        match="WAMPAPP_SETTINGS_MAX_ITEMS is '700', which does not fit the setting: Expected `int`",
    ):
        declared(Shop, WAMPAPP_SETTINGS_MAX_ITEMS="700")


def test_the_schema() -> None:
    schema = declared(Shop).schema
    assert schema["properties"]["max_items"] == {
        "description": "in one order",
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
    }
    assert schema["$defs"]["Mode"] == {"title": "Mode", "enum": ["closed", "open"]}


class WithoutDefault(Settings):
    banner: str


class WithSecret(Settings):
    smtp_password: str = ""


class WithKey(Settings):
    api_key: str = ""


class Hiding(Settings):
    change: int = 1


class Private(Settings):
    _banner: str = ""


class Unfit(Settings):
    banner: str = 7  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (WithoutDefault, r"The setting WithoutDefault\.banner has no default; give it one\."),
        (WithSecret, r"WithSecret\.smtp_password looks like a secret"),
        (WithKey, r"WithKey\.api_key looks like a secret"),
        (Hiding, r"The setting Hiding\.change would hide 'change' of Live"),
        (Private, r"The setting Private\._banner may not begin with an underscore"),
        (Unfit, r"The default of Unfit\.banner does not fit its type: Expected `str`"),
        (Settings, "does not declare settings"),
        (int, "does not declare settings"),
    ],
)
def test_what_cannot_be_declared(kind: Any, why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        Live(App(prefix="com.shop"), kind)


def test_names_that_only_sound_like_a_secret() -> None:
    class Tokens(Settings):
        tokenizer: str = "a"
        secretary: str = "b"

    assert list(declared(Tokens).fields) == ["tokenizer", "secretary"]


def test_handlers_of_settings_that_are_not_there() -> None:
    settings = Live(App(prefix="com.shop"), Shop)
    with pytest.raises(DeclarationError, match="There is no setting 'baner' that could change"):
        settings.on_change("baner")


def test_settings_without_a_declaration() -> None:
    settings: Live[Any] = Live(App(prefix="com.shop"))
    with pytest.raises(UsageError, match="declares no settings; write Live"):
        _ = settings.now
    assert settings.prefix == "com.shop.settings"
    assert Live(App(), "com.other").prefix == "com.other"
    assert KV(App(prefix="com.shop")).prefix == "com.shop.kv"
