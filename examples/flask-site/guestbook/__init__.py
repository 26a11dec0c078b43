"""A guest book: `gunicorn "guestbook:create_app()"` or `guestbook.wsgi:app`."""

import os
from pathlib import Path

from flask import Flask

from guestbook import pages


def create_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    app.config["GUESTBOOK_FILE"] = Path(os.environ.get("GUESTBOOK_FILE", "instance/guestbook.jsonl"))
    app.register_blueprint(pages.blueprint)
    return app
