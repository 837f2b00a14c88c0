"""An app in the script, whose handlers import it from the module that the script is as well."""

from wampapp import App

app = App(prefix="com.example")

import handlers  # noqa: F401

if __name__ == "__main__":
    app.run(port=0)
