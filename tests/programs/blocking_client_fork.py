"""A client is opened, and its process forks."""

import os
import sys
import warnings

import wampapp

warnings.simplefilter("ignore")
client = wampapp.connect(sys.argv[1])
if (child := os.fork()) == 0:
    try:
        client.call("com.script.any")
    except wampapp.UsageError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
client.close()
