"""An app in a folder where a file is named like a module that wampapp needs."""

from wampapp import App

app = App()


@app.register("com.hidden.add")
def add(a: int, b: int) -> int:
    return a + b


if __name__ == "__main__":
    app.run(port=0)
