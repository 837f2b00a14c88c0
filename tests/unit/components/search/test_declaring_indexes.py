"""What an index can be declared by."""

import dataclasses
import enum
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest

from wampapp import DeclarationError
from wampapp.components.search import facet, sort, text
from wampapp.components.search.declaring import Declared, Field


class Colour(enum.Enum):
    RED = "red"


def test_a_plain_class_becomes_a_dataclass() -> None:
    class Post:
        id: int
        title: str = text(weight=5)
        tags: list[str] = facet(default_factory=list)
        colour: Colour | None = facet(default=None)
        kind: Literal["a", "b"] = facet(default="a")
        day: date = facet(default=date(2026, 1, 1))
        written: datetime | None = sort(default=None)
        draft: bool = facet(default=False)
        extra: Any = None

    declared = Declared("posts", Post)
    assert declared.kind(1, "t").tags == []  # type: ignore[call-arg]
    assert declared.declaration.fields == (
        Field("title", "text", weight=5.0),
        Field("tags", "facet", many=True),
        Field("colour", "facet"),
        Field("kind", "facet"),
        Field("day", "facet", "day"),
        Field("written", "sort", "time"),
        Field("draft", "facet", "flag"),
    )
    with pytest.raises(TypeError, match="title"):
        declared.kind(1)  # type: ignore[call-arg]


def test_a_struct_and_a_dataclass_stay_what_they_are() -> None:
    class Struct(msgspec.Struct):
        id: str
        title: Annotated[str, text(weight=2)]
        price: Annotated[float, sort()] = 0.0

    @dataclasses.dataclass(frozen=True)
    class Data:
        id: str
        title: str = text(weight=2)
        price: float = sort(default=0.0)

    struct, data = Declared("a", Struct), Declared("b", Data)
    assert struct.kind is Struct
    assert data.kind is Data
    assert struct.declaration.fingerprint == data.declaration.fingerprint


def test_each_difference_has_its_fingerprint() -> None:
    def declared(weight: float, language: str | None = None, **more: Any) -> str:
        class Post:
            id: int
            title: str = text(weight=weight)

        Post.__annotations__ |= dict.fromkeys(more, str)
        for name, field in more.items():
            setattr(Post, name, field)
        return Declared("posts", Post, language=language).declaration.fingerprint

    found = [
        declared(1),
        declared(2),
        declared(1, "english"),
        declared(1, tag=facet()),
        declared(1, tag=sort()),
    ]
    assert len(set(found)) == len(found)
    assert declared(1) == found[0]


class Renamed(msgspec.Struct, rename="camel"):
    id: int
    the_title: Annotated[str, text()]


class NoId:
    title: str = text()


class OddId:
    id: float
    title: str = text()


class NoText:
    id: int
    tag: str = facet()


class OddText:
    id: int
    title: int = text()


class OddFacet:
    id: int
    title: str = text()
    tag: dict[str, str] = facet()


class OddSort:
    id: int
    title: str = text()
    tags: list[str] = sort()


class OddName:
    id: int
    Title: str = text()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Renamed, "Renamed of the index 'posts' renames fields"),
        (NoId, "NoId of the index 'posts' needs a field id, an int or a str"),
        (OddId, "needs a field id, an int or a str"),
        (NoText, "has nothing to search; declare a field such as `title: str = text"),
        (OddText, r"OddText\.title is text\(\), so its type is a str"),
        (OddFacet, r"OddFacet\.tag is facet\(\), so its type is a str, a number, a bool, a date"),
        (OddSort, r"OddSort\.tags is sort\(\), so its type is a str, a number"),
        (OddName, r"OddName\.Title cannot be searched by"),
        (7, "7 is not a class"),
    ],
)
def test_what_cannot_be_an_index(kind: Any, why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        Declared("posts", kind)


def test_wrong_names_languages_and_weights() -> None:
    class Post:
        id: int
        title: str = text()

    with pytest.raises(DeclarationError, match="An index cannot be called 'Posts'; use small"):
        Declared("Posts", Post)
    with pytest.raises(DeclarationError, match="The language 'klingon' is not known; there are"):
        Declared("posts", Post, language="klingon")
    with pytest.raises(DeclarationError, match="The weight 0 of a field is not between"):
        text(weight=0)
