"""A checkpoint by name: a folder, or a model of the Hub, which this file plays on localhost."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import torch
from huggingface_hub import constants

from mynah.errors import UserError
from mynah.model.fetch import fetch
from mynah.model.hub import load_policy, save_policy
from tests.model.tiny import tiny_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one folder as the model org/tiny, at the revisions main and v1, and notes what was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self.about(parts[2:])
        elif parts[2:3] == ["resolve"]:
            self.file(self.server.folder / parts[-1])
        else:
            self.refuse("EntryNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def about(self, parts: list[str]) -> None:
        model, action, revision = "/".join(parts[:2]), (parts[2:3] or [""])[0], (parts[3:4] or ["main"])[0]
        if model == "org/gated":
            self.refuse("GatedRepo", 403)
        elif model != "org/tiny":
            self.refuse("RepoNotFound")
        elif revision not in ("main", "v1", COMMIT):
            self.refuse("RevisionNotFound")
        elif action == "tree":
            files = sorted(self.server.folder.iterdir())
            self.json([{"type": "file", "path": p.name, "size": p.stat().st_size, "oid": etag(p)} for p in files])
        else:
            names = [{"rfilename": path.name} for path in sorted(self.server.folder.iterdir())]
            self.json({"id": model, "sha": COMMIT, "siblings": names})

    def file(self, path: Path) -> None:
        body = path.read_bytes()
        self.reply(200, body, ETag=f'"{etag(path)}"')

    def json(self, value: Any) -> None:
        self.reply(200, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def refuse(self, code: str, status: int = 404) -> None:
        self.reply(status, b"{}", **{"X-Error-Code": code})

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = tmp_path / "published"
    folder.mkdir()
    save_policy(tiny_model(), folder, eos=(1,), pad=2, shard_bytes=60_000)
    for name in ("tokenizer.json", "pytorch_model.bin", "consolidated.safetensors", "README.md", "model.onnx"):
        (folder / name).write_text(name)
    server = Hub(folder)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def refusal(source: str) -> str:
    with pytest.raises(UserError) as refused:
        fetch(source)
    assert str(refused.value).startswith(f"{source}: ")
    assert "\n" not in str(refused.value)
    assert "folder" in str(refused.value)
    return str(refused.value)


def test_a_folder_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch(str(tmp_path)) == tmp_path
    (tmp_path / "org" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert fetch("org/tiny") == Path("org/tiny")  # though it could be an id
    assert fetch("./no/such") == Path("no/such")  # a path, whose absence the loader names
    assert fetch("~/x") == Path.home() / "x"


@pytest.mark.parametrize("revision", ["", "@v1", f"@{COMMIT}"])
def test_a_model_of_the_hub_is_fetched(hub: Hub, revision: str) -> None:
    folder = fetch(f"org/tiny{revision}")
    model = tiny_model()
    again = load_policy(folder, torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "generation_config.json", "tokenizer.json", "model.safetensors.index.json"} < names
    assert not names & {"pytorch_model.bin", "consolidated.safetensors", "README.md", "model.onnx"}


def test_what_was_fetched_needs_no_network_again(hub: Hub) -> None:
    folder = fetch("org/tiny")
    hub.shutdown()
    hub.server_close()
    assert fetch("org/tiny") == folder


def test_what_is_not_there_is_said_in_one_sentence(hub: Hub) -> None:
    assert "no public model of the Hugging Face Hub; correct the name" in refusal("org/nothing")
    assert "no revision 'v9'" in refusal("org/tiny@v9")
    assert "accept terms at https://huggingface.co/org/gated" in refusal("org/gated")
    hub.shutdown()
    hub.server_close()
    assert "cannot be reached (ConnectError); fetch the model where there is a network" in refusal("org/other")
