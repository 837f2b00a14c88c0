"""A FastAPI site whose lifespan runs a service."""

from fastapi import APIRouter, FastAPI

from wampapp import App, Blueprint
from wampapp.asgi import lifespan

wamp = App()
orders = Blueprint()
router = APIRouter()
app = FastAPI(lifespan=lifespan(wamp))


def create_app() -> FastAPI:
    return app
