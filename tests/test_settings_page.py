"""docs/settings.md has every setting, its default, the primer's value and its help, as the code has them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from mynah.config import RECIPES, Settings
from mynah.recipe import Recipe
from mynah.train.optim import OptimSettings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
PRIMER = tomllib.loads((RECIPES / "primer.toml").read_text())


def expected(table: type[Settings], prefix: str = "") -> Iterator[str]:
    """The beginning of each setting's row; what all steps have alike is `*.name`."""
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield from expected(field.annotation, "*.lora." if name == "lora" else f"{prefix}{name}.")
            continue
        common = OptimSettings.model_fields.get(name) if issubclass(table, OptimSettings) else None
        alike = common is not None and (common.default, common.description) == (field.default, field.description)
        key = f"*.{name}" if alike or name == "microbatch_tokens" else prefix + name
        of_primer = PRIMER
        for part in key.split("."):
            of_primer = of_primer.get(part, {})
        help_text = " ".join((field.description or "").split())
        yield f"| `{key}` | {shown(field.default)} | {'' if of_primer == {} else shown(of_primer)} | {help_text} |"


def shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(value) or "all"
    return str(value) or '""'


def test_every_setting_is_explained_as_it_is():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    wanted = list(dict.fromkeys(expected(Recipe)))
    assert len(wanted) > 80
    missing = [start for start in wanted if not any(row.startswith(start) for row in rows)]
    assert not missing, "\n".join(missing)
    assert len(rows) == len(wanted), "a row of a setting that is no more"
