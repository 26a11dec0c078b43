"""The example application in folders of its own, so that nothing is built or started from the clone."""

import os
import re
import shutil
import subprocess

from lab import free_ports
from measure import Failure, run

EXAMPLE = "examples/small-cap-dashboard"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", ".env", ".dashdeploy", "__pycache__", ".venv")
# What the application asks for; the value is one that its own example names.
ENVIRONMENT = {"TS_ALPHA_VANTAGE_KEY": "demo"}


def copy(lab, project):
    """The application under a project name of its own, on free ports, with its files rendered."""
    folder = os.path.join(lab.work, project)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.join(lab.repository, EXAMPLE), folder, ignore=LEFT_OUT)
    api, web = free_ports(2)
    change(
        os.path.join(folder, "dashdeploy.yaml"),
        (r"(?m)^project: .*", f"project: {project}"),
        (r"(?m)^    port: 8000$", f"    publish: {api}\n    port: 8000"),
        (r"publish: 4173", f"publish: {web}"),
    )
    run([lab.dashdeploy, "render"], folder)
    return folder


def change(path, *replacements):
    """Replaces in a file; a pattern that is not there is an error."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for pattern, new in replacements:
        text, count = re.subn(pattern, new, text, count=1)
        if not count:
            raise Failure(f"{os.path.basename(path)} of the example has changed: no `{pattern}` in it")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def append(path, comment):
    """An edit of a source that no build has seen before."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{comment} {os.urandom(8).hex()}\n")


def as_worked_in(lab, folder):
    """What a developer's folder holds besides the sources: a repository, node_modules, a virtual environment."""
    store = os.path.join(lab.work, "worked-in")
    marker = os.path.join(store, "made")
    if not os.path.exists(marker):
        shutil.rmtree(store, ignore_errors=True)
        os.makedirs(store)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(folder, "dashboard_web", name), store)
        for name in ("requirements.txt", "requirements-dev.txt"):
            shutil.copy(os.path.join(folder, name), store)
        run(["npm", "ci", "--no-audit", "--no-fund"], store)
        run(["/usr/bin/python3", "-m", "venv", ".venv"], store)
        run([os.path.join(store, ".venv/bin/pip"), "install", "-q", "-r", "requirements-dev.txt"], store)
        open(marker, "w", encoding="utf-8").close()
    web = os.path.join(folder, "dashboard_web", "node_modules")
    for source, place in ((os.path.join(store, "node_modules"), web), (os.path.join(store, ".venv"), os.path.join(folder, ".venv"))):
        shutil.copytree(source, place, symlinks=True)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
