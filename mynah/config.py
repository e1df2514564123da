"""Settings: TOML recipes plus dotted overrides, validated; an unknown key is an error naming the nearest one."""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mynah.errors import UserError
from mynah.files import read_text

RECIPES = Path(__file__).parent / "recipes"


class Settings(BaseModel):
    """Base of every settings class: frozen, no unknown keys, the docstring under a field is its help."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


S = TypeVar("S", bound=Settings)
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def load(schema: type[S], recipe: str, overrides: Iterable[str] = ()) -> S:
    """Read a recipe, apply `key.path=value` overrides, validate against `schema`.

    Args:
        recipe: The name of a shipped recipe, or the path of a TOML file.

    Raises:
        UserError: No such recipe, not TOML, an unknown key, or a value of the wrong kind.
    """
    path = Path(recipe) if recipe.endswith(".toml") else RECIPES / f"{recipe}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise UserError(f"{recipe}: no such recipe; shipped are {known}, or name a .toml file.")
    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not TOML ({error}).") from None
    for override in overrides:
        _apply(table, override)
    return validate(schema, table, str(path))


def validate(schema: type[S], table: Mapping[str, Any], where: str) -> S:
    """`table` as `schema`; the first mistake becomes a UserError that begins with `where`."""
    try:
        return schema.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            known = list(_fields(schema, problem["loc"][:-1]))
            name = str(problem["loc"][-1])
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}."
            raise UserError(f"{where}: unknown setting {key!r}; {hint}") from None
        if problem["type"] == "value_error":  # a sentence of our own, on several settings
            raise UserError(f"{where}: {key}: {problem['ctx']['error']}.") from None
        raise UserError(f"{where}: {key}: {problem['msg']} (got {problem['input']!r}).") from None


def describe(schema: type[Settings], prefix: str) -> str:
    """Every setting of `schema` with its default and its help, a line each, for `--help`."""
    lines = []
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):  # a table in the table
            lines.append(describe(field.annotation, f"{prefix}.{name}"))
            continue
        help_text = " ".join((field.description or "").split())
        default = "" if field.is_required() else f"[{field.get_default(call_default_factory=True)}]"
        lines.append(f"{prefix}.{name} {default}\n    {help_text}")
    return "\n".join(lines)


def _apply(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise UserError(f"{override!r}: an override has the form key.path=value, as in ppo.kl_coef=0.05.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    *path, name = key.strip().split(".")
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise UserError(f"{override!r}: {part!r} is a value, not a table of settings.")
    table[name] = value


def _fields(schema: type[Settings], path: tuple[int | str, ...]) -> Iterable[str]:
    for part in path:
        annotation = schema.model_fields[str(part)].annotation
        options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
        schema = next(option for option in options if isinstance(option, type) and issubclass(option, Settings))
    return schema.model_fields
