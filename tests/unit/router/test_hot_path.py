"""What a call costs in the router: the Python functions of ours that run for it."""

from typing import Any

from tests.support.hot_path import functions
from tests.support.sessions import ScriptedLink
from wampapp.protocol.messages import CALL, HELLO, INVOCATION, REGISTER, RESULT, YIELD
from wampapp.router.router import Router
from wampapp.router.session import RouterSession

ROLES: dict[str, Any] = {"roles": {"caller": {}, "callee": {}}}


def joined(router: Router) -> tuple[RouterSession, ScriptedLink]:
    session, link = router.new_session(), ScriptedLink()
    session.opened(link)
    session.received([HELLO, "realm1", ROLES])
    link.sent.clear()
    return session, link


def test_a_call_and_its_answer_cost_no_more_functions_than_they_did() -> None:
    router = Router()
    caller, to_caller = joined(router)
    callee, to_callee = joined(router)
    callee.received([REGISTER, 1, {}, "com.example.double"])
    registration = to_callee.sent.pop()[2]
    names = functions(lambda: caller.received([CALL, 1, {}, "com.example.double", [2]]))
    assert to_callee.sent == [[INVOCATION, 1, registration, {}, [2]]]
    assert len(names) <= 6, names
    trace = {"transaction_hash": "a trace"}
    names = functions(lambda: caller.received([CALL, 2, trace, "com.example.double", [2]]))
    assert to_callee.sent.pop() == [INVOCATION, 2, registration, trace, [2]]
    assert len(names) <= 9, names
    names = functions(lambda: callee.received([YIELD, 1, {}, [4]]))
    assert to_caller.sent == [[RESULT, 1, {}, [4]]]
    assert len(names) <= 4, names
