"""A build that has nothing to do: a tree of 20,000 files and 300 MB, and one of 50 files."""

import os

import tree
from measure import Failure, Side, alternate

TITLE = "build without a change"
SIZES = {"large": (20_000, 300_000_000, 5, 0.15), "small": (50, 400_000, 9, 0.10)}


def measure(lab, section):
    """Times ours against docker and buildx, on both trees."""
    for name, (files, size, rounds, goal) in SIZES.items():
        project = f"dashdeploy-bench-{name}"
        folder = tree.make(os.path.join(lab.work, name), project, files, size)
        # New to the engine, so that there is one result of each step that all sides find.
        tree.Edit(folder).write()
        count, total = tree.size(folder)
        what = f"{count:,} files, {total / 1e6:.1f} MB"
        sides = warm(lab, folder, project)
        compare_images(lab, section, what, sides)
        before = [lab.image_id(image) for image in sides]
        alternate(list(sides.values()), rounds, warm_up=False)
        if [lab.image_id(image) for image in sides] != before:
            raise Failure(f"an image of the {name} tree changed, though nothing else had")
        ours, docker, *rest = sides.values()
        section.compare(what, ours, docker, goal)
        for buildx in rest:
            section.compare(what, ours, buildx)
    if not lab.buildx:
        section.note("buildx was left out: DOCKER_BUILDX names none")
    section.checked("after all runs every image is the one that it was before.")


def warm(lab, folder, project):
    """The sides by the image that they build, each run once.

    The peers are given the labels that our image has. They are given the folder by its path, since docker 20.10 takes what
    it sends from a folder named `.` for a newer state of every other folder that was so named.
    """
    ours = Side("dashdeploy", [lab.dashdeploy, "build"], folder)
    ours.run()
    labels = lab.image(f"{project}-app:latest")["Config"]["Labels"] or {}
    given = [word for key, value in sorted(labels.items()) for word in ("--label", f"{key}={value}")]
    peer = [*given, "-t"]
    sides = {
        f"{project}-app:latest": ours,
        f"{project}-docker": Side("docker build -q", [lab.docker, "build", "-q", *peer, f"{project}-docker", folder], folder),
    }
    if lab.buildx:
        # Its configuration is its own, so that the builder is the engine's whatever the user has chosen.
        env = {"BUILDX_CONFIG": os.path.join(lab.work, "buildx"), "BUILDX_BUILDER": "default"}
        command = [lab.buildx, "build", "-q", "--load", *peer, f"{project}-buildx", folder]
        sides[f"{project}-buildx"] = Side("buildx build -q", command, folder, env)
    for side in sides.values():
        side.run()
    return sides


def compare_images(lab, section, what, sides):
    """All have built the same layers; whether the images are one and the same is told."""
    (name, _), *peers = sides.items()
    mine = lab.image(name)
    for image, side in peers:
        theirs = lab.image(image)
        if mine["RootFS"]["Layers"] != theirs["RootFS"]["Layers"]:
            raise Failure(f"{side.name} built other layers than dashdeploy")
        if mine["Id"] == theirs["Id"]:
            section.checked(f"{what}: {side.name} with the same labels gives the same image id.")
        else:
            section.note(f"{what}: {side.name} with the same labels gives the same layers under another image id.")
