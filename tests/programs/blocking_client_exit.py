"""Scripts that end while a stream is open, or call when the process is about to be gone."""

import atexit
import sys
from collections.abc import Iterator

import wampapp

url, what = sys.argv[1:]


class Late:
    """Calls when it is finalized, which is after everything else for one in a module."""

    def __init__(self, client: wampapp.Client) -> None:
        self.call = client.call

    def __del__(self) -> None:
        try:
            self.call("com.exit.add", 2, 3)
        except Exception as error:
            sys.stdout.write(f"{type(error).__name__}: {error}\n")


def within() -> Iterator[int]:
    with wampapp.connect(url) as other:
        yield other.call("com.exit.add", 2, 3)


client = wampapp.connect(url)
if what == "stream":
    stream = client.stream("com.exit.numbers")
elif what == "handle":
    stream = client.procedure("com.exit.numbers").stream()
elif what == "with":
    with client:
        stream = client.stream("com.exit.numbers")
        print(next(stream), next(stream), next(stream))
elif what == "verb":
    late = Late(client)
elif what == "client":
    stream = within()
    print(next(stream))
elif what == "atexit":
    atexit.register(lambda: print(client.call("com.exit.add", 2, 3)))
if what in ("stream", "handle"):
    print(*[number for _, number in zip(range(3), stream, strict=False)])
