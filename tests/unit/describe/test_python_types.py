"""Generated types stand for those of the app: what goes through the one fits the other."""

import json
import sys
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.unit.describe.test_schemas import _KINDS
from wampapp import App, InvalidHandler
from wampapp.client.blocking import PeerClient
from wampapp.describe.clients.python import python_client
from wampapp.describe.describing import describe
from wampapp.protocol.codec import JSON
from wampapp.protocol.messages import RESULT
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert, convertible_type

NAME = "generated_types"


class Handles(PeerClient):
    """Notes what results are converted to."""

    def __init__(self) -> None:
        self.returns: Any = None

    def procedure(self, uri: str, options: object = None, *, returns: Any = Any, **_: Any) -> Any:
        self.returns = convertible_type(returns)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_value_comes_through_as_it_was(data: st.DataObject) -> None:
    annotation, values = data.draw(_KINDS)

    def same(value: Any) -> Any: ...

    same.__annotations__ = {"value": annotation, "return": annotation}
    app = App(prefix="com.same")
    try:
        app.register(same)
    except InvalidHandler:
        assume(False)  # such as a set of dictionaries
    source = python_client(describe(app.registry, title="same", version="1"), blocking=True)
    module = sys.modules[NAME] = ModuleType(NAME)
    try:
        exec(source, vars(module))
        handles = Handles()
        module.SameClient(handles)
    finally:
        del sys.modules[NAME]
    original = convertible_type(annotation)
    for _ in range(4):
        value = data.draw(values)
        [sent] = JSON.decode(json.dumps([RESULT, 1, {}, [value]]).encode())[3]
        try:
            expected = convert(sent, original)
        except TypeError:
            assume(False)  # a set of what cannot be hashed
        through = to_plain(convert(sent, handles.returns))
        assert convert(through, original) == expected, source
