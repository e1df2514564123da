"""The house rules that a machine can hold: imports go one way, every file says what it is and stays short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "mynah"

# Lowest first. A module imports from lower layers and from its own package. Neighbours in a layer do not see each
# other, except along `<`: the right one may import the left ones.
LAYERS = (
    ("errors < files < nouns < config", "progress"),
    ("jsonl < runs", "store"),
    ("tokens", "native"),
    ("model",),
    ("engine", "train"),
    ("agent",),
    ("step0_pretrain", "step1_sft", "step2_reward", "step3_ppo", "evals < data", "primer"),
    ("feedback",),
    ("server",),
    ("recipe < loop",),
    ("examine < demo",),
    ("verbs",),
    ("__main__",),
)
STEPS = {"step0_pretrain", "step1_sft", "step2_reward", "step3_ppo"}
ENGINE_NOUNS = {"SamplingParams", "Completion", "FinishReason"}  # the engine knows token ids: no text, tools or users
TEST_ONLY = {"transformers", "trl", "vllm", "peft", "llama_cpp"}
MAX_LINES = 400

# module -> (layer, chain in the layer, place in the chain)
PLACES = {
    name: (layer, chain, place)
    for layer, chains in enumerate(LAYERS)
    for chain, names in enumerate(chains)
    for place, name in enumerate(names.split(" < "))
}


class Import(NamedTuple):
    line: int
    module: str  # absolute: mynah.nouns, torch.nn
    name: str = ""  # what `from module import name` takes; empty where the module itself is imported

    @property
    def top(self) -> str:
        """`nouns` for mynah.nouns, and for `from mynah import nouns`; empty for mynah itself."""
        parts = self.module.split(".")[1:] or ([self.name] if self.name in PLACES else [])
        return parts[0] if parts else ""


def imports(tree: ast.Module, package: list[str]) -> Iterator[Import]:
    """Every import of a module in `package`, those inside functions and under TYPE_CHECKING included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(node.lineno, module, alias.name) for alias in node.names)


def wrong_import(top: str, found: Import) -> str:
    """Why a file of the top-level module `top` must not have this import; empty if it may."""
    root = found.module.split(".")[0]
    if root in TEST_ONLY:
        return f"{root} is for tests and benchmarks only"
    target = found.top
    if root != "mynah" or not target or target == top:
        return ""
    if target not in PLACES:
        return f"mynah.{target} has no place in LAYERS of tests/test_house.py"
    if top == "server" and target in STEPS:
        return f"the server never imports a step ({target}); they meet in files and the store"
    if top == "engine" and target in {"tokens", "agent"}:
        return f"the engine knows token ids only, never {target}"
    if top == "engine" and target == "nouns" and found.name not in ENGINE_NOUNS:
        return f"the engine takes only {', '.join(sorted(ENGINE_NOUNS))} from nouns, each by name"
    mine, theirs = PLACES.get(top), PLACES[target]
    if mine is None:  # `__init__`, below everything; a module without a place is reported as such
        return "mynah/__init__.py imports nothing of mynah" if top == "__init__" else ""
    if theirs[0] > mine[0] or (theirs[:2] == mine[:2] and theirs[2] > mine[2]):
        return f"{top} must not import {target}, which lies above it"
    if theirs[0] == mine[0] and theirs[1] != mine[1]:
        return f"{top} must not import its sibling {target}"
    return ""


def broken_rules(package: Path) -> list[str]:
    """One sentence for every breach in the package's files."""
    broken = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        where = f"mynah/{inside.as_posix()}"
        top = inside.parts[0].removesuffix(".py")
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, filename=str(path))
        if top not in PLACES and top != "__init__":
            broken.append(f"{where}: `{top}` has no place; add it to LAYERS in tests/test_house.py")
        if not ast.get_docstring(tree):
            broken.append(f"{where}: has no docstring; say in one line what the file is for")
        if path.name == "utils.py":
            broken.append(f"{where}: name the file for what it does")
        if (lines := len(text.splitlines())) > MAX_LINES:
            broken.append(f"{where}: {lines} lines; cut it along its seams ({MAX_LINES} at most)")
        for found in imports(tree, ["mynah", *inside.parts[:-1]]):
            if reason := wrong_import(top, found):
                broken.append(f"{where}:{found.line}: {reason}")
    return broken


def test_the_house_rules_hold() -> None:
    broken = broken_rules(PACKAGE)
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("engine/sampler.py", "from mynah.agent import turn", "the engine knows token ids only"),
        ("engine/sampler.py", "from mynah.tokens.chat import render", "the engine knows token ids only"),
        ("engine/sampler.py", "from mynah.nouns import Message", "takes only Completion"),
        ("engine/sampler.py", "from mynah import nouns", "takes only Completion"),
        ("engine/sampler.py", "from mynah.train import packing", "its sibling train"),
        (
            "model/layers.py",
            "def f():\n    import mynah.engine",
            "mynah/model/layers.py:3: model must not import engine",
        ),
        ("model/layers.py", "from ..train import packing", "model must not import train"),
        ("step1_sft/train.py", "from mynah import step2_reward", "its sibling step2_reward"),
        ("server/app.py", "from mynah.step3_ppo.train import train", "the server never imports a step"),
        ("errors.py", "from mynah.files import sha256", "errors must not import files, which lies above it"),
        ("recipe.py", "from .loop import run", "recipe must not import loop, which lies above it"),
        ("store/schema.py", "from mynah.jsonl import read", "its sibling jsonl"),
        ("__init__.py", "from mynah.nouns import Message", "imports nothing of mynah"),
        ("model/hub.py", "from transformers.models import llama", "transformers is for tests"),
        ("train/step.py", "from mynah.helpers import clip", "mynah.helpers has no place"),
        ("helpers.py", "", "`helpers` has no place"),
        ("model/utils.py", "", "name the file for what it does"),
        ("model/long.py", "\n" * 400, "cut it along its seams"),
    ],
)
def test_a_breach_is_found(tmp_path: Path, file: str, source: str, complaint: str) -> None:
    write(tmp_path / file, f'"""What it is for."""\n{source}')
    [broken] = broken_rules(tmp_path)
    assert complaint in broken


def test_a_missing_docstring_is_found(tmp_path: Path) -> None:
    write(tmp_path / "model" / "__init__.py", "")
    assert broken_rules(tmp_path) == ["mynah/model/__init__.py: has no docstring; say in one line what the file is for"]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("engine/engine.py", "from mynah.nouns import Completion, SamplingParams\nfrom . import sampler\nimport torch"),
        (
            "step3_ppo/train.py",
            "from mynah import __version__\nfrom mynah.agent import turn\nfrom ..engine import engine",
        ),
        ("config.py", "from mynah.errors import UserError\nfrom mynah.files import read_text\nimport mynah.nouns"),
        ("runs.py", "from mynah.jsonl import read"),
        ("loop.py", "from mynah.recipe import load\nfrom mynah import step0_pretrain"),
        ("__main__.py", "import mynah\nfrom mynah import demo"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, file: str, source: str) -> None:
    write(tmp_path / file, f'"""What it is for."""\n{source}')
    assert broken_rules(tmp_path) == []


def test_no_test_sets_the_clock_of_the_whole_process() -> None:
    """A server that runs in the same process would sleep until that time comes; set a module's `time` instead."""
    for file in Path(__file__).parent.rglob("*.py"):
        assert not re.search(r"""setattr\((\w+\.)*time,|setattr\(["']time\.""", file.read_text("utf-8")), file


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
