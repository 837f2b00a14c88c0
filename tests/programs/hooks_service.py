"""A service that logs its hooks."""

from wampapp import App

app = App(name="hooks")


@app.on_startup
def started():
    app.log("startup hook")


@app.on_join
async def joined():
    app.log("join hook")


@app.on_leave
async def left():
    app.log("leave hook")
