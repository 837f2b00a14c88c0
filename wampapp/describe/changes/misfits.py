"""Why values do not fit, in words for those who give them and for those who take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple


class Misfit(NamedTuple):
    """Why some value does not fit.

    Attributes:
        path: where, from the value on: ``.lines[].sku``; empty for the value itself.
        text: why, in words that follow the path and a colon.
    """

    path: str
    text: str


@dataclass(frozen=True)
class Words:
    """What misfits are called, for those who give the values or for those who take them.

    Attributes:
        value: some values do not fit: {0}, where {1} do.
        only: all but a few do not fit: of {0} only {1} does.
        nothing: no value fits.
        limit: values need not keep the limit {0}.
        missing: a required field may be missing.
        gone: a field is not there, or is not said to be there.
        field: a field is there that must not be.
        fields: fields may be there that have no name.
        is_lenient: whether what nobody says is no misfit: the type of a value, a limit of it, or a
            further field.
    """

    value: str
    only: str
    nothing: str
    limit: str
    missing: str
    gone: str
    field: str
    fields: str
    is_lenient: bool = False


#: To those who give values: what is taken has become less.
TO_GIVERS: Final = Words(
    value="{0} is no longer taken",
    only="must now be {1}",
    nothing="is no longer taken",
    limit="must now {0}",
    missing="must now be given",
    gone="must now be given",
    field="is no longer taken",
    fields="further fields are no longer taken",
)
#: To those who take values: what is given has become more.
TO_TAKERS: Final = Words(
    value="may now be {0}",
    only="may now be {0}",
    nothing="may now be given",
    limit="need no longer {0}",
    missing="may now be missing",
    gone="is gone",
    field="may now be given",
    fields="may now have further fields",
)
#: To somebody who has written down what they give: it is not what is taken.
OF_GIVERS: Final = Words(
    value="{0} is not taken, only {1}",
    only="must be {1}",
    nothing="is not taken",
    limit="must {0}",
    missing="must be given",
    gone="must be given",
    field="is not taken",
    fields="further fields are not taken",
    is_lenient=True,
)
#: To somebody who has written down what they take: it is not what is given.
OF_TAKERS: Final = Words(
    value="may be {0}",
    only="is {0}",
    nothing="may be given",
    limit="need not {0}",
    missing="may be missing",
    gone="is not there",
    field="may be given",
    fields="may have further fields",
    is_lenient=True,
)
