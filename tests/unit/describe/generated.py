"""Generated clients, for tests: descriptions that do harm, and modules made of source text."""

import re
import sys
from pathlib import Path
from types import ModuleType

from wampapp.describe.api import Api, Capture, Failure, Parameter, Procedure, Topic

#: What gets out of strings, docstrings and comments, if it is not escaped.
EVIL = (
    "a\"b'c\\ \"\"\" ''' */ /* "
    '// `${evil()}` {evil()} \\" \\\n\r\t\x00\x1b\x7f\x85\u2028\u202e\ud800'
    '\nraise SystemExit("evil")\n"""\nraise SystemExit("evil")\n*/ throw 1; """'
)
NAMES = [
    "class", "self", "list", "dt", "msgspec", "Any", "App", "import", "_private", "__dunder__",
    "2nd", "a-b", "a b", "\uff41", "naïve", "名", "", "*", "__proto__", "constructor", "default",
    "values", "handler", "result", "function", "Order", EVIL,
]  # fmt: skip


#: The same as components of URIs.
COMPONENTS = [re.sub(r"[\s#.\ud800-\udfff]", "", name) or "x" for name in NAMES]


def evil() -> Api:
    """A description in which every text and every name does harm."""
    schema = {"type": "string", "description": EVIL, "default": EVIL}
    parameters = tuple(
        Parameter(name=name, schema=schema, kind="any" if at % 2 else "keyword", required=False)
        for at, name in enumerate(NAMES)
    )
    texts = {"name": EVIL, "summary": EVIL, "description": EVIL, "deprecated": EVIL}
    captures = (
        Capture(name="class", schema={"type": "integer", "description": EVIL}),
        Capture(name="handler", schema={"enum": [EVIL, "`"]}),
    )
    uri = COMPONENTS[-1]
    here = {"$ref": "#/components/schemas/here"}
    return Api(
        title=EVIL,
        version=EVIL,
        description=EVIL,
        procedures=(
            *(
                Procedure(uri=f"com.evil.{name}", **texts)
                for name in [*COMPONENTS, "add", "a.add", "b.add"]
            ),
            Procedure(
                uri=f"com.{uri}`${{x}}{{x}}.<class>.<handler>.end",
                parameters=parameters,
                captures=captures,
                result=here,
                result_description=EVIL,
                errors=(Failure(uri=uri, description=EVIL), Failure(uri="com.list")),
                **texts,
            ),
            Procedure(uri="com.unknown", match="wildcard", is_described=False),
        ),
        topics=(
            *(Topic(uri=f"com.evil.{name}", is_published=True, **texts) for name in COMPONENTS),
            Topic(uri="com.<class>.<handler>", parameters=parameters, captures=captures, **texts),
            Topic(
                uri="com.<class>.<handler>",
                parameters=parameters,
                captures=captures,
                is_published=True,
            ),
            Topic(uri="com.unknown", match="prefix", is_published=True, is_described=False),
        ),
        schemas={
            **{
                name: {
                    "type": "object",
                    "description": EVIL,
                    "properties": dict.fromkeys(NAMES[:-1], schema),
                    "required": NAMES[:3],
                }
                for name in NAMES
            },
            "untold": {"type": "object", "properties": {EVIL: schema}},
            "here": {"type": "array", "items": here},
            "there": {"anyOf": [{"$ref": "#/components/schemas/there"}, {"type": "null"}]},
            "gone": {"$ref": "#/components/schemas/nowhere"},
            "values": {"enum": [EVIL, 1, None, True, 1.5]},
        },
    )


def module_of(source: str, folder: Path, name: str) -> ModuleType:
    """Write a module, and import it."""
    path = folder / f"{name}.py"
    path.write_text(source, "utf-8")
    module = ModuleType(name)
    sys.modules[name] = module  # msgspec looks there for what annotations name
    exec(compile(path.read_text("utf-8"), path, "exec"), vars(module))
    return module
