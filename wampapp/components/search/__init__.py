"""A search for development: typos, facets, highlights, and answers that follow what is written."""

from wampapp.components.search.blocking import BlockingIndex
from wampapp.components.search.declaring import facet, sort, text
from wampapp.components.search.index import Index
from wampapp.components.search.records import Found, Hit
from wampapp.components.search.search import BlockingSearch, Search

__all__ = [
    "BlockingIndex",
    "BlockingSearch",
    "Found",
    "Hit",
    "Index",
    "Search",
    "facet",
    "sort",
    "text",
]
