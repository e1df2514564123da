"""Compiles decode.c for this very processor when it is first needed, keeps it in the user's cache, and loads it.

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
from ctypes import c_int64, c_void_p
from functools import cache
from importlib.resources import files
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")


@cache
def library() -> ctypes.CDLL | None:
    """The compiled file; None where it cannot be made or must not be trusted, or nobody wants it."""
    if os.environ.get("MYNAH_NATIVE") == "0" or "avx512_bf16" not in _processor():
        return None
    try:
        path = _compiled()
        try:
            return _loaded(path)
        except (OSError, AttributeError):  # not such a file: once more
            path.unlink()
            return _loaded(_compiled())
    except (OSError, AttributeError, RuntimeError, subprocess.SubprocessError):  # RuntimeError: nobody's home
        return None


def _loaded(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    lib.room.restype, lib.room.argtypes = c_int64, (c_void_p, c_int64, c_int64)
    lib.head.restype, lib.head.argtypes = None, (c_void_p, c_void_p, c_int64, c_void_p)
    lib.step.restype = c_int64
    lib.step.argtypes = (c_void_p, c_int64, *[c_void_p] * 3, c_int64, c_int64, *[c_void_p] * 3)
    lib.draw.restype = None
    lib.draw.argtypes = (c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)
    return lib


def _compiled() -> Path:
    """The shared library of decode.c for this processor, made if it is not there. Raises OSError or SubprocessError."""
    compiler = shlex.split(os.environ.get("CC") or "cc")
    source = files("mynah.engine") / "decode.c"
    version = subprocess.run([*compiler, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=True).stdout
    told = (source.read_bytes(), version, *map(str.encode, (*compiler, *FLAGS, platform.machine(), _processor())))
    folder = _own_folder()
    library = folder / f"decode-{hashlib.sha256(b'|'.join(told)).hexdigest()[:16]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as making:
            made = Path(making) / "decode.so"
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
