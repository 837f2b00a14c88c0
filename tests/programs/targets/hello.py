"""An app, for targets that name it nearly."""

from wampapp import App

app = App()
