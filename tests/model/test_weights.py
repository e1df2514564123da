"""Weight files: shards with an index that transformers writes and reads, and memory for one copy of the model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mynah.errors import UserError
from mynah.model.heads import with_scalar_head
from mynah.model.hub import load_policy, load_scalar, save_policy, save_scalar
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer
from mynah.runs import weights_sha256
from tests.model.test_families import made, refusal, weights
from tests.model.test_parity import assert_same_logits, theirs
from tests.model.tiny import FAMILIES, tiny_model

# VmHWM: the peak of this process alone, while ru_maxrss begins with that of the process that started it.
PEAK = """
import re, sys
from pathlib import Path
import torch
from mynah.model.hub import load_policy
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
load_policy(Path(sys.argv[3]), None)  # PyTorch imports some 100 MB when a model is first made
before = peak()
model = load_policy(Path(sys.argv[1]), getattr(torch, sys.argv[2], None))
print((peak() - before) * 1024)
"""


@pytest.mark.parametrize("name", ["llama-3", "qwen-2.5", "gpt-2"])
def test_shards_go_in_and_out(name: str, tmp_path: Path) -> None:
    their = made(name, tmp_path / "theirs", max_shard_size="60KB")
    assert len(list((tmp_path / "theirs").glob("model-*.safetensors"))) > 2
    ours = load_policy(tmp_path / "theirs", None)
    assert_same_logits(ours, their)

    (tmp_path / "model.safetensors").write_text("of an earlier model")
    save_policy(ours, tmp_path, eos=(1,), pad=2, shard_bytes=60_000)
    shards = sorted(tmp_path.glob("model*.safetensors"))
    assert [path.name for path in shards] == [
        f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))
    ]
    assert all(path.stat().st_size < 66_000 for path in shards)
    before, after = weights(tmp_path / "theirs"), weights(tmp_path)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == after.keys()
    assert index["metadata"]["total_size"] == sum(weight.nbytes for weight in after.values())
    assert_same_logits(ours, theirs(tmp_path))

    save_policy(ours, tmp_path, eos=(1,), pad=2)  # nothing of the shards is left to be read by mistake
    assert [path.name for path in tmp_path.glob("model*")] == ["model.safetensors"]


def test_a_reward_model_in_shards(tmp_path: Path) -> None:
    model = with_scalar_head(tiny_model(**FAMILIES["gpt2"]), 0)
    save_scalar(model, tmp_path, eos=1, pad=2, shard_bytes=60_000)
    again = load_scalar(tmp_path, torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    first = weights_sha256(tmp_path)
    save_scalar(with_scalar_head(tiny_model(**FAMILIES["gpt2"]), 1), tmp_path, eos=1, pad=2, shard_bytes=60_000)
    assert weights_sha256(tmp_path) != first  # the heads alone differ


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    save_policy(tiny_model(), tmp_path, eos=(1,), pad=2, shard_bytes=60_000)
    shard = sorted(tmp_path.glob("model-*.safetensors"))[1]
    whole = shard.read_bytes()
    shard.unlink()
    assert f"lacks the shard {shard.name}, which model.safetensors.index.json names" in refusal(tmp_path)
    shard.write_bytes(whole[:-1])
    assert f"{shard.name}: is not a whole safetensors file" in refusal(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("[]")
    assert "model.safetensors.index.json: has no weight_map" in refusal(tmp_path)
    (tmp_path / "model.safetensors.index.json").unlink()
    (tmp_path / "pytorch_model.bin").touch()
    assert "only pytorch_model.bin: save it as safetensors first" in refusal(tmp_path)


def test_the_stored_number_format_is_kept(tmp_path: Path) -> None:
    """Unless another one is asked for."""
    save_policy(tiny_model(dtype=torch.float16), tmp_path, eos=(1,), pad=2)
    assert load_policy(tmp_path, None).dtype == torch.float16
    assert load_policy(tmp_path, torch.bfloat16).dtype == torch.bfloat16
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["torch_dtype"] == config["dtype"] == "float16"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("shard_bytes", "dtype"),
    [
        (10**9, "stored"),
        pytest.param(20 * 10**6, "stored", marks=pytest.mark.stress),
        pytest.param(10**9, "float32", marks=pytest.mark.stress),
    ],
)
def test_loading_takes_one_copy_of_the_weights(shard_bytes: int, dtype: str, tmp_path: Path) -> None:
    """Peak memory of a process that loads, less what its imports took: at most 1.25 × the weights."""
    config = ModelConfig(4000, 1024, 4, 16, 4, 64, 4096, 128, tied=False)
    with torch.device("meta"):
        model = Transformer(config).to(torch.float32 if dtype == "stored" else torch.bfloat16)
    save_policy(model.to_empty(device="cpu"), tmp_path, eos=(1,), pad=2, shard_bytes=shard_bytes)
    size = config.parameters() * 4
    (tmp_path / "tiny").mkdir()
    save_policy(tiny_model(), tmp_path / "tiny", eos=(1,), pad=2)
    command = [sys.executable, "-c", PEAK, str(tmp_path), dtype, str(tmp_path / "tiny")]
    taken = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert 0.9 * size < taken < 1.25 * size, f"{taken / size:.2f} × the weights"


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    made("gpt-2", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"n_inner": 64}))
    with pytest.raises(UserError, match=r"up_proj\.weight has shape \[192, 48\], config\.json asks for \[64, 48\]"):
        load_policy(tmp_path, torch.float32)
