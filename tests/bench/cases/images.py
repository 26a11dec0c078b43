"""The generated Dockerfiles beside those of the deployment plan: size, and a rebuild after an edit of the source."""

import os
import re
import shutil

import apps
from lab import events
from measure import Failure, Side, alternate

TITLE = "generated Dockerfiles beside the plan's own"
PARTS = {
    "api": ("backend/Dockerfile", "dashboard_api/app.py", "#", "pip .*install"),
    "web": ("frontend/Dockerfile", "dashboard_web/src/api.ts", "//", "npm (ci|install)"),
}


def measure(lab, section):
    """From a fresh clone, and from a folder in which somebody works."""
    for state in ("clone", "worked-in"):
        project = f"dashdeploy-bench-{state}"
        folder = apps.copy(lab, project)
        if state == "worked-in":
            apps.as_worked_in(lab, folder)
        planned = folder + "-plan"
        to_the_letter(lab, folder, planned)
        sizes(lab, section, state, project, folder, planned)
        if state == "worked-in":
            rebuilds(lab, section, project, folder, planned)
        for place in (folder, planned):
            shutil.rmtree(place)
    section.note("Both start from the same base images; a fresh clone has little beside the sources that could be left out.")


def to_the_letter(lab, folder, planned):
    """The application with the plan's files in the place of the generated ones."""
    shutil.rmtree(planned, ignore_errors=True)
    shutil.copytree(folder, planned, symlinks=True)
    for name in ("backend", "frontend", "deploy"):
        shutil.rmtree(os.path.join(planned, name), ignore_errors=True)
    for name in ("docker-compose.yml", "docker-compose.dev.yml"):
        os.remove(os.path.join(planned, name))
    shutil.copytree(os.path.join(lab.repository, "tests/bench/plan"), planned, dirs_exist_ok=True)


def sizes(lab, section, state, project, folder, planned):
    """Builds both, and compares what the engine says of the size."""
    Side("dashdeploy", [lab.dashdeploy, "build"], folder).run()
    for part, (dockerfile, _, _, _) in PARTS.items():
        plan_side(lab, project, part, dockerfile, planned).run()
        mine = lab.image(f"{project}-{part}:latest")["Size"] / 1e6
        theirs = lab.image(f"{project}-plan-{part}")["Size"] / 1e6
        goal = 0.65 if (part, state) == ("api", "worked-in") else None
        where = "folder worked in" if state == "worked-in" else "fresh clone"
        section.figures(f"size of {part}, {where}", [mine], "plan", [theirs], goal, "MB")


def plan_side(lab, project, part, dockerfile, planned, before=None):
    """A build as the plan has it."""
    command = lab.docker_build(f"{project}-plan-{part}", planned, "-f", os.path.join(planned, dockerfile))
    return Side("plan, docker build", command, planned, before=before)


def rebuilds(lab, section, project, folder, planned):
    """Times a build after an edit of one source, and looks that the packages are not installed again."""
    for part, (dockerfile, source, mark, install) in PARTS.items():
        edit = lambda place, source=source, mark=mark: apps.append(os.path.join(place, source), mark)
        ours = Side("dashdeploy", [lab.dashdeploy, "build", part, "--json"], folder, before=lambda: edit(folder))
        theirs = plan_side(lab, project, part, dockerfile, planned, before=lambda: edit(planned))
        alternate([ours, theirs], 3)
        section.compare(f"rebuild of {part} after an edit", ours, theirs)
        for one in ours.runs:
            prove_kept(one, install)
        again = not all(was_cached(one, install) for one in theirs.runs)
        section.fact(f"packages of {part} installed again", "no", "plan", "yes" if again else "no", "no", True)
    section.checked("in every rebuild of ours the step that installs the packages was taken from the cache (build events).")


def was_cached(run, install):
    """True where docker's progress says so of the step that installs packages."""
    step = re.search(rf"(?m)^#(\d+) \[.*RUN .*{install}", run.err)
    return bool(step and re.search(rf"(?m)^#{step[1]} CACHED", run.err))


def prove_kept(run, install):
    """Every step that installs packages was cached, there is one, and another step was run."""
    last = {}
    for event in events(run):
        if event.get("event") == "build_step":
            last[event["step"]] = event
    steps = [step for step in last.values() if re.search(rf"RUN .*{install}", step["name"])]
    if not steps or any(step["state"] != "cached" for step in steps):
        raise Failure(f"an edit of the source installed packages again: {[(s['name'], s['state']) for s in steps]}")
    if all(step["state"] == "cached" for step in last.values()):
        raise Failure("the edit changed nothing: this measures nothing")
