"""A blueprint with views, procedures and error handlers of its own."""

from typing import Any

from wampapp import Blueprint
from wampapp.web import abort, url_for

shop = Blueprint()


@shop.route("/")
def cart() -> str:
    return url_for("remove", sku="tea", back="ü")


@shop.register
@shop.post("/remove/<sku>")
def remove(sku: str) -> str:
    return sku


@shop.get("/missing")
def missing() -> str:
    abort(404)


@shop.errorhandler(404)
def not_in_the_cart(_error: Any) -> tuple[str, int]:
    return "not in the cart", 404
