"""A Flask site without WAMP."""

from flask import Flask

site = Flask(__name__)
