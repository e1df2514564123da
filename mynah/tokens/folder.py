"""Reads what a Hugging Face folder says about its tokenizer besides tokenizer.json: names, template, stop ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tokenizers

from mynah.errors import UserError
from mynah.files import read_json, read_text

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class TokenizerFolder:
    """The files of one tokenizer."""

    backend: tokenizers.Tokenizer
    config: dict[str, Any] = field(default_factory=dict)
    """tokenizer_config.json, with the names of special_tokens_map.json where transformers reads them too."""
    templates: dict[str, str] = field(default_factory=dict)
    """Chat templates by name: `default`, and for conversations with tools `tool_use`, if there is such."""
    stop_ids: tuple[int, ...] = ()
    """`eos_token_id` of generation_config.json, else of config.json."""


def read_folder(path: Path) -> TokenizerFolder:
    """Read a folder, or the folder of a tokenizer.json. Raises UserError for a missing or broken file."""
    file = path if path.suffix == ".json" else path / "tokenizer.json"
    folder = file.parent
    if not file.is_file():
        raise UserError(
            f"{folder}: has no {file.name}; name a Hugging Face folder that holds one, or train a tokenizer first."
        )
    try:
        backend = tokenizers.Tokenizer.from_str(read_text(file))
    except UserError:
        raise
    except Exception as error:  # tokenizers raises bare Exceptions
        raise UserError(
            f"{file}: not a tokenizer that `tokenizers` can read ({error}); fetch the file again."
        ) from error
    backend.no_truncation()
    backend.no_padding()
    config = _read_object(folder / "tokenizer_config.json")
    if "added_tokens_decoder" not in config:  # else transformers ignores special_tokens_map.json
        config.update(_read_object(folder / "special_tokens_map.json"))
    _add_missing_tokens(backend, config)
    return TokenizerFolder(backend, config, _templates(folder, config), _stop_ids(folder))


def named_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """`eos_token` and the like, as strings: the files hold strings, objects or null."""
    named = {name: _content(config.get(name)) for name in NAMED}
    return {name: token for name, token in named.items() if token is not None}


def _content(token: Any) -> str | None:
    return token.get("content") if isinstance(token, Mapping) else token


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: holds no JSON object; fetch the file again.")
    return value


def _add_missing_tokens(backend: tokenizers.Tokenizer, config: Mapping[str, Any]) -> None:
    """Tokens that the configuration knows and tokenizer.json does not, in the order in which transformers adds them."""
    extra = config.get("extra_special_tokens") or config.get("additional_special_tokens") or []
    extra = list(extra.values()) if isinstance(extra, Mapping) else extra
    declared = sorted(config.get("added_tokens_decoder", {}).items(), key=lambda entry: int(entry[0]))
    for _, token in declared:
        backend.add_tokens([tokenizers.AddedToken(**token)])
    known = {token.content for token in backend.get_added_tokens_decoder().values()}
    for token in [*(config.get(name) for name in NAMED), *extra]:
        text = _content(token)
        if text and text not in known:
            known.add(text)
            backend.add_tokens([tokenizers.AddedToken(text, special=True, normalized=False)])


def _templates(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The files win over what is inline, as in transformers."""
    more = sorted((folder / "additional_chat_templates").glob("*.jinja"))
    files = {"default": folder / "chat_template.jinja", **{path.stem: path for path in more}}
    if any(path.is_file() for path in files.values()):
        return {name: read_text(path) for name, path in files.items() if path.is_file()}
    inline = config.get("chat_template")
    if isinstance(inline, list):
        return {entry["name"]: entry["template"] for entry in inline}
    return dict(inline) if isinstance(inline, Mapping) else {"default": inline} if inline is not None else {}


def _stop_ids(folder: Path) -> tuple[int, ...]:
    for name in ("generation_config.json", "config.json"):
        ids = _read_object(folder / name).get("eos_token_id")
        if ids is not None:
            return tuple(ids) if isinstance(ids, list) else (ids,)
    return ()
