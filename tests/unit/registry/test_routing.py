"""What is wrong with a view, a folder or a mount is said where it is declared."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request

from wampapp import App, AppStarted, Blueprint, DeclarationError, InvalidHandler, Invocation
from wampapp.registry.extras import check_extra
from wampapp.registry.view_binding import Texts, ViewBinding


def view() -> str:
    return ""


def other() -> str:
    return ""


def wsgi(_environ: Any, _start: Any) -> Any:
    return []


def with_variable(number: int) -> str:
    return str(number)


def with_invocation(call: Invocation) -> str:
    return str(call)


def with_two_requests(one: Request, two: Request) -> str:
    return f"{one}{two}"


MISTAKES: list[tuple[Callable[[App], Any], str]] = [
    (
        lambda app: app.route("orders")(view),
        "The path 'orders' of a route does not start with '/'.",
    ),
    (lambda app: app.route(view), "A route needs a path; write @app.route"),
    (lambda app: app.route("/ws")(view), "/ws is the router's own; put '/ws' somewhere else."),
    (lambda app: app.route("/_wampapp/x")(view), "/_wampapp is the router's own"),
    (lambda app: app.route("/../x")(view), "is not one, such as '/admin'"),
    (lambda app: app.route("/<int:a")(view), "The rule '/<int:a' of a route is not valid: "),
    (lambda app: app.route("/<nosuch:a>")(with_variable), "of a route is not valid: "),
    (lambda app: app.route("/<a>/<a>")(view), "of a route is not valid: "),
    (lambda app: app.route("/<number>")(view), "view has no parameter 'number'"),
    (lambda app: app.route("/x", methods="POST")(view), "give a list: methods=['POST']"),
    (lambda app: app.route("/x", methods=[])(view), "methods is empty"),
    (lambda app: app.route("/x", methods=[1])(view), "give a list, such as ['GET', 'POST']"),
    (lambda app: app.post("/x", methods=["GET"])(view), "app.post() has one method"),
    (lambda app: app.route("/x", max_body="1 MB")(view), "max_body is '1 MB'"),
    (lambda app: app.route("/x", run="elsewhere")(view), "run is 'elsewhere'"),
    (lambda app: app.route("/x", metods=["GET"])(view), "methods"),
    (lambda app: app.route("/x")(lambda: ""), "The view of '/x' has no name"),
    (lambda app: app.route("/x")(with_invocation), "a view gets a Request"),
    (lambda app: app.route("/x")(with_two_requests), "asks twice for its context"),
    (lambda app: app.route("/x")("text"), "cannot be called"),
    (
        lambda app: (app.get("/x")(view), app.route("/x")(other)),
        "GET /x is routed already, to view",
    ),
    (
        lambda app: (app.get("/<number>")(with_variable), app.get("/<string:a>")(named_a)),
        "is routed already",
    ),
    (
        lambda app: (app.get("/x")(view), app.get("/y", endpoint="view")(other)),
        "has the name 'view' already",
    ),
    (
        lambda app: (
            app.static("/s", Path(__file__).parent),
            app.get("/y", endpoint="static")(other),
        ),
        "has the name 'static' already",
    ),
    (lambda app: (app.mount("/a", wsgi), app.get("/a/b")(view)), "is below /a, where another"),
    (lambda app: (app.get("/a/b")(view), app.mount("/a", wsgi)), "is below /a, where another"),
    (lambda app: (app.mount("/a", wsgi), app.static("/a", Path(__file__).parent)), "at /a already"),
    (lambda app: app.static("/a", "no such folder"), "There is no folder '"),
    (lambda app: app.static("/a", "nosuchpackage:x"), "'nosuchpackage', which is not a package"),
    (lambda app: app.static("/a/", Path(__file__).parent), "ends with '/', or has"),
    (lambda app: app.errorhandler(299)(view), "299 is not the HTTP status of an error"),
    (
        lambda app: app.include(Blueprint(), url_prefix="x"),
        "of a blueprint does not start with '/'",
    ),
]


def named_a(a: str) -> str:
    return a


@pytest.mark.parametrize(("declare", "sentence"), MISTAKES)
def test_a_mistake_is_said(declare: Callable[[App], Any], sentence: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare(App())
    assert sentence in str(raised.value)


def test_what_is_declared_too_late_is_refused() -> None:
    app = App()
    app.registry.freeze()
    with pytest.raises(AppStarted, match="'/x'"):
        app.route("/x")(view)


def test_one_view_may_have_several_rules_and_methods() -> None:
    app = App()
    app.route("/a")(app.route("/b", methods=["POST"])(view))
    app.get("/c")(other)
    app.post("/c", endpoint="posted")(view)
    assert [(r.rule, sorted(r.methods)) for r in app.registry.web.routes] == [
        ("/b", ["POST"]),
        ("/a", ["GET", "HEAD"]),
        ("/c", ["GET", "HEAD"]),
        ("/c", ["POST"]),
    ]


def test_a_decorated_view_is_the_function_itself() -> None:
    assert App().get("/x")(view) is view


def test_a_folder_is_next_to_the_file_or_in_a_package() -> None:
    app = App()
    app.static("/a", "../web")
    app.static("/b", "wampapp:web", endpoint="b")
    here, there = (Path(static.folder) for static in app.registry.web.statics)
    assert here.resolve() == Path(__file__).parents[1] / "web"
    assert (there / "site.py").is_file()


def test_an_extra_that_is_missing_is_named() -> None:
    with pytest.raises(Exception, match=r"^app.x needs nosuch, which is missing; run: pip install"):
        check_extra("app.x", "nosuch")


def test_a_binding_tells_what_it_takes() -> None:
    def function(number: int, request: Request, tags: list[str], flag: bool = False) -> None: ...

    binding = ViewBinding(function, ["number"])
    assert binding.wants(["number", "request", "tags", "flag", "other"]) == ["tags", "flag"]
    asked = {"number": 3, "request": "the request"}
    args, kwargs = binding.bind([asked], {"tags": Texts(["a"]), "flag": Texts(["on"])})
    bound = inspect.signature(function).bind(*args, **kwargs)
    assert bound.arguments == {
        "number": 3,
        "request": "the request",
        "tags": ["a"],
        "flag": True,
    }


def test_what_is_left_takes_every_field() -> None:
    def function(**fields: int) -> None: ...

    binding = ViewBinding(function, [])
    assert binding.takes_fields
    assert binding.bind([{}], {"a": Texts(["1"]), "b": 2}) == ((), {"a": 1, "b": 2})


def test_a_method_is_refused() -> None:
    class Shop:
        def page(self) -> str:
            return ""

    with pytest.raises(InvalidHandler, match="is a method"):
        App().route("/x")(Shop.page)
