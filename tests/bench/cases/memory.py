"""Peak memory while a context of 300 MB is sent."""

import os
import shutil

import tree
from cases import edit, noop
from measure import Failure, Side

TITLE = "peak memory while sending 300 MB"
LIMIT = 80


def measure(lab, section):
    """Both send the whole tree: every file of it is newer than what the engine has of it."""
    files, size, _, _ = noop.SIZES["large"]
    source = tree.make(os.path.join(lab.work, "large"), "dashdeploy-bench-large", files, size)
    folder = os.path.join(lab.work, "sent")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    places = [os.path.join(folder, name) for name in ("by-dashdeploy", "by-docker")]
    try:
        shutil.copytree(source, places[0], copy_function=shutil.copyfile)
        _, total = tree.size(places[0])
        with open(os.path.join(places[0], "dashdeploy.yaml"), "w", encoding="utf-8") as file:
            file.write(tree.PROJECT.format(project="dashdeploy-bench-sent"))
        tree.Edit(places[0]).write()
        ours = Side("dashdeploy", [lab.dashdeploy, "build", "--json"], places[0])
        ours.runs.append(ours.run())
        sent, _ = edit.bytes_of_ours(ours.runs[0])
        if sent < total * 0.9:
            raise Failure(f"only {sent:,} of {total:,} bytes were sent: this measures nothing")
        os.rename(places[0], places[1])
        tree.Edit(places[1]).write()
        docker = Side("docker build", lab.docker_build("dashdeploy-bench-sent-docker", places[1]), places[1])
        docker.runs.append(docker.run())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    mine, theirs = (side.runs[0].peak_bytes / 1e6 for side in (ours, docker))
    section.limit("largest resident set", [mine], LIMIT, "MB", docker.name, [theirs])
    section.compare("time, sent, copied and written", ours, docker)
    section.checked(f"{sent:,} bytes of content were sent by dashdeploy; docker said {edit.bytes_of_docker(docker.runs[0])}.")
