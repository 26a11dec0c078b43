"""The pages of the guest book; its entries are lines of JSON in one file."""

import json
from pathlib import Path

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def index():
    return render_template("index.html", entries=_read())


@blueprint.get("/health")
def health():
    return {"status": "ok"}


@blueprint.post("/sign")
def sign():
    name = request.form.get("name", "").strip()
    if not 0 < len(name) <= 60:
        abort(400, "a name has 1 to 60 characters")
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"name": name}) + "\n")
    flash(f"Thank you, {name}.")
    return redirect(url_for("pages.index"))


def _read() -> list[dict[str, str]]:
    path = _file()
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _file() -> Path:
    return current_app.config["GUESTBOOK_FILE"]
