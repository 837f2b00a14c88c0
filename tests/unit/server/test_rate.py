"""A limit of the rate: what a session sends faster is read later, and nothing is lost."""

from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw


def test_all_of_it_is_answered_and_others_are_not_held_up() -> None:
    with EmbeddedRouter(0, "--limit", "rate=40") as router:
        hasty, other = Raw(router), Raw(router)
        for raw in (hasty, other):
            raw.join(MSGPACK)
        for number in range(1, 101):
            hasty.send([16, number, {"acknowledge": True}, "com.t"])
        assert [hasty.receive()[1] for _ in range(40)] == list(range(1, 41))
        other.send([16, 1, {"acknowledge": True}, "com.t"])  # while the other's are held
        assert other.receive()[:2] == [17, 1]
        assert [hasty.receive()[1] for _ in range(60)] == list(range(41, 101))
        for raw in (hasty, other):
            raw.close()
        router.stop()
