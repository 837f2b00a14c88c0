"""A small judged set: the sections of our how-tos, and which of them answer what people ask.

It imports nothing of wampapp: a rival's environment has none.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

_PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
#: How many answers count.
_BEST = 10

#: What is asked, and the sections that answer it: page, heading, and how well, 2 or 1.
JUDGED: dict[str, list[tuple[str, str, int]]] = {
    "retry a failed task": [("tasks", "Failures", 2), ("tasks", "Look after it", 1)],
    "worker is killed": [("tasks", "What is promised", 2), ("tasks", "Workers", 1)],
    "tasks in postgresql": [("tasks", "Where the tasks are", 2)],
    "enqueue with a delay": [("tasks", "Enqueue", 2)],
    "lock between processes": [("key-value", "Presence and locks", 2)],
    "who is online": [
        ("key-value", "Presence and locks", 2),
        ("handlers", "See who joins and leaves", 1),
    ],
    "watch keys for changes": [("key-value", "Watch", 2)],
    "compare and set": [("key-value", "Read and write", 2)],
    "redis": [("key-value", "When to leave", 2)],
    "change settings while services run": [
        ("settings", "Change", 2),
        ("settings", "Look after them", 1),
    ],
    "settings rolling deployment": [("settings", "Deploy", 2)],
    "follow the log": [("observe", "Logs", 2)],
    "prometheus bearer token": [("observe", "Prometheus", 2)],
    "counter gauge histogram": [("observe", "Numbers", 2)],
    "opentelemetry spans": [("observe", "One trace across services", 2)],
    "health check": [("observe", "Health", 2)],
    "facets": [("search", "Find", 2), ("search", "Declare", 1)],
    "rebuild an index": [("search", "Build anew", 2)],
    "upload and forms": [("pages", "Write views", 2)],
    "flask app mounted": [("pages", "Mount other web apps", 2)],
    "session cookie secret key": [("pages", "Use templates, sessions and messages", 2)],
    "nginx websocket": [("deploy", "nginx", 2)],
    "systemd unit": [("deploy", "systemd by hand", 2), ("deploy", "A process manager", 2)],
    "certificate of the router": [("connect", "Use TLS", 2), ("guard-the-router", "Encrypt", 2)],
    "ticket secret file": [
        ("connect", "Prove who you are", 2),
        ("guard-the-router", "Principals", 1),
    ],
    "permissions of a role": [("guard-the-router", "Realms, roles and permissions", 2)],
    "progressive results": [("handlers", "Send progressive results", 2)],
    "capture part of a uri": [("handlers", "Capture parts of the URI", 2)],
    "cancel a call": [("handlers", "Handle cancellation", 2)],
    "test without waiting clock": [("test", "Move time forward", 2)],
    "stub another service": [
        ("test", "Stub other services", 2),
        ("test", "Stub a service from its document", 1),
    ],
    "fastapi": [("embed", "FastAPI", 2)],
    "jupyter notebook": [("embed", "A notebook", 2)],
    "twisted reactor": [("embed", "A Twisted program", 2)],
    "breaking changes": [("describe", "Do not break your callers", 2)],
    "flask-wamp": [("flask", "Migrate from flask-wamp", 2)],
}


def sections() -> list[dict[str, Any]]:
    """Return the sections of all how-tos: an id, the heading as the title, and the body."""
    found: list[dict[str, Any]] = []
    for page in sorted(_PAGES.glob("*.md")):
        head, *others = page.read_text(encoding="utf-8").split("\n## ")
        title = head.partition("\n")[0].removeprefix("# ")
        for part in ("\n" + head.partition("\n")[2], *others):
            heading, _, body = part.partition("\n")
            found.append(
                {
                    "id": len(found),
                    "page": page.stem,
                    "heading": heading,
                    "title": f"{title} {heading}",
                    "body": body,
                }
            )
    return found


def score(answers: Sequence[int], judged: Sequence[tuple[str, str, int]], at: Any) -> float:
    """Return nDCG@10 of the ids that a query was answered with.

    Args:
        answers: the ids, the best first.
        judged: the sections that answer it.
        at: the ids of sections, by page and heading.
    """
    grades = {at[page, heading]: grade for page, heading, grade in judged}
    gains = [grades.get(number, 0) for number in answers[:_BEST]]
    ideal = sorted(grades.values(), reverse=True)[:_BEST]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Sequence[int]) -> float:
    return sum((2**gain - 1) / math.log2(place + 2) for place, gain in enumerate(gains))


async def relevance(
    put: Callable[[list[dict[str, Any]]], Awaitable[None]],
    ask: Callable[[str], Awaitable[list[int]]],
) -> float:
    """Put the sections, ask everything, and return the mean of nDCG@10.

    Args:
        put: puts documents with an id, a title and a body.
        ask: returns the ids that a query is answered with, the best first.
    """
    all_of = sections()
    at = {(one["page"], one["heading"]): one["id"] for one in all_of}
    await put([{name: one[name] for name in ("id", "title", "body")} for one in all_of])
    scores = [score(await ask(query), judged, at) for query, judged in JUDGED.items()]
    await asyncio.sleep(0)
    return sum(scores) / len(scores)
