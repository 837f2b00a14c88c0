import sys
import threading

from wampapp.flask.process_lock import acquire


def wait(key):
    try:
        acquire(key, lambda: print(f"{key} is another's", flush=True))
    except OSError as error:
        print(error, flush=True)
    print(f"{key} is ours", flush=True)


first, second = sys.argv[1:]
wait(first)
sys.stdin.readline()
threading.Thread(target=wait, args=(second,), daemon=True).start()
sys.stdin.readline()
