from wampapp import App

app = App(prefix="com.seen")


@app.register
def add(a: int, b: int) -> int:
    return a + b


@app.register(".shared", invoke="roundrobin")
def shared() -> None: ...


@app.register("com.seen.each.<name>")
def each(name: str) -> None: ...


@app.subscribe(".news")
def news(text: str) -> None: ...


@app.subscribe("com.seen.all", match="prefix")
def everything() -> None: ...
