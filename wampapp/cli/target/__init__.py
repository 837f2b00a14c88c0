"""TARGET on the command line: how an app is named, and how it is loaded."""
