"""Run folders: where each stage's checkpoint lies, what it was made from, and whether it is done.

`runs/NAME/0-pretrain/`, `runs/NAME/round-R/{1-sft,2-reward,3-feedme,3-ppo}/` hold Hugging Face files only; resume state
and metrics lie in `STAGE.state/` beside them, a LoRA adapter in `STAGE.adapter/`. `run.json` names the newest of each
stage and records every stage's parents, data hashes, settings, seed and code version.
"""

from __future__ import annotations

import hashlib
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import mynah
from mynah.errors import UserError
from mynah.files import read_json, sha256, write_folder, write_json

Kind = Literal["pretrain", "sft", "reward", "feedme", "ppo"]
FOLDERS: dict[Kind, str] = {
    "pretrain": "0-pretrain",
    "sft": "1-sft",
    "reward": "2-reward",
    "feedme": "3-feedme",
    "ppo": "3-ppo",
}
SOURCES = (".py", ".c", ".h", ".toml", ".tsv", ".json", ".html", ".css", ".sql")
"""What `code_sha256` reads; weights and the page's scripts are not among it."""


@dataclass(frozen=True)
class Stage:
    """One step of one round of a run."""

    run: Run
    kind: Kind
    key: str
    """The checkpoint folder, relative to the run."""

    @property
    def folder(self) -> Path:
        return self.run.root / self.key

    @property
    def state(self) -> Path:
        """Resume state and metrics, beside the checkpoint."""
        return self.folder.with_name(f"{self.folder.name}.state")

    @property
    def adapter(self) -> Path:
        """The adapter alone, in PEFT's form, beside the checkpoint that it is merged into; only of stages with LoRA."""
        return self.folder.with_name(f"{self.folder.name}.adapter")

    @property
    def wish(self) -> Path:
        """Whoever makes this file asks the training to stop: it saves after its step, ends, and takes the file away."""
        return self.state / "stop"

    @property
    def rest(self) -> Path:
        """Made by a training that saved and ended before its time, until it goes on."""
        return self.state / "stopped"

    @property
    def record(self) -> dict[str, Any]:
        return self.run.record["stages"].get(self.key, {})

    @property
    def done(self) -> bool:
        return self.record.get("status") == "done" and self.folder.is_dir()

    @property
    def begun(self) -> bool:
        """Whether there is work to lose: a checkpoint, or state to resume from."""
        return self.done or any(self.state.glob("*.pt"))

    def finish(
        self,
        write: Callable[[Path], None],
        seconds: float,
        figures: Mapping[str, Any],
        adapter: Callable[[Path], None] | None = None,
    ) -> None:
        """Publish the checkpoint that `write` fills, and record the stage as done and newest of its kind.

        Args:
            adapter: Fills a folder beside it with the adapter that was merged in.
        """
        if adapter:
            write_folder(self.adapter, adapter)
        else:  # one of an earlier training would belong to other weights
            shutil.rmtree(self.adapter, ignore_errors=True)
        write_folder(self.folder, write)
        record = self.run.record
        record["stages"][self.key] |= {
            "status": "done",
            "finished": _now(),
            "seconds": round(seconds, 1),
            "peak_memory_mb": peak_memory_mb(),
            "weights": weights_sha256(self.folder),
            "figures": dict(figures),
        }
        record["newest"][self.kind] = self.key
        self.run.write(record)


def weights_sha256(checkpoint: Path) -> str:
    """`sha256:…` of a checkpoint's weights: of its file, or of the hashes of its shards."""
    hashes = [sha256(path) for path in sorted(checkpoint.glob("model-*.safetensors"))]
    if not hashes:
        return sha256(checkpoint / "model.safetensors")
    return "sha256:" + hashlib.sha256("\n".join(hashes).encode()).hexdigest()


class Run:
    """The folder `HOME/runs/NAME`."""

    def __init__(self, home: Path, name: str) -> None:
        if not name or name != Path(name).name or name.startswith("."):
            raise UserError(f"--run {name!r}: a run's name is one plain folder name.")
        self.name, self.root = name, home / "runs" / name

    @classmethod
    def existing(cls, home: Path, name: str) -> Run:
        """The run, or a UserError that lists the runs there are."""
        run = cls(home, name)
        if not (run.root / "run.json").is_file():
            found = sorted(path.parent.name for path in (home / "runs").glob("*/run.json"))
            there = f"there are: {', '.join(found)}" if found else "there is none yet"
            raise UserError(f"{run.root}: no such run ({there}); name one with --run, or its home with --home.")
        return run

    @property
    def record(self) -> dict[str, Any]:
        path = self.root / "run.json"
        if not path.exists():
            return {"name": self.name, "created": _now(), "rounds": 1, "newest": {}, "stages": {}}
        return read_json(path)

    def write(self, record: Mapping[str, Any]) -> None:
        write_json(self.root / "run.json", record)

    def begin_with(self, recipe: str) -> None:
        """Remember the recipe that the run began with; later verbs take it by default."""
        if "recipe" not in self.record:
            self.write({**self.record, "recipe": recipe})

    def settle(self, name: str, choice: Mapping[str, Any]) -> dict[str, Any]:
        """What this run once chose under `name`: `choice`, unless it chose before."""
        record = self.record
        if name not in record:
            self.write(record | {name: dict(choice)})
        return self.record[name]

    def path(self, kind: Kind, round: int) -> str:
        """The key of a stage: its folder relative to the run."""
        return FOLDERS[kind] if kind == "pretrain" else f"round-{round}/{FOLDERS[kind]}"

    def round_folder(self, round: int) -> Path:
        return self.root / f"round-{round}"

    def begin(
        self,
        kind: Kind,
        round: int,
        *,
        settings: Mapping[str, Any],
        seed: int,
        parents: Mapping[str, str] | None = None,
        data: Mapping[str, Path] | None = None,
        redo: bool = False,
    ) -> Stage:
        """Enter a stage: new, to be resumed, or done already.

        Args:
            parents: What it starts from, as stage keys by role (`{"policy": "round-1/1-sft"}`).
            data: Files it reads, by role; their hashes are recorded.
            redo: Forget an earlier result or resume state that was made with other settings, parents, data or seed.

        Raises:
            UserError: There is such a result or state, and not `redo`.
        """
        stage = Stage(self, kind, self.path(kind, round))
        record = self.record
        wanted = {
            "settings": dict(settings),
            "seed": seed,
            "parents": {
                role: {"stage": key, "weights": self.stage(key).record.get("weights")}
                for role, key in (parents or {}).items()
            },
            "data": {role: {"path": path.name, "hash": sha256(path)} for role, path in (data or {}).items()},
        }
        old = record["stages"].get(stage.key)
        difference = _difference(_decisive(old), _decisive(wanted)) if old else ""
        if old and not difference:
            return stage
        if difference and stage.begun and not redo:
            raise UserError(
                f"{self.root / 'run.json'}: {stage.key} was made with another {difference}. "
                f"Choose another --run name to keep it, or --redo to train it again."
            )
        shutil.rmtree(stage.state, ignore_errors=True)
        common = {"stage": kind, "round": round, "status": "running", "started": _now(), "code_version": code_version()}
        record["stages"][stage.key] = common | wanted
        if record["newest"].get(kind) == stage.key:  # until it is made again, the one before counts
            del record["newest"][kind]
            others = record["stages"].items()
            done = [key for key, other in others if other["stage"] == kind and other["status"] == "done"]
            record["newest"] |= {kind: done[-1]} if done else {}
        record["rounds"] = max(record.get("rounds", 1), round)
        self.write(record)
        return stage

    def made_from(self, path: Path) -> Any:
        """What a file of this run was made from, as noted; None if nothing was."""
        return self.record.get("files", {}).get(self._name_of(path))

    def keep(self, path: Path, made_from: Mapping[str, Any]) -> None:
        """Record what a file of this run was made from and what it holds now, for `kept`."""
        self.note(path, {**made_from, "holds": sha256(path)})

    def kept(self, path: Path, made_from: Mapping[str, Any]) -> bool:
        """Whether the file is there as it was made, and was made from the same."""
        return path.is_file() and self.made_from(path) == {**made_from, "holds": sha256(path)}

    def spent(self, what: str, seconds: float, made_from: Mapping[str, Any]) -> None:
        """Record what something cost that is no stage: of its longest time, for a later call may find it half done.

        Args:
            made_from: Where that has changed, it is other work, and costs what it costs now.
        """
        record = self.record
        costs = record.setdefault("spent", {})
        before = costs.get(what, {})
        if before.get("made_from") != made_from or seconds > before["seconds"]:
            memory = peak_memory_mb()
            costs[what] = {"seconds": round(seconds, 1), "peak_memory_mb": memory, "made_from": dict(made_from)}
            self.write(record)

    def note(self, path: Path, made_from: Mapping[str, Any]) -> None:
        """Record what a file was made from, so that the same work is not done twice."""
        record = self.record
        record.setdefault("files", {})[self._name_of(path)] = made_from
        self.write(record)

    def _name_of(self, path: Path) -> str:
        absolute, root = path.resolve(), self.root.resolve()
        return str(absolute.relative_to(root)) if absolute.is_relative_to(root) else str(absolute)

    def stage(self, key: str) -> Stage:
        """A stage by its key, as in `newest`; UserError if no stage is called so."""
        kinds = {folder: kind for kind, folder in FOLDERS.items()}
        kind = kinds.get(key.rpartition("/")[2])
        if kind is None:
            known = ", ".join(self.record["newest"].values())
            raise UserError(f"{self.root / key}: no such checkpoint; the newest of this run are {known}.")
        return Stage(self, kind, key)

    def newest(self, *kinds: Kind) -> str:
        """The key of the newest finished stage of the first kind that has one.

        Raises:
            UserError: None of the kinds is there yet; names the verb that makes it.
        """
        for kind in kinds:
            if key := self.record["newest"].get(kind):
                return key
        raise UserError(
            f"{self.root}: has no {kinds[-1]} checkpoint yet; make one with `mynah {kinds[-1]} --run {self.name}`."
        )


def peak_memory_mb() -> int:
    """The largest resident set of this process so far."""
    try:  # VmHWM is this process alone, while ru_maxrss begins with that of whatever started it
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return round(int(lines["VmHWM"].split()[0]) / 2**10)
    except (OSError, KeyError, ValueError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


@cache
def code_version() -> str:
    """The package version, with the commit when it runs from a checkout."""
    if not (Path(__file__).parent.parent / ".git").exists():  # installed, maybe inside somebody else's repository
        return mynah.__version__
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return mynah.__version__
    return f"{mynah.__version__}+{commit}"


@cache
def code_sha256() -> str:
    """`sha256:…` of the package's sources and tables: what made a file, where its settings do not say it all."""
    root, found = Path(__file__).parent, hashlib.sha256()
    for path in sorted(path for suffix in SOURCES for path in root.rglob(f"*{suffix}")):
        found.update(f"{path.relative_to(root)} {sha256(path)}\n".encode())
    return f"sha256:{found.hexdigest()}"


def _decisive(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stage's record decides its result; a data file may be moved, its content counts."""
    data = {role: entry["hash"] for role, entry in record["data"].items()}
    return {**{key: record[key] for key in ("settings", "seed", "parents")}, "data": data}


def _difference(old: Any, new: Any, path: str = "") -> str:
    """The first place where two plain values differ, as `settings.learning_rate (0.001, now 0.002)`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if found := _difference(old.get(key), new.get(key), f"{path}.{key}" if path else key):
                return found
        return ""
    old, new = (list(value) if isinstance(value, tuple) else value for value in (old, new))
    return "" if old == new else f"{path} ({old}, now {new})"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
