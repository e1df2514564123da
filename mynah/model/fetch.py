"""Where a checkpoint comes from: a folder or a GGUF file on this machine, or a model of the Hugging Face Hub."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mynah.errors import UserError
from mynah.model.gguf.read import read_gguf

HUB_ID = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)
FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)
"""What is read here; other formats of the same weights stay on the Hub."""


@contextmanager
def checkpoint(source: str, scratch: Path) -> Iterator[Path]:
    """The checkpoint folder that `source` names, as `fetch` finds it.

    What is in a GGUF file lies in a folder below `scratch` for as long as it is used.
    """
    found = fetch(source)
    if found.is_dir() or not _is_file(source):
        yield found
        return
    folder = scratch / "gguf.partial"
    shutil.rmtree(folder, ignore_errors=True)  # of an import that was killed
    folder.mkdir(parents=True)
    try:
        read_gguf(found, folder)
        yield folder
    except UserError as error:
        raise UserError(str(error).replace(str(folder), str(found))) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(source: str) -> Path:
    """The checkpoint folder that `source` names: a path, or `org/name[@revision]`, which is downloaded unless cached.

    A folder that exists is never looked for on the Hub. Raises UserError when there is neither.
    """
    folder = Path(source).expanduser()
    hub = HUB_ID.fullmatch(source)
    if folder.exists() or hub is None or _is_file(source):
        return folder
    try:
        return Path(snapshot_download(hub["id"], revision=hub["revision"], allow_patterns=list(FILES)))
    except (OSError, HTTPError) as error:
        # Looked for in the cache in vain: the reason why it had to be is behind it.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
        raise UserError(f"{source}: {_why(cause, hub['id'], hub['revision'])}") from error


def _is_file(source: str) -> bool:
    """Whether `source` names a GGUF file, there or not: no model of the Hub is called so."""
    return source.lower().endswith(".gguf") or Path(source).expanduser().is_file()


def _why(error: BaseException, model: str, revision: str | None) -> str:
    if isinstance(error, GatedRepoError):
        return (
            f"its owner asks you to accept terms at https://huggingface.co/{model} and to log in with `hf auth login`; "
            f"or name a folder that holds the checkpoint."
        )
    if isinstance(error, RevisionNotFoundError):
        return f"the model has no revision {revision!r}; name another, or a folder that holds the checkpoint."
    if isinstance(error, RepositoryNotFoundError):
        return (
            "is no folder here and no public model of the Hugging Face Hub; correct the name, log in with "
            "`hf auth login` if it is private, or name a folder that holds the checkpoint."
        )
    return (
        f"is no folder here, and the Hugging Face Hub cannot be reached ({type(error).__name__}); fetch the model "
        f"where there is a network (`hf download`), copy it here, and name its folder."
    )
