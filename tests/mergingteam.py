"""A team that promotes by merges: a plane with three environments, a clone to type in, and a colleague's.

The repository lies on a server that speaks HTTP. There is no forge: the colleague does what its button would.
"""

import gzip
import json
import shlex
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlplane import names
from mlplane.api.conditions import of
from plane import Plane, edit, eventually, git, make_repository, running
from sourceservers import git_backend, web_server

DEV, STAGING, PROD = "default", "staging", "prod"
"""Namespaces of the environments that ``mlplane init`` writes."""
Version = tuple[str, str]
"""Name and digest."""
URL = "https://git.example.com/"
DATA = "data/digits.csv.gz"
KNOWN = 1500
"""Digits that the team has at first; the template has some 300 more."""


@dataclass
class Team:
    """A plane that follows the team's repository, a clone in which commands are typed, and a colleague's."""

    plane: Plane
    work: Path
    colleague: Path
    digits: list[bytes]
    """All there will be, one in a line."""
    predictions: dict[str, Any] = field(default_factory=dict)
    """What each version has answered, by digest."""

    def git(self, *arguments: str) -> str:
        return git(self.work, self.plane.home, *arguments)

    def mlplane(self, *arguments: str, code: int = 0) -> str:
        done = self.plane.mlplane(*arguments, "-C", str(self.work), check=False)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == code, said
        return said

    def collect(self, count: int | None = None) -> None:
        """Put so many digits into the clone; None for all."""
        (self.work / DATA).write_bytes(gzip.compress(b"".join(self.digits[:count])))

    def publish(self, message: str) -> None:
        """Commit all there is, pin it, and push both commits at once."""
        self.git("add", "--all")
        self.git("commit", "-m", message)
        self.plane.mlplane("lock", str(self.work), "--commit")
        self.git("push", "origin", "main")

    def merge(self, branch: str) -> None:
        """What the button of a forge does."""
        home = self.plane.home
        git(self.colleague, home, "pull", "--ff-only", "origin", "main")
        git(self.colleague, home, "fetch", "origin", branch)
        git(self.colleague, home, "merge", "--no-ff", "-m", f"Merge {branch}", "FETCH_HEAD")
        git(self.colleague, home, "push", "origin", "main", f":{branch}")

    def promote(self, to: str, version: Version) -> None:
        """A pull request that is merged; until the version is served."""
        self.mlplane("promote", "digits", "--to", to)
        self.merge(f"mlplane/promote/{to}/digits")
        self.until_served(to, version)

    def give_up_dev(self) -> None:
        """Destroy what has trained: manifests, objects and records, pods and their logs."""
        self.git("pull", "--ff-only", "origin", "main")
        self.git("rm", "-r", "dev")
        (self.work / "dev").mkdir()
        (self.work / "dev" / "README.md").touch()
        self.git("add", "dev")
        self.git("commit", "-m", "Give dev up", "--trailer", "Mlplane-Prune: confirmed")
        self.git("push", "origin", "main")
        kinds = "trainingruns,datasets,modelservers"
        eventually(lambda: not self.plane.objects(kinds, "-n", DEV), "dev is empty")
        self.plane.kubectl("delete", "modelversions,evaluations,workflows,pods", "--all", "-n", DEV)

    def history(self, environment: str) -> list[tuple[str, str]]:
        """The versions that it was given and how, the newest first."""
        self.git("pull", "--ff-only", "origin", "main")
        told = json.loads(self.mlplane("history", "digits", "--env", environment, "-o", "json"))
        return [(entry["version"]["name"], entry["how"]) for entry in told["served"]]

    def promotion_to(self, environment: str) -> str:
        """The merge commit that brought the newest version to an environment."""
        asked = ("log", "--first-parent", "-1", "--format=%H", f"--grep=Merge mlplane/promote/{environment}")
        return self.git(*asked)

    def version_of(self, run: str) -> Version:
        """Name and digest of what a run has made, once it is complete."""
        done = self.plane.kubectl(
            "wait", "--for=condition=Complete", f"run/{run}", "--timeout=150s", check=False
        )
        assert done.returncode == 0, self.plane.kubectl("describe", "run", run, check=False).stdout
        name = self.plane.object("run", run)["status"]["modelVersion"]
        return name, self.plane.object("modelversion", name)["spec"]["artifact"]["digest"]

    def server(self, namespace: str) -> dict[str, Any]:
        found = self.plane.objects("modelservers", "-n", namespace)
        return found[0] if found else {}

    def until_served(self, namespace: str, version: Version) -> None:
        """Until an environment answers with a version; it answers as that version did anywhere before."""
        self.wait("--for=create", namespace)
        self.wait(f"--for=jsonpath={{.status.modelVersion.digest}}={version[1]}", namespace)
        self.wait("--for=condition=Ready", namespace)
        assert self.server(namespace)["status"]["modelVersion"]["name"] == version[0]
        answer = self.ask(namespace)
        assert self.predictions.setdefault(version[1], answer) == answer
        assert len({str(each) for each in self.predictions.values()}) == len(self.predictions)

    def wait(self, until: str, namespace: str) -> None:
        """One process that watches costs less than many that ask."""
        done = self.plane.kubectl("wait", until, "ms/digits", "-n", namespace, "--timeout=150s", check=False)
        assert done.returncode == 0, self.plane.kubectl("describe", "ms", "-n", namespace, check=False).stdout

    def ask(self, namespace: str) -> Any:
        """The scores of the first digit, which is a zero."""
        pixels = [float(value) for value in self.digits[0].split(b",")[:64]]
        host, _, port = self.server(namespace)["status"]["url"].removeprefix("http://").partition(":")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/models/digits:predict",  # not every resolver knows *.localhost
            data=json.dumps({"instances": [pixels]}).encode(),
            headers={"Host": f"{host}:{port}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            [scores] = json.load(reply)["predictions"]
        assert scores.index(max(scores)) == 0
        return scores

    def trainings(self) -> set[str]:
        """The pods that have trained or judged, in all namespaces."""
        pods = (body["metadata"] for body in self.plane.objects("pods", "--all-namespaces"))
        return {p["uid"] for p in pods if "-train-" in p["name"] or "-evaluate-" in p["name"]}

    @contextmanager
    def other_bytes(self, digest: str) -> Iterator[None]:
        """Somebody puts other bytes in the place of a model's."""
        [model] = (self.plane.state / "store").rglob(f"*{digest.removeprefix('sha256:')}/model.pt2")
        before = model.read_bytes()
        model.write_bytes(b"x" + before[1:])
        yield
        model.write_bytes(before)

    def damage_told(self, namespace: str) -> str:
        """What the command says that a server names, once it speaks of a damaged model."""
        message = (of(self.server(namespace), names.READY) or {})["message"]
        command = next((words for words in message.split("`") if words.startswith("kubectl ")), "")
        said = self.plane.kubectl(*shlex.split(command)[1:]).stdout if command else ""
        return said if "damaged" in said else ""


@contextmanager
def at_work(folder: Path) -> Iterator[Team]:
    """A team with some digits and one run, on a plane that follows its repository."""
    home, work, colleague = folder / "home", folder / "digits", folder / "colleague"
    home.mkdir()
    make_repository(work, home)
    digits = gzip.decompress((work / DATA).read_bytes()).splitlines(keepends=True)
    remote = folder / "served" / "team" / "digits.git"
    git(folder, home, "init", "--bare", "--initial-branch=main", str(remote))
    git(remote, home, "config", "http.receivepack", "true")
    git(remote, home, "remote", "add", "origin", f"{URL}team/digits.git")
    with web_server() as web:
        web.answers["*"] = git_backend(folder / "served")
        team = Team(Plane(folder / "state", home, ("--repo", str(remote))), work, colleague, digits)
        team.git("config", f"url.http://{web.address}/.insteadOf", URL)
        team.collect(KNOWN)
        edit(work / "dev" / "trainingrun.yaml", spec__params={"epochs": 12, "lr": "0.003", "hidden": 256})
        (work / "dev" / "modelserver.yaml").unlink()  # nobody asks there, and a server costs time
        team.publish("Begin with what we have")
        git(folder, home, "clone", f"http://{web.address}/team/digits.git", str(colleague))
        with running(team.plane):
            yield team
