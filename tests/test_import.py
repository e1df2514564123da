"""Somebody's own checkpoint, through the command line: imported, exported unchanged, and taken through the steps."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from mynah.model.gguf.write import write_gguf
from mynah.tokens import Tokenizer
from tests.model.gguf_files import saved
from tests.model.tiny import unsettle
from tests.test_cli import PPO, files  # noqa: F401 (a fixture)
from tests.tokens import folders

SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128},
    "smollm3": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "no_rope_layers": [1, 0],
    },
    "mistral": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "sliding_window": 64,
    },
}


def brought(family: str, folder: Path) -> Path:
    """A checkpoint as it is published: bf16, in shards, with its tokenizer and chat template."""
    folders.llama3(folder)
    tokenizer = Tokenizer.load(folder)
    names = {"bos_token_id": 0, "eos_token_id": tokenizer.stop_ids[0], "pad_token_id": 1}
    config = AutoConfig.for_model(family, vocab_size=tokenizer.vocab_size + 3, **SHAPES[family], **names)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    unsettle(model, seed=1)
    stops = json.loads((folder / "generation_config.json").read_text())
    model.bfloat16().save_pretrained(folder, max_shard_size="40KB")
    (folder / "generation_config.json").write_text(json.dumps(stops))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: weight for path in sorted(folder.glob("*.safetensors")) for name, weight in load_file(path).items()}


@pytest.mark.parametrize("family", SHAPES)
def test_a_checkpoint_is_imported_and_exported_unchanged(mynah, tmp_path, family):
    folder, where = brought(family, tmp_path / "brought"), ("--run", "own", "--home", tmp_path)
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    status, _, err = mynah("import", folder, *where)
    assert status == 0, err
    assert f"parameters, {family}" in err
    assert ("reads 64 tokens at most, its sliding window" in err) == (family == "mistral")
    assert mynah("export", tmp_path / "out", *where)[0] == 0
    before, after = weights(folder), weights(tmp_path / "out")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)

    talk = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    theirs, ours = (AutoTokenizer.from_pretrained(at) for at in (folder, tmp_path / "out"))
    assert ours.apply_chat_template(talk) == theirs.apply_chat_template(talk)
    assert set(Tokenizer.load(tmp_path / "out").stop_ids) == set(Tokenizer.load(folder).stop_ids)


@pytest.mark.parametrize("family", ["gpt2", "smollm3"])
def test_the_steps_train_a_brought_checkpoint(mynah, files, tmp_path, family):  # noqa: F811
    where = ("--run", "own", "--home", tmp_path)
    root = tmp_path / "runs" / "own"
    assert mynah("import", brought(family, tmp_path / "brought"), *where)[0] == 0
    for verb, data, *settings in (
        ("sft", "demonstrations", "sft.epochs=1", "sft.heldout=0.0"),
        ("reward", "pairs", "reward.heldout=0.0", "reward.epochs=1"),
        ("ppo", "prompts", *PPO),
    ):
        status, _, err = mynah(verb, files[data], *settings, *where)
        assert status == 0, err
    assert AutoModelForCausalLM.from_pretrained(root / "round-1/3-ppo").config.model_type == family
    reward = AutoModelForSequenceClassification.from_pretrained(root / "round-1/2-reward")
    assert reward.config.num_labels == 1
    assert type(reward).__name__.startswith("GPT2" if family == "gpt2" else "SmolLM3")


def test_a_gguf_file_that_chats_is_ranked_as_it_is(mynah, files, tmp_path):  # noqa: F811
    """Imported as the SFT model: its answers are sampled, and a reward model starts from it, with no step 1."""
    saved(tmp_path / "brought")
    write_gguf(tmp_path / "brought", tmp_path / "brought.gguf", "", "brought")
    where = ("--run", "own", "--home", tmp_path)
    status, _, err = mynah("import", tmp_path / "brought.gguf", "--as", "sft", *where)
    assert status == 0, err
    assert "round-1/1-sft" in err
    root = tmp_path / "runs" / "own"
    assert not (root / "gguf.partial").exists()  # what it was unpacked into
    before, after = weights(tmp_path / "brought"), weights(root / "round-1" / "1-sft")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    began = json.loads((root / "run.json").read_text())["stages"]["round-1/1-sft"]
    assert mynah("import", tmp_path / "brought.gguf", "--as", "sft", *where)[0] == 0
    assert json.loads((root / "run.json").read_text())["stages"]["round-1/1-sft"] == began  # not made again
    assert mynah("sample", files["prompts"], "--n", 2, *where, "sample.max_new_tokens=4")[0] == 0
    status, _, err = mynah("reward", files["pairs"], *where, "reward.heldout=0.0", "reward.epochs=1")
    assert status == 0, err
    status, _, err = mynah("import", tmp_path / "no.gguf", "--run", "other", "--home", tmp_path)
    assert status == 1
    assert err.strip() == f"{tmp_path}/no.gguf: no such file."
