"""Weights in safetensors files: one file or shards with an index, each family's own names and layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.model.sizes import Architecture

SHARD_BYTES = 5 * 10**9
"""A larger checkpoint is written in shards, as transformers does."""
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"

GPT2_NAMES = {
    "embed_tokens": "wte",
    "embed_positions": "wpe",
    "layers": "h",
    "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
    "self_attn": "attn",
    "q_proj": "c_attn",
    "k_proj": "c_attn",
    "v_proj": "c_attn",
    "o_proj": "c_proj",
    "up_proj": "c_fc",
    "down_proj": "c_proj",
    "norm": "ln_f",
}


@dataclass(frozen=True)
class Stored:
    """How a weight is stored in a checkpoint."""

    name: str
    transposed: bool = False
    third: int | None = None
    """Which third of a tensor it is, along the last dimension: GPT-2 keeps q, k and v in one."""


def stored(name: str, architecture: Architecture) -> Stored:
    """How the weight that we call `name` is stored in a folder of this family."""
    if name in ("lm_head.weight", "score.weight"):
        return Stored(name)
    if architecture != "gpt2":  # our names are Llama's
        return Stored(f"model.{name}")
    parts = name.split(".")
    thirds = [third for third, projection in enumerate(("q_proj", "k_proj", "v_proj")) if projection in parts]
    matrix = parts[-1] == "weight" and parts[-2].endswith("_proj")
    theirs = ".".join(GPT2_NAMES.get(part, part) for part in parts)
    return Stored(f"transformer.{theirs}", matrix, thirds[0] if thirds else None)


def save_weights(
    weights: Mapping[str, Tensor], folder: Path, architecture: Architecture, shard_bytes: int = SHARD_BYTES
) -> None:
    """Write our `weights` under the family's names, as one file or as shards of at most `shard_bytes` with an index.

    A tensor larger than that has a shard to itself. Weight files that the folder had before are removed.
    """
    for path in _weight_files(folder):
        path.unlink()
    whole: dict[str, list[tuple[bool, Tensor]]] = {}
    for name, weight in weights.items():
        place = stored(name, architecture)
        whole.setdefault(place.name, []).append((place.transposed, weight.detach()))
    sizes = {name: sum(weight.nbytes for _, weight in parts) for name, parts in whole.items()}
    shards = _shards(sizes, shard_bytes)
    files: dict[str, str] = {}
    for number, names in enumerate(shards, start=1):
        file = SINGLE if len(shards) == 1 else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_tensors({name: _joined(whole[name]) for name in names}, folder / file)
        files |= dict.fromkeys(names, file)
    if len(shards) > 1:
        write_json(folder / INDEX, {"metadata": {"total_size": sum(sizes.values())}, "weight_map": files})


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors to one safetensors file."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, metadata={"format": "pt"})
    except SafetensorError as error:  # safetensors wraps the system's error; ours at the edge looks for OSError
        raise OSError(str(error)) from error


def read_weights(
    folder: Path,
    names: Mapping[str, Stored],
    dtype: torch.dtype | None,
    device: torch.device | str,
    tied: tuple[str, str] | None = None,
) -> dict[str, Tensor]:
    """Weights by our names, read tensor by tensor: at no time is there a second copy of the model.

    `dtype`: None leaves each in the format that it is stored in. `tied`: two of their tensors that must be one, if both
    are stored. Raises UserError for missing files or weights.
    """
    places = {_bare(name): (path, name) for path in _files(folder) for name in _keys(path)}
    missing = [place.name for place in names.values() if _bare(place.name) not in places]
    if missing:
        raise UserError(f"{folder}: lacks {len(missing)} weights, {missing[0]} among them; is the download complete?")
    if tied is not None and _bare(tied[1]) in places:
        _check_tied(folder, [places[_bare(name)] for name in tied])
    by_file: dict[Path, list[tuple[str, str, Stored]]] = {}
    # The large tables first: a tensor is twice in memory while it is copied.
    for ours, place in sorted(names.items(), key=lambda item: "layers." in item[0]):
        path, theirs = places[_bare(place.name)]
        by_file.setdefault(path, []).append((ours, theirs, place))
    found: dict[str, Tensor] = {}
    for path, wanted in by_file.items():
        with opened(path) as file:
            for ours, theirs, place in wanted:
                tensor = file.get_tensor(theirs)
                if place.third is not None:
                    tensor = tensor.tensor_split(3, dim=-1)[place.third]
                tensor = tensor.T if place.transposed else tensor
                # always a copy: in what was read a tensor's alignment, and so the last bits, may differ
                form = dtype or tensor.dtype
                found[ours] = tensor.to(device, form, copy=True, memory_format=torch.contiguous_format)
    return found


@contextmanager
def opened(path: Path) -> Iterator[safe_open]:
    """An open safetensors file. It is read, not mapped: mapped pages would count as memory until it is closed."""
    try:
        with safe_open(path, framework="pt", device="cpu", backend="pread") as file:
            yield file
    except SafetensorError as error:
        raise UserError(f"{path}: is not a whole safetensors file ({error}); copy it again.") from None


def _shards(sizes: Mapping[str, int], limit: int) -> list[list[str]]:
    """The names in order, cut where another tensor would make a shard larger than `limit` bytes."""
    shards: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if shards[-1] and filled + size > limit:
            shards.append([])
            filled = 0
        shards[-1].append(name)
        filled += size
    return shards


def _joined(parts: list[tuple[bool, Tensor]]) -> Tensor:
    turned = [weight.T if transposed else weight for transposed, weight in parts]
    return turned[0] if len(turned) == 1 else torch.cat(turned, dim=-1)


def _weight_files(folder: Path) -> list[Path]:
    names = (path.name for path in folder.glob("model*.safetensors*"))
    return sorted(folder / name for name in names if name in (SINGLE, INDEX) or re.match(r"model-\d+-of-\d+\.", name))


def _files(folder: Path) -> list[Path]:
    """The files that hold the weights in `folder`."""
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if not (folder / INDEX).is_file():
        old = ", only pytorch_model.bin: save it as safetensors first" if any(folder.glob("pytorch_model*")) else ""
        raise UserError(f"{folder}: holds no {SINGLE}, nor shards with {INDEX}{old}.")
    index = read_json(folder / INDEX)
    if not isinstance(index, dict) or not isinstance(index.get("weight_map"), dict):
        raise UserError(f"{folder / INDEX}: has no weight_map; fetch the file again.")
    files = [folder / name for name in sorted(set(index["weight_map"].values()))]
    for path in files:
        if not path.is_file():
            raise UserError(f"{folder}: lacks the shard {path.name}, which {INDEX} names; download it again.")
    return files


def _keys(path: Path) -> list[str]:
    with opened(path) as file:
        return list(file.keys())


def _bare(name: str) -> str:
    """A weight's name without the prefix that folders of the bare backbone (the published gpt2) lack."""
    return name.removeprefix("transformer.").removeprefix("model.")


def _check_tied(folder: Path, pair: list[tuple[Path, str]]) -> None:
    tensors = []
    for path, name in pair:
        with opened(path) as file:
            tensors.append(file.get_tensor(name))
    if not torch.equal(*tensors):
        raise UserError(
            f"{folder}: config.json ties the output head to the embeddings, yet {pair[1][1]} differs from them; set "
            f"tie_word_embeddings to false there."
        )
