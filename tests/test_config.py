"""Settings: every recipe is valid, every mistake names what was meant, every setting is explained."""

from pathlib import Path

import pytest

from mynah.config import RECIPES, Settings, describe, load, validate
from mynah.errors import UserError
from mynah.recipe import Recipe


def settings_classes(schema: type[Settings]) -> dict[str, type[Settings]]:
    found = {"": schema}
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            found |= {
                f"{name}.{inner}".rstrip("."): table for inner, table in settings_classes(field.annotation).items()
            }
    return found


def refused(*overrides: str) -> str:
    with pytest.raises(UserError) as error:
        load(Recipe, "mini", overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("recipe", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_every_shipped_recipe_is_valid(recipe: str) -> None:
    assert isinstance(load(Recipe, recipe), Recipe)


def test_every_setting_is_explained() -> None:
    tables = settings_classes(Recipe)
    assert {"hardware", "pretrain", "sft", "reward", "ppo"} <= set(tables)
    unexplained = [
        f"{table}.{name}"
        for table, schema in tables.items()
        for name, field in schema.model_fields.items()
        if not (field.description or "").strip()
    ]
    assert unexplained == []


def test_help_shows_name_default_and_meaning() -> None:
    text = describe(settings_classes(Recipe)["sft"], "sft")
    assert "sft.batch_size [32]\n    Demonstrations an update." in text
    assert "sft.warmup [0.02]" in text, "settings that are inherited belong to the help too"
    assert "sft.lora.rank [0]\n    Rank of each adapter; 0 trains all weights." in text, (
        "and those of a table in the table"
    )


@pytest.mark.parametrize(
    ("override", "key", "nearest"),
    [
        ("pretrian.epochs=3", "pretrian", "pretrain"),
        ("sft.learning_rat=1e-4", "sft.learning_rat", "learning_rate"),
        ("ppo.kl_coeff=0.1", "ppo.kl_coeff", "kl_coef"),
        ("lable.noise=1", "lable", "label"),
    ],
)
def test_an_unknown_setting_names_the_nearest(override: str, key: str, nearest: str) -> None:
    sentence = refused(override)
    assert f"unknown setting {key!r}; did you mean {nearest!r}?" in sentence


def test_an_unknown_setting_like_none_lists_those_there_are() -> None:
    assert "unknown setting 'label.zzz'; known here: noise, labellers, rounds." in refused("label.zzz=1")


@pytest.mark.parametrize(
    ("override", "key", "got"),
    [
        ("sft.epochs=many", "sft.epochs", "'many'"),
        ("sft.epochs=2.5", "sft.epochs", "2.5"),
        ("sft.epochs=0", "sft.epochs", "0"),
        ("pretrain.batch_size=-1", "pretrain.batch_size", "-1"),
        ("pretrain.heldout=1.5", "pretrain.heldout", "1.5"),
        ("sft.learning_rate=nan", "sft.learning_rate", "nan"),
        ("sft.schedule=cosin", "sft.schedule", "'cosin'"),
        ("model.context=1", "model.context", "1"),
        ("pretrain.warmup.x=1", "pretrain.warmup", "{'x': 1}"),
        ("sft=3", "sft", "3"),
        ("sft.beta1=1", "sft.beta1", "1"),
        ("sample.rows=0", "sample.rows", "0"),
        ("sample.top_p=0", "sample.top_p", "0"),
        ("sample.temperature=-1", "sample.temperature", "-1"),
        ("label.labellers=0", "label.labellers", "0"),
        ("label.noise=nan", "label.noise", "nan"),
        ("reward.ensemble=-3", "reward.ensemble", "-3"),
        ("eval.best_of=0", "eval.best_of", "0"),
    ],
)
def test_a_wrong_value_names_the_setting_and_the_value(override: str, key: str, got: str) -> None:
    sentence = refused(override)
    assert f": {key}: " in sentence
    assert f"(got {got})" in sentence


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("sft.learning_rate=1e-4", 1e-4),
        ("sft.learning_rate = 2", 2.0),
        ("sft.schedule=linear", "linear"),
        ('sft.schedule="linear"', "linear"),
        ("sft.epochs=7", 7),
        ("hardware.compile=true", True),
    ],
)
def test_overrides_are_toml_or_bare_words(override: str, value: object) -> None:
    table, _, name = override.partition("=")[0].strip().partition(".")
    assert getattr(getattr(load(Recipe, "mini", [override]), table), name) == value


def test_the_last_override_counts_and_the_rest_of_the_recipe_stays() -> None:
    recipe = load(Recipe, "mini", ["sft.epochs=5", "sft.epochs=6"])
    assert recipe.sft.epochs == 6
    assert recipe.sft.batch_size == load(Recipe, "mini").sft.batch_size
    assert recipe.model.width == load(Recipe, "mini").model.width


def test_what_is_no_override_is_refused() -> None:
    assert "has the form key.path=value" in refused("sft.epochs")
    assert "'epochs' is a value, not a table" in refused("sft.epochs=3", "sft.epochs.x=1")


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[sft]\nepochs = 9\n")
    assert load(Recipe, str(path)).sft.epochs == 9


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[sft\nepochs = 9", "mine.toml: not TOML (Expected"),
        (b"[sft]\nepochs = 9\nepochs == 10", "at line 3"),
        (b"# caf\xe9\n", "mine.toml:1: is not UTF-8"),
        (b"[sft]\nepoch = 9", "mine.toml: unknown setting 'sft.epoch'; did you mean 'epochs'?"),
    ],
)
def test_a_broken_recipe_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        load(Recipe, str(path))
    assert sentence in str(error.value)
    assert str(error.value).startswith(str(path))


def test_a_missing_recipe_names_those_there_are(tmp_path: Path) -> None:
    for name in ("huge", str(tmp_path / "none.toml")):
        with pytest.raises(UserError, match=r"no such recipe; shipped are .*mini, .*small, or name a \.toml file"):
            load(Recipe, name)


def test_settings_cannot_be_changed() -> None:
    recipe = validate(Recipe, {}, "here")
    with pytest.raises(ValueError, match="frozen"):
        recipe.sft.epochs = 2  # type: ignore[misc]
