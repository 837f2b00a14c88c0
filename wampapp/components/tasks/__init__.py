"""A task queue that loses nothing: what must be done, and need not be done at once."""

from wampapp.components.tasks.context import Cancel, Retry, Task, TaskFailed
from wampapp.components.tasks.definition import Bound, Chain, TaskFunction
from wampapp.components.tasks.handle import BlockingHandle, Handle, Progress
from wampapp.components.tasks.records import QueueInfo, ScheduleInfo, State, TaskInfo
from wampapp.components.tasks.tasks import Tasks

__all__ = [
    "BlockingHandle",
    "Bound",
    "Cancel",
    "Chain",
    "Handle",
    "Progress",
    "QueueInfo",
    "Retry",
    "ScheduleInfo",
    "State",
    "Task",
    "TaskFailed",
    "TaskFunction",
    "TaskInfo",
    "Tasks",
]
