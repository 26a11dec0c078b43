"""Ten builds in a row of a changing tree of 20,000 files, while every processor is busy. Not a figure: all must succeed."""

import os
import subprocess
import sys

import tree
from cases import edit, noop
from measure import Failure, Side

TITLE = "ten builds in a row under load"
BUILDS = 10
BURN = "while True: pass"


def measure(lab, section):
    """Builds while one busy process for each processor runs; every build sees other files."""
    files, size, _, _ = noop.SIZES["large"]
    project = "dashdeploy-bench-large"
    folder = tree.make(os.path.join(lab.work, "large"), project, files, size)
    change = Changes(folder)
    ours = Side("dashdeploy", [lab.dashdeploy, "build", "--json"], folder, before=change.write)
    ours.run()
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(os.cpu_count() or 1)]
    failures = []
    try:
        for number in range(BUILDS):
            try:
                ours.runs.append(ours.run())
                edit.prove_edited(lab, f"{project}-app:latest", change.last)
            except Failure as failure:
                failures.append(f"build {number + 1}: {failure}")
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
        change.undo()
        tree.make(folder, project, files, size)
    good = BUILDS - len(failures)
    section.fact("builds that succeeded", f"{good} of {BUILDS}", goal=f"{BUILDS} of {BUILDS}", met=good == BUILDS)
    if failures:
        raise Failure("\n".join(failures))
    section.alone("time of each", ours.seconds())
    section.checked("each image holds the edit that its build was given.")


class Changes:
    """Changes of one round: a new text, a new file, a file gone, a thousand files with another time."""

    def __init__(self, folder):
        self.folder = folder
        self.last = tree.Edit(folder)
        self.extra = os.path.join(folder, "src", "extra.txt")
        self.touched = []
        for place, _, names in os.walk(os.path.join(folder, "core")):
            self.touched += [os.path.join(place, name) for name in names]
        self.touched = sorted(self.touched)[:1000]

    def write(self):
        """The next round."""
        self.last.write()
        if os.path.exists(self.extra):
            os.remove(self.extra)
        else:
            tree.write(self.extra, os.urandom(32))
        for path in self.touched:
            os.utime(path)

    def undo(self):
        """The tree as it was."""
        if os.path.exists(self.extra):
            os.remove(self.extra)
        for path in self.touched:
            os.utime(path, (tree.WHEN, tree.WHEN))
