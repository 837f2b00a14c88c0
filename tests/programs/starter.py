"""Starts a command, whose standard input ends with this program, and says when it runs."""

import subprocess
import sys
import time

with subprocess.Popen(
    sys.argv[1:], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
) as process:
    print(process.pid, flush=True)
    for line in process.stderr:
        if "Press Ctrl-C" in line:
            print("it runs", flush=True)
    time.sleep(60)
