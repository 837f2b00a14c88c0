"""What sessions of Autobahn's log: in Autobahn's way, or on a logger of their own."""

import logging
from typing import Any

import pytest
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.types import ComponentConfig
from twisted.logger import Logger

from wampapp import App


class Talking(ApplicationSession):
    """It logs in all the ways of Autobahn's, rightly and wrongly."""

    def onJoin(self, details: Any) -> None:
        self.log.info("joined {details.realm} {name}", details=details, name="ü")
        self.log.info("{{braces}}")
        self.log.warn("{missing} {")
        self.log.error("{missing}", given=1)
        self.log.emit("warn", "emitted {n}", n=1)
        self.log.emit("none", "never")
        self.log.set_log_level("error")
        self.log.warn("not any more")
        self.log.set_log_level("debug")
        self.log.debug("in detail")
        try:
            raise KeyError("handled")
        except KeyError:
            self.log.failure()
            self.log.failure("{missing} of {n}", n=2)
        raise ValueError("on purpose")


def test_what_a_session_logs_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    level = logging.getLogger("Talking").level
    with (
        caplog.at_level(logging.DEBUG, "Talking"),
        pytest.raises(ValueError, match="on purpose"),
        App.from_session(Talking).test_client(),
    ):
        pass
    logging.getLogger("Talking").setLevel(level)
    said = [record.getMessage() for record in caplog.records if record.name == "Talking"]
    start = said.index("joined realm1 ü")
    assert said[start : start + 8] == [
        "joined realm1 ü",
        "{braces}",
        "{missing} {",
        "{missing} {'given': 1}",
        "emitted 1",
        "in detail",
        "",
        "{missing} of {n} {'n': 2}",
    ]
    assert caplog.text.count("KeyError: 'handled'") == 2
    assert "ValueError: on purpose" in caplog.text


class OwnInClass(ApplicationSession):
    """It has a logger of Python's, of which Autobahn's own code knows nothing."""

    log = logging.getLogger("mine")

    def onJoin(self, details: Any) -> None:
        self.log.info("%s of %d", "one", 2)
        self.log.info("%d", "none")
        self.log.warning("as Python does")
        try:
            raise KeyError("handled")
        except KeyError:
            self.log.exception("failed")
            self.log.error("failed", exc_info=True)
        self.config.extra.append("joined")

    def onLeave(self, details: Any) -> None:
        self.log.warn("left: {reason}", reason=details.reason)  # as Autobahn's own does
        self.disconnect()


class OwnInInstance(OwnInClass):
    """It makes its logger when it is made."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.log = logging.getLogger("mine")


class Adapted(OwnInClass):
    """Its logger is an adapter."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.log = logging.LoggerAdapter(logging.getLogger("mine"), {"who": "me"})


@pytest.mark.parametrize("kind", [OwnInClass, OwnInInstance, Adapted])
def test_a_session_logs_on_its_own_logger(
    kind: type[ApplicationSession], caplog: pytest.LogCaptureFixture
) -> None:
    joined: list[str] = []
    app = App.from_session(kind, ComponentConfig(extra=joined))
    with caplog.at_level(logging.DEBUG, "mine"), app.test_client():
        assert joined == ["joined"]
    said = [
        record.getMessage()
        for record in caplog.records
        if record.name == "mine" and record.levelno >= logging.INFO
    ]
    assert said == [
        "one of 2",
        "%d 'none'",
        "as Python does",
        "failed",
        "failed",
        "left: wamp.close.normal",
    ]
    assert caplog.text.count("KeyError: 'handled'") == 2


class Twisteds(ApplicationSession):
    """It makes a logger of Twisted's."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.log = Logger(namespace="theirs", observer=config.extra.append)

    def onJoin(self, details: Any) -> None:
        self.log.info("{n} of {m}", n=1, m=2)


def test_a_logger_of_another_kind_is_left_as_it_is() -> None:
    events: list[dict[str, Any]] = []
    app = App.from_session(Twisteds, ComponentConfig(extra=events))
    with app.test_client():
        pass
    assert [event for event in events if event["log_format"] == "{n} of {m}"]
