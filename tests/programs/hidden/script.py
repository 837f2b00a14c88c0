"""A script in such a folder."""

import wampapp

with wampapp.connect("rs://127.0.0.1:9"):
    pass
