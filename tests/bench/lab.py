"""The programs that are compared, the engine they all speak to, and what a run leaves behind.

Everything made on the engine is named `dashdeploy-bench-…` and is taken away by `clean`, and nothing else is.
"""

import json
import os
import platform
import shutil
import socket
import subprocess

from measure import Failure, run

NAME = "dashdeploy-bench"
# The label by which images are known that lost their name to a later build; dashdeploy puts it on by itself.
MARK = "dev.dashdeploy.project"


class Lab:
    """Programs and folders of one run."""

    def __init__(self, dashdeploy, repository, work):
        self.dashdeploy = dashdeploy
        self.repository = repository
        self.work = work
        # Another client may come first on PATH and lack BuildKit's builder: the distribution's is the peer.
        self.docker = "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else shutil.which("docker")
        self.compose = os.environ.get("DOCKER_COMPOSE") or shutil.which("docker-compose")
        self.buildx = os.environ.get("DOCKER_BUILDX") or shutil.which("docker-buildx")
        self.registry = os.environ.get("DOCKER_REGISTRY") or shutil.which("docker-registry")
        os.makedirs(work, exist_ok=True)

    def ask(self, *arguments):
        """What the docker client prints; raises `Failure` where it fails."""
        return run([self.docker, *arguments], self.work).out.strip()

    def docker_build(self, image, folder, *options):
        """The command of the docker client that builds a folder, with the mark by which `clean` knows the image again."""
        return [self.docker, "build", *options, "--label", f"{MARK}={image}", "-t", image, folder]

    def image(self, reference):
        """What the engine knows of an image; raises `Failure` where it is not there."""
        return json.loads(self.ask("image", "inspect", reference))[0]

    def image_id(self, reference):
        """The image's id."""
        return self.image(reference)["Id"]

    def containers(self, project):
        """Id, start time and state of each container of a project, to tell whether anything was touched."""
        ids = self.ask("ps", "-aq", "--filter", f"label=com.docker.compose.project={project}").split()
        if not ids:
            raise Failure(f"no container of {project} is there")
        return sorted(self.ask("inspect", "-f", "{{.Id}} {{.State.StartedAt}} {{.State.Health.Status}}", *ids).splitlines())

    def clean(self):
        """Takes away containers, volumes, networks and images of this bench, and tells whether all went."""
        filters = ["--filter", f"name={NAME}-"]
        rest = [self._remove(["ps", "-aq", *filters], ["rm", "-f", "-v"])]
        rest.append(self._remove(["network", "ls", "-q", *filters], ["network", "rm"]))
        rest.append(self._remove(["volume", "ls", "-q", *filters], ["volume", "rm"]))
        ours = self._images()
        if ours:
            rest.append(subprocess.run([self.docker, "rmi", "-f", *ours], capture_output=True, check=False).returncode == 0)
        self._forget_layers()
        return all(rest)

    def _forget_layers(self):
        """Takes the trees' layers out of the build cache, each some 300 MB; known by the path that only they have.

        The step that counts names the path; its parent is the tree itself. Records that are used stay.
        """
        found = self._lines(["system", "df", "-v", "--format", "{{json .BuildCache}}"])
        records = json.loads(" ".join(found) or "[]")
        counts = [record for record in records if f"/{NAME} " in record["Description"] and record["InUse"] == "false"]
        for part in ("ID", "Parent"):
            ids = "|".join(record[part] for record in counts if record[part])
            if ids:
                prune = [self.docker, "builder", "prune", "-a", "-f", "--filter", f"id={ids}"]
                subprocess.run(prune, capture_output=True, check=False)

    def _images(self):
        """Those whose last part of the name is ours (a registry may stand before it), and those that lost such a name."""
        tagged = self._lines(["images", "--format", "{{.Repository}}:{{.Tag}}"])
        ours = [name for name in tagged if name.rpartition(":")[0].rpartition("/")[2].startswith(f"{NAME}-")]
        for label in (MARK, "com.docker.compose.project"):
            for image in set(self._lines(["images", "-q", "--filter", "dangling=true", "--filter", f"label={label}"])):
                project = self._lines(["image", "inspect", "-f", f'{{{{index .Config.Labels "{label}"}}}}', image])
                if project and project[0].startswith(f"{NAME}-"):
                    ours.append(image)
        return [name for name in ours if not name.endswith(":<none>")]

    def _lines(self, arguments):
        found = subprocess.run([self.docker, *arguments], capture_output=True, text=True, check=False)
        return found.stdout.split()

    def _remove(self, listing, removal):
        found = self._lines(listing)
        if not found:
            return True
        return subprocess.run([self.docker, *removal, *found], capture_output=True, check=False).returncode == 0

    def versions(self):
        """Name and version of everything that takes part."""
        engine = json.loads(self.ask("version", "--format", "{{json .Server}}"))
        rows = [
            ("dashdeploy", last_word(self._first([self.dashdeploy, "--version"]))),
            ("docker (command line)", self.ask("version", "--format", "{{.Client.Version}}")),
            ("Docker Engine", f"{engine['Version']} ({self.ask('info', '--format', '{{.Driver}}')})"),
        ]
        if self.buildx:
            rows.append(("buildx", self._first([self.buildx, "version"]).split()[1]))
        if self.compose:
            rows.append(("Compose", self._first([self.compose, "version", "--short"])))
        if self.registry:
            rows.append(("docker-registry", self._first([self.registry, "--version"]).split()[2]))
        rows.append(("kernel", f"{platform.system()} {platform.release()}, {platform.machine()}"))
        rows.append(("processors", str(os.cpu_count())))
        rows.append(("base images", self._bases()))
        return rows

    def _bases(self):
        names = ["debian:bookworm-slim", "python:3.11-slim", "node:20-alpine", "nginx:1.27-alpine"]
        label = '{{index .Config.Labels "dev.dashdeploy.standin"}}'
        return ", ".join(f"{n} ({'stand-in' if self.ask('image', 'inspect', '-f', label, n) else 'official'})" for n in names)

    def _first(self, command):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).strip().splitlines()[0]


def last_word(line):
    """The last word of a line."""
    return line.split()[-1]


def free_ports(count):
    """Ports of this machine that nobody listens on."""
    held = []
    for _ in range(count):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        held.append(one)
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def events(run_done):
    """The JSON lines of a run of ours with `--json`."""
    return [json.loads(line) for line in run_done.out.splitlines() if line.startswith("{")]
