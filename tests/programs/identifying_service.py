"""A service that knows web pages by their cookie."""

from wampapp import App, Invocation, PageRequest

app = App(prefix="com.shop")
USERS = {"s1": "alice"}


@app.identify
def who(request: PageRequest) -> str | None:
    return USERS.get(request.cookies.get("session", ""))


@app.register
def me(call: Invocation) -> str | None:
    return call.caller_authid
