from wampapp import App, Invocation

app = App(prefix="com.uris")


@app.register(".item.<sku>", invoke="roundrobin")
def item(sku: str, count: int = 1, *, call: Invocation) -> list[float]:
    return []


@app.subscribe(".log.<path:rest>")
async def on_log(rest: str, line) -> None: ...


@app.every(2.5)
def tick() -> None: ...


if __name__ == "__main__":
    app.run()
