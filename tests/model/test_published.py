"""The published configurations of two models, word for word, under random weights in bf16 and in shards.

The real weights are not at hand where the tests run; all else about these models is. Some 5 GB of disk, 9 GB of memory.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from mynah.engine import Engine
from mynah.model.hub import load_policy, save_policy
from mynah.nouns import SamplingParams
from tests.model.tiny import full_logits, random_tokens

pytestmark = pytest.mark.stress

QWEN3_06B = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 40960,
    "max_window_layers": 28,
    "model_type": "qwen3",
    "num_attention_heads": 16,
    "num_hidden_layers": 28,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
LLAMA_32_1B = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 128000,
    "eos_token_id": 128001,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "initializer_range": 0.02,
    "intermediate_size": 8192,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.45.0.dev0",
    "use_cache": True,
    "vocab_size": 128256,
}
PARAMETERS = {"qwen3": 596_049_920, "llama": 1_235_814_400}


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Path]:
    """Gigabytes that are given back; pytest keeps the folders of its last runs."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def memory(kind: str) -> int:
    """Bytes of this process: VmRSS, now; VmHWM, at most."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[kind].split()[0]) * 1024


@torch.no_grad()
def logits(folder: Path, tokens: tuple[int, ...]) -> torch.Tensor:
    their = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return their(torch.tensor([tokens])).logits[0]


def assert_same_weights(one: Path, other: Path) -> None:
    places = [json.loads((at / "model.safetensors.index.json").read_text())["weight_map"] for at in (one, other)]
    assert places[0].keys() == places[1].keys()
    for name in places[0]:
        pair = []
        for at, place in zip((one, other), places, strict=True):
            with safe_open(at / place[name], framework="pt") as file:
                pair.append(file.get_tensor(name))
        assert pair[0].dtype == pair[1].dtype == torch.bfloat16
        assert torch.equal(*pair), name


@pytest.mark.parametrize("published", [QWEN3_06B, LLAMA_32_1B], ids=["Qwen3-0.6B", "Llama-3.2-1B"])
@torch.no_grad()
def test_a_published_configuration_goes_in_and_out(published: dict[str, Any], space: Path) -> None:
    before = memory("VmRSS")  # what the test before this one left
    theirs, ours = space / "theirs", space / "ours"
    theirs.mkdir()
    ours.mkdir()
    (theirs / "config.json").write_text(json.dumps(published))
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(theirs), dtype=torch.bfloat16)
    model.save_pretrained(theirs, max_shard_size="500MB")
    del model
    (theirs / "config.json").write_text(json.dumps(published))  # as published, not as transformers writes it today

    tokens = random_tokens(24, vocab_size=published["vocab_size"])
    expected = logits(theirs, tokens)
    assert expected.std() > 0.3
    policy = load_policy(theirs, torch.float32)
    assert policy.config.parameters() == PARAMETERS[published["model_type"]]
    torch.testing.assert_close(full_logits(policy, tokens), expected, rtol=0, atol=1e-4)
    [[completion]] = Engine(policy, rows=1, context=64).generate([tokens], SamplingParams(max_new_tokens=4))
    learner = full_logits(policy, tokens + completion.tokens)[len(tokens) - 1 : -1].log_softmax(-1)
    learner = learner.gather(1, torch.tensor(completion.tokens)[:, None]).squeeze(1)
    torch.testing.assert_close(torch.tensor(completion.logprobs), learner, rtol=0, atol=1e-4)
    del policy

    save_policy(load_policy(theirs, None), ours, eos=(published["eos_token_id"],), pad=0, shard_bytes=600 * 10**6)
    assert_same_weights(theirs, ours)
    torch.testing.assert_close(logits(ours, tokens), expected, rtol=0, atol=1e-4)
    assert memory("VmHWM") - before < 10 * 10**9
