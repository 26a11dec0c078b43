"""Start-up: the version is printed."""

from measure import Side, alternate

TITLE = "start-up"


def measure(lab, section):
    """Ours against docker."""
    ours = Side("dashdeploy", [lab.dashdeploy, "--version"], lab.work)
    docker = Side("docker --version", [lab.docker, "--version"], lab.work)
    alternate([ours, docker], 25)
    section.compare("--version", ours, docker, 1.0)
