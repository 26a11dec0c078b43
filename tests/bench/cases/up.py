"""`up` of an application that is up already."""

import time

import apps
from measure import Failure, Side, Skip, alternate

TITLE = "up without a change"
LIMIT_MS = 60


def measure(lab, section):
    """Ours, which looks at the sources too, against `compose up -d`, which does not, and against `up -d --build`."""
    if not lab.compose:
        raise Skip("DOCKER_COMPOSE names no Compose v2")
    mine, theirs = "dashdeploy-bench-up", "dashdeploy-bench-up-peer"
    folder, other = apps.copy(lab, mine), apps.copy(lab, theirs)
    ours = Side("dashdeploy", [lab.dashdeploy, "up"], folder, apps.ENVIRONMENT)
    plain = Side("compose up -d", [lab.compose, "up", "-d"], other, apps.ENVIRONMENT)
    build = Side("compose up -d --build", [lab.compose, "up", "-d", "--build"], other, apps.ENVIRONMENT)
    try:
        for side in (ours, build, plain):
            side.run()
        healthy(lab, mine, theirs)
        for side in (ours, build, plain):
            side.run()
        before = [lab.containers(mine), lab.containers(theirs)]
        alternate([ours, plain, build], 7, warm_up=False)
        if [lab.containers(mine), lab.containers(theirs)] != before:
            raise Failure("a container was touched, though nothing had changed")
    finally:
        for side, project in ((ours, folder), (plain, other)):
            down = [side.command[0], "down", "--volumes", *(["--yes"] if side is ours else [])]
            Side(side.name, down, project, apps.ENVIRONMENT).run()
    section.compare("checks the build too; the peer does not", ours, plain, 0.10)
    section.compare("both check the build", ours, build)
    section.limit("whole process", [value * 1000 for value in ours.seconds()], LIMIT_MS, "ms")
    section.checked("no container was replaced, restarted or became unhealthy in any run, on either side.")


def healthy(lab, *projects):
    """Waits until all containers are; Compose does not wait by itself."""
    for _ in range(120):
        if all(line.endswith(" healthy") for project in projects for line in lab.containers(project)):
            return
        time.sleep(0.5)
    raise Failure("the application did not become healthy")
