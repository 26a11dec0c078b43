"""One file of 20,000 changed: what is sent, and how long the build takes."""

import os
import re

import tree
from cases import noop
from lab import events
from measure import Failure, Side, alternate

TITLE = "one file of 20,000 changed"
UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def measure(lab, section):
    """Each side builds an edit that no build has seen before."""
    project = "dashdeploy-bench-large"
    files, size, _, _ = noop.SIZES["large"]
    folder = tree.make(os.path.join(lab.work, "large"), project, files, size)
    edit = tree.Edit(folder)
    ours = Side("dashdeploy", [lab.dashdeploy, "build", "--json"], folder, before=edit.write)
    docker = Side("docker build", lab.docker_build(f"{project}-docker", folder), folder, before=edit.write)
    ours.run()
    prove_edited(lab, f"{project}-app:latest", edit)
    docker.run()
    prove_edited(lab, f"{project}-docker", edit)
    alternate([ours, docker], 3, warm_up=False)
    tree.make(folder, project, files, size)
    section.compare("time", ours, docker, 1.0)
    sent = [bytes_of_ours(one) for one in ours.runs]
    section.fact("content sent (bytes), files sent", f"{max(sent)[0]:,} in {max(sent)[1]}", docker.name, bytes_of_docker(docker.runs[-1]))
    if max(sent)[1] > 5:
        raise Failure(f"{max(sent)[1]} files were sent for one edit")
    section.note("docker counts the names of all files as sent; ours counts the content alone.")
    section.checked("the edit is in the image, on both sides, and no side had the other's result to use.")


def prove_edited(lab, image, edit):
    """The image holds the last edit."""
    inside = lab.ask("run", "--rm", "--name", "dashdeploy-bench-look", image, "cat", "/dashdeploy-bench/src/edited.txt")
    if inside.strip() != edit.text:
        raise Failure(f"{image} does not hold the edit")


def bytes_of_ours(run):
    """The largest count of the context's events; nothing sent is no event."""
    news = [event for event in events(run) if event.get("event") == "build_context"]
    if not news:
        return 0, 0
    return max((event["bytes"], event["files"]) for event in news)


def bytes_of_docker(run):
    """What the progress says of the context, as it stands there."""
    found = re.findall(r"transferring context: ([\d.]+)([kMG]?B)", run.err)
    if not found:
        return "not told"
    return max(found, key=lambda pair: float(pair[0]) * UNITS[pair[1]])[0] + " " + found[-1][1]
