"""Two images with no former result of any step: the example's API and page."""

import apps
from measure import Failure, Side, Skip, alternate

TITLE = "two images cold, at once"
IMAGES = ("api", "web")


def measure(lab, section):
    """Ours against Compose, on the same Dockerfiles, both without the layer cache and with the cache mounts of pip and npm."""
    if not lab.compose:
        raise Skip("DOCKER_COMPOSE names no Compose v2")
    project = "dashdeploy-bench-cold"
    folder = apps.copy(lab, project)
    new = Renewed(lab, project)
    ours = Side("dashdeploy", [lab.dashdeploy, "build", "--no-cache"], folder, after=new.prove)
    compose = Side("compose build", [lab.compose, "build", "--no-cache"], folder, apps.ENVIRONMENT, after=new.prove)
    # Fills the cache mounts, and is not counted.
    Side("dashdeploy", [lab.dashdeploy, "build"], folder).run()
    alternate([ours, compose], 3, warm_up=False)
    section.compare("API and page", ours, compose, 0.95)
    section.checked("each run gave two images that were not there before.")
    section.note("dashdeploy also writes the page's built files to .dashdeploy/dist.")


class Renewed:
    """Sees that a run replaced both images."""

    def __init__(self, lab, project):
        self.lab = lab
        self.names = [f"{project}-{name}:latest" for name in IMAGES]
        self.seen = set()

    def prove(self):
        """Fails where an image is one that an earlier run made."""
        for name in self.names:
            found = self.lab.image_id(name)
            if found in self.seen:
                raise Failure(f"{name} was not built anew")
            self.seen.add(found)
