"""Compiles our C for this very processor when it is first needed, keeps it in the user's cache, and loads it.

Without a compiler or AVX512-BF16, or on other systems than Linux, there is none. `MYNAH_NATIVE=0` asks for that.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import stat
import subprocess
import tempfile
from ctypes import c_float, c_int64, c_void_p
from functools import cache
from importlib.resources import files
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")


FUNCTIONS: dict[str, dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "decode": {
        "room": (c_int64, (c_void_p, c_int64, c_int64)),
        "head": (None, (c_void_p, c_void_p, c_int64, c_void_p)),
        "step": (c_int64, (c_void_p, c_int64, *[c_void_p] * 4, c_int64, *[c_void_p] * 3)),
    },
    "draw": {
        "draw": (None, (c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    },
    "attention": {
        "attention_room": (c_int64, (c_void_p,)),
        "attention_forward": (None, (c_void_p,) * 7),
        "attention_backward": (None, (c_void_p,) * 10),
    },
    "layers": {
        "norm_forward": (None, (c_void_p, c_int64, c_int64, c_void_p, c_float, c_int64, c_void_p, c_void_p)),
        "norm_backward": (None, (*[c_void_p] * 2, *[c_int64] * 2, *[c_void_p] * 2, *[c_int64] * 2, *[c_void_p] * 2)),
        "gate_forward": (None, (c_void_p, c_void_p, c_int64, c_int64, c_void_p)),
        "gate_backward": (None, (*[c_void_p] * 3, c_int64, c_int64, c_void_p, c_void_p)),
        "turn_forward": (None, (*[c_void_p] * 3, *[c_int64] * 4, c_void_p)),
        "turn_backward": (None, (*[c_void_p] * 3, *[c_int64] * 4, c_void_p)),
    },
}
"""What each file offers: results and arguments."""


@cache
def library(name: str) -> ctypes.CDLL | None:
    """The compiled NAME.c; None where it cannot be made or must not be trusted, or nobody wants it."""
    if os.environ.get("MYNAH_NATIVE") == "0" or "avx512_bf16" not in _processor():
        return None
    try:
        path = _compiled(name)
        try:
            return _loaded(path, name)
        except (OSError, AttributeError):  # not such a file: once more
            path.unlink()
            return _loaded(_compiled(name), name)
    except (OSError, AttributeError, RuntimeError, subprocess.SubprocessError):  # RuntimeError: nobody's home
        return None


def _loaded(path: Path, name: str) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    for function, (result, arguments) in FUNCTIONS[name].items():
        getattr(lib, function).restype, getattr(lib, function).argtypes = result, arguments
    return lib


def _compiled(name: str) -> Path:
    """The shared library of NAME.c for this processor, made if it is not there. Raises OSError or SubprocessError."""
    compiler = shlex.split(os.environ.get("CC") or "cc")
    folder_of_sources = Path(str(files("mynah.native")))
    source, header = folder_of_sources / f"{name}.c", folder_of_sources / "numbers.h"
    version = subprocess.run([*compiler, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=True).stdout
    told = (
        source.read_bytes(),
        header.read_bytes(),
        version,
        *map(str.encode, (*compiler, *FLAGS, platform.machine(), _processor())),
    )
    folder = _own_folder()
    library = folder / f"{name}-{hashlib.sha256(b'|'.join(told)).hexdigest()[:16]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as making:
            made = Path(making) / f"{name}.so"
            command = [*compiler, *FLAGS, "-o", str(made), str(source), "-lm"]
            subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=True)
            with made.open("rb") as written:
                os.fsync(written.fileno())
            made.replace(library)
    return library


def _own_folder() -> Path:
    """Where compiled files are kept: what lies there is loaded, so nobody else may write to it. Raises OSError."""
    told = Path(os.environ.get("XDG_CACHE_HOME") or "")
    folder = (told if told.is_absolute() else Path.home() / ".cache") / "mynah"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


@cache
def _processor() -> str:
    """What tells two processors of one architecture apart: a home folder may be shared by several machines."""
    try:
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
    except OSError:
        return ""
    kept = ("vendor_id", "cpu family", "model", "stepping", "flags")
    return "\n".join(line for line in first.splitlines() if line.startswith(kept))
