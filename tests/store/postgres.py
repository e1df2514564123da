"""A real PostgreSQL server for the tests: Debian's programs, its own user, a socket in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

REQUIRED = "MYNAH_TEST_POSTGRES"  # .ci/run sets it: there, a missing server is a failure


def programs() -> Path:
    """The folder of initdb and postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    if not folders:
        missing = "no PostgreSQL server on this machine (Debian: apt install postgresql)"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    return folders[-1]


class Server:
    """A running server; `url(name)` is a database on it."""

    def __init__(self) -> None:
        self.bin, self.folder = programs(), Path(tempfile.mkdtemp(prefix="mynah-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            self.folder.chmod(0o755)
            shutil.chown(self.folder, "postgres")
        self._run(
            "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--wal-segsize=1",
        )
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB -c max_connections=20"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        as_its_own_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        command = [str(self.bin / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = [*as_its_own_user, *command]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")
        assert done.returncode == 0, done.stdout
