"""What is read of a docstring: nothing that its author wrote is lost."""

import inspect
import sys

import pytest

from wampapp.describe.docstrings import Doc, read_docstring

GOOGLE = """Order something.

    It is sent on the same day.

    Args:
        sku: what to send,
            by its number
        *more (int): further ones

    Use it thus:
        order("apple")

    Example:
        >>> order("apple")
        1

        and so on.

    Returns:
        the order's number

    Note:
        Some notes,
        of two lines.

    Raises:
        ValueError: there is none

    A closing paragraph.
    """
NUMPY = """Order something.

    It is sent on the same day.

    Parameters
    ----------
    sku : str
        what to send,
        by its number
    *more
        further ones

    Returns
    -------
    int
        the order's number

    Raises
    ------
    ValueError
        there is none

    Notes
    -----
    Some notes,
    of two lines.

    Examples
    --------
    >>> order("apple")
    1
    """
SPHINX = """Order something.

    It is sent on the same day.

    :param sku: what to send,
        by its number
    :param int more:
       further
    ones
    :returns: the order's number
    :raises ValueError: there is none

    .. note::

        Some notes.

    A closing paragraph.
    """
FIELDS = {
    "parameters": {"sku": "what to send, by its number", "more": "further ones"},
    "result": "the order's number",
    "errors": {"ValueError": "there is none"},
}


def read(text: str) -> Doc:
    def function() -> None: ...

    function.__doc__ = text
    return read_docstring(function)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (
            GOOGLE,
            """\
It is sent on the same day.

Use it thus:
    order("apple")

Example:

    >>> order("apple")
    1

    and so on.

Note:

Some notes,
of two lines.

A closing paragraph.""",
        ),
        (
            NUMPY,
            """\
It is sent on the same day.

Notes:

Some notes,
of two lines.

Examples:

    >>> order("apple")
    1""",
        ),
        (
            SPHINX,
            """\
It is sent on the same day.

.. note::

    Some notes.

A closing paragraph.""",
        ),
    ],
    ids=["Google", "NumPy", "Sphinx"],
)
def test_each_style_keeps_what_is_no_argument(text: str, description: str) -> None:
    pytest.importorskip("docstring_parser")
    assert read(text) == Doc("Order something.", description, **FIELDS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["X.\n\nArgs:\n    sku: a", ":param sku: a", "X.\n\nArgs\n----\nsku\n    a"]
)
def test_a_single_section(text: str) -> None:
    pytest.importorskip("docstring_parser")
    assert read(text).parameters == {"sku": "a"}


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_without_the_parser_everything_stays(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docstring_parser", None)
    found = read(text)
    assert found.summary == "Order something."
    assert f"Order something.\n\n{found.description}" == inspect.cleandoc(text).strip()
    assert found.parameters == {}


@pytest.mark.parametrize(
    ("text", "doc"),
    [
        ("", Doc()),
        ("One\ntwo.", Doc("One two.")),
        ("One.\n\nReturns: two", Doc("One.", "Returns: two")),
        ("One.\n\nArgs:\nnothing", Doc("One.", "Args:\nnothing")),
        ("One.\n\nTitle\n-----", Doc("One.", "Title:")),
        ("Args: x", Doc("Args: x")),
        ("One.\n\nTip:\n  first\n    second", Doc("One.", "Tip:\n\nfirst\n  second")),
        ("One.\n\n---\n", Doc("One.", "---")),
        ("One.\n\n\n\nTwo.", Doc("One.", "Two.")),
    ],
)
def test_what_has_no_sections(text: str, doc: Doc) -> None:
    assert read(text) == doc
