"""What deploys: the Containerfile and the files in deploy/, each held to its own validator and to the command."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from nextchar.settings import ServeSettings
from nextchar.web.metrics import Metrics
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.page_routes import open_routes
from nextchar.web.service import Service
from tests.command import PATIENCE, posix

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = ROOT / "Containerfile"
COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "systemd/nextchar.service"
KUBERNETES = "1.30"
"""The version of Kubernetes that the manifests are held to."""
MAX_EXPOSURE = 15
"""Of the systemd unit, as `systemd-analyze security` counts: tenths, of 100."""


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed."""
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)


def program(name: str) -> str:
    """Return the path of a program, or skip the test where it is not installed."""
    path = shutil.which(name, path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of the Kubernetes manifests, with its kind and name."""
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield f"{document['kind']} {document['metadata']['name']}", document


MANIFESTS = dict(manifests())
PODS = {
    name: document["spec"]["template"]["spec"] for name, document in MANIFESTS.items() if "template" in document["spec"]
}
SERVER = PODS["Deployment nextchar"]["containers"][0]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of each stage of the Containerfile, with those of the stages that it is made from."""
    lines = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(encoding="utf-8"), flags=re.M))
    found: dict[str, list[tuple[str, str]]] = {}
    instructions: list[tuple[str, str]] = []
    for line in filter(None, lines.splitlines()):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            image, _, stage = rest.split()
            found[stage] = instructions = list(found.get(image, []))
        instructions.append((name, rest))
    return found


def test_the_linter_has_nothing_to_say_of_the_containerfile() -> None:
    linted = run(program("hadolint"), "--no-color", CONTAINERFILE)
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("target", ["serve", "train"])
def test_an_image_does_not_run_as_root_and_comes_from_a_tagged_one(target: str) -> None:
    instructions = stages()[target]
    assert [rest for name, rest in instructions if name == "USER"] == ["10001:10001"]
    images = [rest.split()[0] for name, rest in instructions if name == "FROM"]
    assert images[0] not in stages()
    assert re.fullmatch(r"python:\d+\.\d+-slim-\w+", images[0])
    (copied,) = (rest for name, rest in instructions if name == "COPY")
    source = stages()[f"installed-{target}"]
    assert copied == f"--from=installed-{target} /opt/nextchar /opt/nextchar"
    assert "-m nextchar.networks.loops" in source[-1][1]


def test_the_images_install_what_the_project_names_and_only_one_of_them_torch(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program_of_stage = next(
        match[1] for _, rest in stages()["dependencies"] if (match := re.search(r'python -c "([^"]*)"', rest))
    )
    assert run(sys.executable, "-c", program_of_stage, cwd=tmp_path).stderr == ""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    serve, train = ((tmp_path / f"{target}.txt").read_text().splitlines() for target in ("serve", "train"))
    assert serve == [*project["dependencies"], *extras["web"]]
    assert train == [*extras["train"], *extras["data"]]
    installed = {target: " ".join(rest for _, rest in stages()[f"installed-{target}"]) for target in ("serve", "train")}
    assert "--requirement serve.txt" in installed["serve"]
    assert "train.txt" in installed["train"]
    assert "--requirement train.txt" not in installed["serve"]


def test_what_the_containerfile_copies_is_not_ignored() -> None:
    copied = {
        path
        for instructions in stages().values()
        for name, rest in instructions
        if name == "COPY" and not rest.startswith("--from")
        for path in rest.split()[:-1]
    }
    lines = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{path}" for path in copied} == {line for line in lines if line.startswith("!")}
    assert all((ROOT / path).exists() for path in copied)


def test_every_image_is_one_that_the_containerfile_makes() -> None:
    images = {container["image"] for pod in PODS.values() for container in pod["containers"]}
    images |= {service["image"] for service in SERVICES.values()}
    assert images == {f"nextchar-{target}:{version('nextchar')}" for target in ("serve", "train")}
    targets = {service["image"]: service["build"]["target"] for service in SERVICES.values()}
    assert targets == {f"nextchar-{target}:{version('nextchar')}": target for target in ("serve", "train")}


def test_the_compose_file_keeps_to_its_schema(tmp_path: Path) -> None:
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    checked = run(*check, COMPOSE)
    assert checked.returncode == 0, checked.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("read_only: true", "readonly: true"))
    assert run(*check, wrong).returncode == 1


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_keeps_to_the_schema_of_kubernetes(name: str) -> None:
    validator = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate, with the schemas, is not installed"
    )
    document = MANIFESTS[name]
    validator.validate(document, KUBERNETES, strict=True)
    with pytest.raises(validator.ValidationError):
        validator.validate({**document, "spec": {**document["spec"], "replica": 3}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_can_write_nothing_but_its_volumes(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        rules = container["securityContext"]
        assert (rules["readOnlyRootFilesystem"], rules["allowPrivilegeEscalation"]) == (True, False)
        assert rules["capabilities"] == {"drop": ["ALL"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert "/cache" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_probes_and_autoscaler_ask_for_what_the_server_has() -> None:
    service = Service.of(ServeSettings(cores=1), ModelRegistry([]))
    keyless = {getattr(route, "path", "") for route in open_routes(service, "title", "/openapi.json").routes}
    probes = {name: SERVER[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/readyz",
        "readiness": "/readyz",
        "liveness": "/healthz",
    }
    assert {probe["path"] for probe in probes.values()} < keyless
    assert {probe["port"] for probe in probes.values()} == {SERVER["ports"][0]["name"]}
    (metric,) = MANIFESTS["HorizontalPodAutoscaler nextchar"]["spec"]["metrics"]
    (label,) = metric["pods"]["metric"]["selector"]["matchLabels"].items()
    offered = Metrics({"writing": service.writing, "reading": service.reading}).text().decode()
    assert f'{metric["pods"]["metric"]["name"]}{{{label[0]}="{label[1]}"}} 0.0' in offered.splitlines()
    service.shut()


def test_the_jobs_know_how_many_they_are() -> None:
    score, train = (MANIFESTS[f"Job nextchar-{name}"]["spec"] for name in ("score", "train"))
    (shard,) = score["template"]["spec"]["containers"][0]["args"]
    assert shard.endswith(f'--shard "$JOB_COMPLETION_INDEX/{score["completions"]}"')
    (meeting,) = train["template"]["spec"]["containers"][0]["args"]
    assert f"--nnodes={train['completions']} " in meeting
    assert train["completions"] == train["parallelism"]
    service = MANIFESTS[f"Service {train['template']['spec']['subdomain']}"]
    assert service["spec"]["clusterIP"] == "None"
    (port,) = service["spec"]["ports"]
    assert f"--rdzv-endpoint=nextchar-train-0.nextchar-train:{port['port']} " in meeting


def command_line(page: str, start: str) -> list[str]:
    """Return the words of a command line in a manifest or a batch script, after the words ``start``."""
    if page.endswith(".yaml"):
        (text,) = PODS[f"Job nextchar-{page.removesuffix('.yaml')}"]["containers"][0]["args"]
    else:
        text = (DEPLOY / "slurm" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(rf"^[^#\n]*\b{start} (.*?)(?: &)?$", text, re.M)
    return shlex.split(line)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield where each command of ours is given, and its words from the name of the command on."""
    yield "compose.yaml", SERVICES["serve"]["command"]
    yield "serve.yaml", SERVER["args"]
    (unit,) = re.findall(r"^ExecStart=\S+ (.*)$", UNIT.read_text(encoding="utf-8"), re.M)
    yield UNIT.name, unit.split()
    for suffix in ("yaml", "sbatch"):
        yield f"train.{suffix}", ["train", *command_line(f"train.{suffix}", "nextchar train")]
        yield f"score.{suffix}", ["score", *command_line(f"score.{suffix}", "nextchar score")]


COMMANDS = dict(commands())


@pytest.mark.parametrize("where", COMMANDS)
def test_the_commands_given_exist(where: str) -> None:
    name, *words = COMMANDS[where]
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    sections = {section.split("\n", 1)[0]: section for section in page.split("\n### nextchar ")[1:]}
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert options
    assert [option for option in options if f"`{option}" not in sections[name]] == []


@pytest.mark.parametrize("page", ["train.yaml", "train.sbatch"])
def test_torchrun_takes_its_options(page: str) -> None:
    torchrun = pytest.importorskip("torch.distributed.run", reason="torch is not installed")
    given = torchrun.get_args_parser().parse_args(command_line(page, "torchrun"))
    assert (given.rdzv_backend, given.module, given.training_script) == ("c10d", True, "nextchar")
    assert given.max_restarts > 0  # torchrun itself takes 0
    assert given.training_script_args[0] == "train"


def test_systemd_finds_nothing_wrong_with_the_unit_and_little_exposed(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    unit = tmp_path / UNIT.name
    # It looks for the program, which is installed elsewhere here.
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/nextchar/bin/nextchar", sys.executable))
    verified = run(analyze, "verify", unit)
    assert [line for line in verified.stderr.splitlines() if UNIT.name in line] == []
    assert verified.returncode == 0
    if "--offline" not in run(analyze, "--help").stdout:
        pytest.skip("this systemd cannot judge a unit that is not installed")
    judged = run(analyze, "security", "--offline=true", "--no-pager", f"--threshold={MAX_EXPOSURE}", unit)
    assert judged.returncode == 0, judged.stdout


BATCH = sorted((DEPLOY / "slurm").glob("*.sbatch"))


@pytest.mark.parametrize("script", BATCH, ids=lambda path: path.name)
def test_bash_reads_a_batch_script(script: Path) -> None:
    assert run(program("bash"), "-n", script).stderr == ""
    assert len(re.findall(r"^#SBATCH --[a-z-]+=\S+$|^#SBATCH --[a-z-]+$", script.read_text(encoding="utf-8"), re.M)) > 5


@posix
@pytest.mark.parametrize("script", BATCH, ids=lambda path: path.name)
def test_a_batch_script_says_how_it_is_used(script: Path) -> None:
    outcome = run(program("bash"), script)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"usage: sbatch {script.name} ")


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """The environment of a job in a pretended cluster: what is called writes its arguments to ``tmp_path``/NAME."""
    programs = {
        "scontrol": f'[ "$1" = show ] && printf "node1\\nnode2\\n" || echo "$@" > {tmp_path}/scontrol',
        "scancel": f'echo "$@" > {tmp_path}/scancel; echo stop > {tmp_path}/stop',
        # A run that has two minutes left, unless it is not told to be long.
        "srun": f'printf "%s\\n" "$@" > {tmp_path}/srun; [ -z "$LONG" ] || {{ echo > {tmp_path}/begun; '
        f"read -r _ < {tmp_path}/stop; exit 130; }}",
    }
    (tmp_path / "bin").mkdir()
    for name, script in programs.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "node[1-2]", "LONG": ""}
    return {**os.environ, **job, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}


@posix
def test_slurm_starts_torchrun_on_every_machine(tmp_path: Path, cluster: dict[str, str]) -> None:
    arguments = ("a text.txt", "runs/text", "--time", "72h")
    assert run(program("bash"), DEPLOY / "slurm/train.sbatch", *arguments, env=cluster).returncode == 0
    words = (tmp_path / "srun").read_text().splitlines()
    assert {"--nnodes=2", "--nproc-per-node=1", "--rdzv-id=7", "--rdzv-endpoint=node1:29500"} < set(words)
    ours = words[words.index("--module") :]
    assert ours == ["--module", "nextchar", "train", "a text.txt", "--resume", "auto", "--out", *arguments[1:]]
    assert not (tmp_path / "scontrol").exists()


@posix
def test_a_run_that_slurm_warns_is_saved_and_queued_again(tmp_path: Path, cluster: dict[str, str]) -> None:
    for name in ("begun", "stop"):
        os.mkfifo(tmp_path / name)
    command = [program("bash"), str(DEPLOY / "slurm/train.sbatch"), "text.txt", "runs/text"]
    with subprocess.Popen(command, env={**cluster, "LONG": "yes"}) as job:
        (tmp_path / "begun").read_text()
        job.send_signal(signal.SIGUSR1)
        assert job.wait(PATIENCE) == 0
    assert (tmp_path / "scancel").read_text().split() == ["--signal=TERM", "7.0"]
    assert (tmp_path / "scontrol").read_text().split() == ["requeue", "7"]


@posix
def test_slurm_scores_a_share_of_the_files(tmp_path: Path, cluster: dict[str, str]) -> None:
    arguments = ("model.safetensors", "scores", "one line.txt", "two.txt")
    assert run(program("bash"), DEPLOY / "slurm/score.sbatch", *arguments, env=cluster).returncode == 0
    words = (tmp_path / "srun").read_text().splitlines()
    expected = ["model.safetensors", "one line.txt", "two.txt", "--lines", "--out", "scores"]
    assert words == ["nextchar", "score", *expected]
