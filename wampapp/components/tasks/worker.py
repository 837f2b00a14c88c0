"""A worker: it holds a call to the owner, and runs the tasks that come through it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import platform
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.tasks import tables
from wampapp.components.tasks.context import Cancel, Retry, Task
from wampapp.components.tasks.isolation import Job, Template
from wampapp.components.tasks.records import MAX_PAYLOAD, Assignment, Outcome
from wampapp.dispatch.failures import without_our_frames
from wampapp.errors import PayloadNotEncodable, WampappError
from wampapp.observe import otel
from wampapp.observe.tracing import Origin, running_for
from wampapp.protocol.payload import to_plain

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from wampapp.components.tasks.definition import TaskFunction
    from wampapp.components.tasks.queue import Queue
    from wampapp.components.tasks.records import Verdict

logger = logging.getLogger("wampapp.tasks")

#: Seconds between two attempts to reach the owner, at first and at most.
_PAUSE: Final = 0.1
_MAX_PAUSE: Final = 1.0
#: Seconds between two reports of how far tasks are.
_REPORT: Final = 0.1
#: The workers that live in this process, by their names.
living: Final[set[str]] = set()
#: Seconds that the owner gets at the end to take what became of tasks.
_TELL: Final = 5.0
#: Seconds that cancelled tasks get to tidy up.
_TIDY: Final = 1.0


class Attempt:
    """A task that runs here.

    Attributes:
        assignment: which.
        function: its function.
        context: what the function sees of it.
        origin: what it runs for, by which it belongs to a trace.
        job: what runs it.
        is_in_thread: whether its function runs in a thread, which cannot be ended.
        is_apart: whether it runs in a process of its own.
        verdict: why it is to end: ``cancelled``, ``timeout``, ``lost`` or ``stopped``; None if it
            is not.
        is_told: whether its outcome was given already, though its function goes on.
    """

    def __init__(
        self,
        assignment: Assignment,
        function: TaskFunction[..., Any],
        context: Task,
        origin: Origin,
    ) -> None:
        self.assignment = assignment
        self.function = function
        self.context = context
        self.origin = origin
        self.job: asyncio.Task[None] | None = None
        self.is_in_thread = False
        self.is_apart = False
        self.verdict: str | None = None
        self.is_told = False

    def end(self, verdict: str, why: str) -> None:
        """Have it end: a coroutine is cancelled; a plain function may look, and goes on if not."""
        self.verdict = self.verdict or verdict
        self.context.why = why
        self.context.cancelled = True
        if self.job is not None and not self.is_in_thread:
            self.job.cancel()

    def outcome(self, verdict: Verdict, **more: Any) -> Outcome:
        """Return an outcome of this attempt."""
        return Outcome(self.assignment.id, self.assignment.attempt, verdict, **more)

    def __str__(self) -> str:
        return f"{self.assignment.name} (task {self.assignment.id})"


class Worker:
    """Runs tasks. It lives on the loop's thread.

    Args:
        tasks: the queue.
        functions: the tasks that it has, by name.
        slots: how many it runs at the same time.
        queues: the queues that it takes tasks from, the preferred first; none for all.
        isolate: whether all plain functions that can run in processes of their own.

    Attributes:
        name: its name: ``host:pid/random``.
        attempts: what runs, by number.
    """

    def __init__(
        self,
        tasks: Queue,
        functions: Mapping[str, TaskFunction[..., Any]],
        slots: int,
        queues: Sequence[str] = (),
        *,
        isolate: bool = False,
    ) -> None:
        self._isolates = isolate
        self._templates: dict[str, Template] = {}
        self.name = f"{platform.node()}:{os.getpid()}/{secrets.token_hex(4)}"
        self.attempts: dict[int, Attempt] = {}
        self._tasks = tasks
        self._functions = functions
        self._slots = slots
        self._queues = list(queues)
        self._loop = asyncio.get_running_loop()
        self._outcomes: list[Outcome] = []
        self._reports: dict[int, tuple[int, int, float, str]] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._telling_again: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._said: set[asyncio.Task[Any]] = set()
        self._back = asyncio.Event()
        self._stopping = False
        self._spans = otel.configured()
        self._context = contextvars.copy_context()
        living.add(self.name)
        self._main = self._loop.create_task(self._keep_asking())

    # The call that is held.

    async def _keep_asking(self) -> None:
        pause = _PAUSE
        while not self._stopping:
            began = self._loop.time()
            try:
                await self._take_tasks()
            except WampappError as error:
                # The owner, or the router, is away; what runs here goes on.
                logger.debug("No tasks come: %s", error)
            if self._loop.time() - began > _MAX_PAUSE:
                pause = _PAUSE
            self._back.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._back.wait()
            except TimeoutError:
                pause = min(_MAX_PAUSE, pause * 2)

    def owner_is_back(self) -> None:
        """Ask again at once: the owner has said that it is there."""
        self._back.set()

    async def _take_tasks(self) -> None:
        work = self._tasks.host.procedure(f"{self._tasks.prefix}.work")
        running = [
            *(
                (a.assignment.id, a.assignment.attempt)
                for a in self.attempts.values()
                if not a.is_told
            ),
            *((outcome.id, outcome.attempt) for outcome in self._outcomes),
        ]
        stream = work.stream(
            worker=self.name,
            slots=self._slots,
            queues=self._queues,
            names=[*self._functions],
            running=running,
        )
        self._flush()
        try:
            async for message in stream:
                for one in message.get("run", ()):
                    self._begin(msgspec.convert(one, Assignment))
                for number in message.get("lost", ()):
                    self._end(number, "lost", "It is not this worker's any more.")
                for number in message.get("cancel", ()):
                    self._end(number, "cancelled", "It was cancelled.")
        finally:
            await stream.aclose()

    def _end(self, number: int, verdict: str, why: str) -> None:
        attempt = self.attempts.get(number)
        if attempt is not None:
            attempt.end(verdict, why)

    # Running.

    def _begin(self, assignment: Assignment) -> None:
        origin = Origin(assignment.trace)
        context = Task(
            assignment.id,
            assignment.name,
            assignment.attempt,
            assignment.failures,
            assignment.key,
            functools.partial(self._note_progress, assignment),
            origin,
        )
        attempt = Attempt(assignment, self._functions[assignment.name], context, origin)
        self.attempts[assignment.id] = attempt
        attempt.job = self._loop.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        try:
            outcome = await self._traced(attempt)
        finally:
            self.attempts.pop(attempt.assignment.id, None)
        if attempt.is_told:
            self._flush()  # its place is free now
        else:
            self._tell(attempt, outcome)

    async def _traced(self, attempt: Attempt) -> Outcome:
        """Run the function as a part of the trace of what enqueued the task."""
        with running_for(attempt.origin):
            if self._spans is None:
                return await self._outcome(attempt)
            one = attempt.assignment
            with self._spans.of_task(one.name, one.id, one.attempt, attempt.origin):
                return await self._outcome(attempt)

    async def _outcome(self, attempt: Attempt) -> Outcome:
        """Run the function, and return what became of it."""
        binding = attempt.function.binding
        extras = None if binding.context is None else {binding.context: attempt.context}
        try:
            args, kwargs = tables.decode(attempt.assignment.payload)
            args, kwargs = binding.bind(args, kwargs, extras)
        except Exception as error:  # noqa: BLE001 - a dataclass's __post_init__ may raise anything
            attempt.origin.fail(error)
            return self._dead(attempt, error)  # it would be the same in every attempt
        try:
            return self._done(attempt, await self._call(attempt, args, kwargs))
        except BaseException as error:  # noqa: BLE001 - even sys.exit() is a failed attempt
            attempt.origin.fail(error)
            return self._failed(attempt, error)

    async def _call(self, attempt: Attempt, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        function, timeout = attempt.function, attempt.function.policy.timeout
        functions = self._tasks.service.dispatcher.functions
        surrounded = functions.surrounded(function.function, function.kind)
        call = functools.partial(surrounded, *args, **kwargs)
        if function.policy.isolate or (self._isolates and function.can_be_apart):
            running: Coroutine[Any, Any, Any] = self._call_apart(attempt)
        elif function.kind != "thread":
            running = functions.run_as(function.kind, call)
        else:
            attempt.is_in_thread = True
            running = functions.run_in_thread(call)
        # Without a limit, it costs half as much to wait.
        if timeout is None:
            return await running
        if attempt.is_in_thread:
            return await self._within(attempt, running, timeout)
        async with asyncio.timeout(timeout) as limit:
            try:
                return await running
            except asyncio.CancelledError:
                if limit.expired():
                    attempt.verdict = attempt.verdict or "timeout"
                raise

    async def _within(
        self, attempt: Attempt, running: Coroutine[Any, Any, Any], timeout: float
    ) -> Any:
        """Wait for a function in a thread, and tell its outcome when its time is up.

        A thread cannot be ended. Its place is taken until it ends.
        """
        ends = self._loop.create_task(running)
        done, _ = await asyncio.wait([ends], timeout=timeout)
        if not done:
            attempt.end("timeout", "Its time is up.")
            outcome = self._failed(attempt, TimeoutError())
            attempt.is_told = True
            self._tell(attempt, outcome)
        return await ends

    async def _call_apart(self, attempt: Attempt) -> msgspec.Raw:
        """Run the function in a process of its own; returns the result as it is sent."""
        attempt.is_apart = True
        function, assignment = attempt.function, attempt.assignment
        place = function.place
        template = self._templates.get(place.module)
        if template is None:
            template = self._templates[place.module] = Template(place)
        context = attempt.context
        job = Job(
            place,
            assignment.payload,
            (context.id, context.name, context.attempt, context.failures, context.key),
            function.policy.memory,
            str(attempt.origin.traceparent()),
        )
        return await template.run(job, context.progress)

    def _done(self, attempt: Attempt, value: Any) -> Outcome:
        result = bytes(value) if type(value) is msgspec.Raw else tables.encode(to_plain(value))
        if len(result) <= MAX_PAYLOAD:
            return attempt.outcome("done", result=result)
        error = ValueError(
            f"its result takes {len(result):,} bytes, and {MAX_PAYLOAD:,} are allowed; store it "
            "elsewhere, and return its name"
        )
        return self._dead(attempt, error)

    def _failed(self, attempt: Attempt, error: BaseException) -> Outcome:
        policy = attempt.function.policy
        is_ended = isinstance(error, asyncio.CancelledError | Cancel)
        if attempt.is_told or (attempt.verdict == "stopped" and is_ended):
            return attempt.outcome("released")
        if attempt.verdict == "timeout":
            error = TimeoutError(f"it took longer than its {policy.timeout:g} s")
        elif isinstance(error, Cancel) or (attempt.verdict == "cancelled" and is_ended):
            return attempt.outcome("cancelled", error=str(error))
        delay = policy.delay_after(error, attempt.assignment.failures)
        if delay is None or isinstance(error, PayloadNotEncodable):
            return self._dead(attempt, error)
        logger.warning(
            "%s failed in attempt %d, and is tried again in %.1f s%s",
            attempt,
            attempt.assignment.attempt,
            delay,
            f": {error}" if isinstance(error, Retry) else ".",
            exc_info=None if isinstance(error, Retry) else without_our_frames(error),
        )
        return attempt.outcome("failed", error=_brief(error), delay=delay)

    def _dead(self, attempt: Attempt, error: BaseException) -> Outcome:
        logger.error(
            "%s failed for good, in attempt %d.",
            attempt,
            attempt.assignment.attempt,
            exc_info=without_our_frames(error),
        )
        self._tasks.failed_for_good(error)
        return attempt.outcome("dead", error=_brief(error))

    # What is told.

    def _tell(self, attempt: Attempt, outcome: Outcome) -> None:
        self._reports.pop(outcome.id, None)
        if attempt.verdict != "lost":
            self._outcomes.append(outcome)
        self._flush()

    def _flush(self) -> asyncio.Task[None]:
        if self._flushing is None or self._flushing.done():
            self._flushing = self._loop.create_task(self._tell_owner())
        return self._flushing

    async def _tell_owner(self) -> None:
        """Tell what became of tasks; what could not be told stays for the next time."""
        while True:
            told = [*self._outcomes]
            busy = sum(attempt.is_told for attempt in self.attempts.values())
            busy = self._slots if self._stopping else busy  # so that nothing more comes
            try:
                await self._tasks.call("done", self.name, told, busy)
            except WampappError as error:
                logger.debug("Outcomes are kept until the owner takes them: %s", error)
                self._tell_again_later()
                return
            del self._outcomes[: len(told)]
            if not self._outcomes:
                return

    def _tell_again_later(self) -> None:
        """Tell after a while what the owner, though it is there perhaps, could not store."""
        if self._telling_again is not None:
            self._telling_again.cancel()
        if self._outcomes and not self._stopping:
            self._telling_again = self._loop.call_later(_MAX_PAUSE, self._flush)

    def _note_progress(self, assignment: Assignment, fraction: float, note: str) -> None:
        """Take how far a task is, in any thread."""
        report = (assignment.id, assignment.attempt, fraction, note)
        # One message has those of several tasks, and belongs to the trace of none of them.
        self._loop.call_soon_threadsafe(self._take_report, report, context=self._context)

    def _take_report(self, report: tuple[int, int, float, str]) -> None:
        if report[0] in self.attempts:
            self._reports[report[0]] = report
            if self._reporting is None:
                self._send_reports()

    def _send_reports(self) -> None:
        """Tell the owner at once, and what comes within the next moment at its end."""
        self._reporting = None
        reports, self._reports = [*self._reports.values()], {}
        if reports:
            self._reporting = self._loop.call_later(_REPORT, self._send_reports)
            said = self._loop.create_task(self._report(reports))
            self._said.add(said)
            said.add_done_callback(self._said.discard)

    async def _report(self, reports: list[tuple[int, int, float, str]]) -> None:
        try:
            await self._tasks.call("report", self.name, reports)
        except WampappError as error:
            logger.debug("Progress could not be told: %s", error)

    # The end.

    async def stop(self, grace: float) -> None:
        """Take no more tasks, let those that run finish, and give back what does not.

        Args:
            grace: the seconds that running tasks get.
        """
        self._stopping = True
        if self._telling_again is not None:
            self._telling_again.cancel()
        # The call is held meanwhile: without it, the owner would take the tasks back.
        self._flush()
        if jobs := self._jobs():
            await asyncio.wait(jobs, timeout=grace)
        for attempt in [*self.attempts.values()]:
            attempt.end("stopped", "The worker stops.")
        if jobs := self._jobs():
            await asyncio.wait(jobs, timeout=_TIDY)
        for attempt in self.attempts.values():
            if not attempt.is_told:  # a thread that does not end
                self._outcomes.append(attempt.outcome("released"))
                attempt.is_told = True
        await self._tell_the_last()
        self._main.cancel()
        if self._reporting is not None:
            self._reporting.cancel()
        await asyncio.gather(self._main, *self._said, return_exceptions=True)
        for template in self._templates.values():
            await asyncio.to_thread(template.close)
        living.discard(self.name)

    async def _tell_the_last(self) -> None:
        """Tell the owner what is left to tell, if it can be reached."""
        if self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing], timeout=_TELL if self._tasks.is_joined else 0.0)
        if self._outcomes and self._tasks.is_joined:
            await asyncio.wait([self._flush()], timeout=_TELL)
        if self._flushing is not None:
            self._flushing.cancel()
        if self._outcomes:
            logger.warning(
                "The owner of the queue could not be told what became of %d tasks; it will have "
                "them run again.",
                len(self._outcomes),
            )

    @property
    def apart(self) -> list[asyncio.Task[None]]:
        """What runs in processes of their own."""
        attempts = self.attempts.values()
        return [one.job for one in attempts if one.is_apart and one.job is not None]

    async def until_one_apart_ends(self) -> None:
        """Wait until one of those has ended; not at all if there is none."""
        if jobs := self.apart:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)

    def _jobs(self) -> list[asyncio.Task[None]]:
        return [attempt.job for attempt in self.attempts.values() if attempt.job is not None]


def _brief(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
