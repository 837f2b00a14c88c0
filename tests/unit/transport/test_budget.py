"""What all peers together leave unread: who is held, and who is cut off."""

from collections.abc import Callable

import pytest

from wampapp.transport.budget import HOLD_SECONDS, Budget
from wampapp.transport.unsent import Unsent


class Peer:
    """What waits for one peer."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.size = 0
        self.moved = True
        self.reason = ""

    def wait(self, more: int) -> None:
        self.size += more
        self.budget.changed(self, more)

    def read(self, less: int) -> None:
        self.size -= less
        self.moved = True
        self.budget.changed(self, -less)

    def drop(self, reason: str) -> None:
        self.reason = reason
        if self.size:
            self.read(self.size)


class Publisher:
    def __init__(self) -> None:
        self.reads = True

    def pause(self) -> None:
        self.reads = False

    def resume(self) -> None:
        self.reads = True


class Loop:
    """The loop's timers, which run when a test says so."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.timers.append((seconds, callback))

    def pass_time(self, seconds: float) -> None:
        due = [callback for delay, callback in self.timers if delay <= seconds]
        self.timers = [timer for timer in self.timers if timer[0] > seconds]
        for callback in due:
            callback()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def budget(loop: Loop) -> Budget:
    return Budget(1000, loop.call_later)


def test_over_the_budget_those_with_the_most_go_first(budget: Budget) -> None:
    peers = [Peer(budget) for _ in range(5)]
    for peer, size in zip(peers, (300, 100, 250, 50, 200), strict=True):
        peer.wait(size)
    assert not any(peer.reason for peer in peers)
    peers[3].wait(150)  # 1050 in all
    assert [bool(peer.reason) for peer in peers] == [True, False, True, False, False]
    assert peers[0].reason == "it left 300 bytes unread, and 1,050 wait for all peers"
    assert budget.total == 500


def test_a_publisher_is_held_above_half_the_budget_and_read_again_when_others_caught_up(
    budget: Budget, loop: Loop
) -> None:
    slow, publisher = Peer(budget), Publisher()
    slow.wait(500)
    assert not budget.pressed
    slow.wait(1)
    assert budget.pressed
    budget.hold(publisher)
    assert not publisher.reads
    slow.read(200)
    assert not publisher.reads
    slow.read(100)
    loop.pass_time(0)
    assert publisher.reads
    loop.pass_time(HOLD_SECONDS)
    assert not slow.reason


def test_a_peer_that_took_nothing_meanwhile_is_cut_off_and_a_slow_one_is_not(
    budget: Budget, loop: Loop
) -> None:
    slow, sleeper, publisher = Peer(budget), Peer(budget), Publisher()
    slow.wait(400)
    sleeper.wait(301)
    budget.hold(publisher)
    slow.read(1)
    loop.pass_time(HOLD_SECONDS)
    assert sleeper.reason
    assert not slow.reason
    assert publisher.reads


def test_those_that_are_alike_are_cut_off_together_and_one_that_just_paused_is_not(
    budget: Budget, loop: Loop
) -> None:
    sleepers, paused, publisher = [Peer(budget) for _ in range(8)], Peer(budget), Publisher()
    for number, sleeper in enumerate(sleepers):
        sleeper.wait(80 + number)
    paused.wait(30)
    budget.hold(publisher)
    loop.pass_time(HOLD_SECONDS)
    assert all(sleeper.reason for sleeper in sleepers)
    assert not paused.reason
    assert publisher.reads


def test_if_all_go_on_reading_nobody_is_cut_off(budget: Budget, loop: Loop) -> None:
    slow, publisher = Peer(budget), Publisher()
    slow.wait(900)
    budget.hold(publisher)
    slow.read(1)
    loop.pass_time(HOLD_SECONDS)
    assert not slow.reason
    assert publisher.reads


def test_without_a_budget_nobody_is_held_or_cut_off() -> None:
    budget = Budget()
    peer, publisher = Peer(budget), Publisher()
    peer.wait(2**40)
    budget.hold(publisher)
    assert publisher.reads
    assert not peer.reason


class Transport:
    """A transport that takes nothing after its buffer is full."""

    def __init__(self) -> None:
        self.held = 0
        self.producerPaused = False
        self.unsent: Unsent

    def write(self, data: bytes) -> None:
        self.held += len(data)
        if self.held > 64 * 1024:
            self.unsent.pauseProducing()


@pytest.mark.parametrize("direct", [False, True])
def test_what_the_transport_holds_counts_until_it_is_sent(direct: bool) -> None:
    budget, transport = Budget(), Transport()
    unsent = transport.unsent = Unsent(transport, budget, pytest.fail, direct=direct)
    unsent.add(bytes(300_000))
    assert budget.total == unsent.size == 300_000
    unsent.add(bytes(10_000))
    assert budget.total == unsent.size == 310_000
    sizes = []
    while budget.total:
        transport.held = 0
        unsent.moved = False
        unsent.resumeProducing()
        assert unsent.moved
        assert budget.total == (unsent.size if unsent.full else 0)
        sizes.append(budget.total)
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_forgotten_does_not_count() -> None:
    budget, transport = Budget(), Transport()
    unsent = transport.unsent = Unsent(transport, budget, pytest.fail, direct=True)
    unsent.add(bytes(300_000))
    unsent.clear()
    assert budget.total == unsent.size == 0
