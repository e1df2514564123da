"""A GGUF file holds the checkpoint: weights bit for bit, shape, tokenizer. llama.cpp is asked where it is there."""

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

from mynah.engine import Engine
from mynah.errors import UserError
from mynah.model.gguf.write import write_gguf
from mynah.model.hub import load_policy
from mynah.model.sizes import RopeScaling
from mynah.nouns import Message, SamplingParams
from mynah.tokens import ChatFormat, Tokenizer
from mynah.tokens.llama_cpp import PRE_TOKENIZERS, vocabulary
from tests import toys
from tests.model.gguf_files import SHAPES, TEXTS, saved, worded
from tests.tokens import folders

PRIMER = Path(__file__).parents[2] / "mynah" / "primer" / "base"


def written(folder: Path, dtype: str = "") -> gguf.GGUFReader:
    target = folder.with_suffix(".gguf")
    write_gguf(folder, target, dtype, "toy")
    return gguf.GGUFReader(target)


def tensors(reader: gguf.GGUFReader) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in reader.tensors}


def metadata(reader: gguf.GGUFReader) -> dict[str, Any]:
    return {name: field.contents() for name, field in reader.fields.items()}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_weight_is_in_the_file_bit_for_bit(tmp_path: Path, shape: dict[str, Any]) -> None:
    model = saved(tmp_path / "model", **shape)
    found = tensors(written(tmp_path / "model"))
    block = model.layers[1]
    theirs = {
        "token_embd.weight": model.embed_tokens.weight,
        "output_norm.weight": model.norm.weight,
        "blk.1.attn_norm.weight": block.input_layernorm.weight,
        "blk.1.ffn_norm.weight": block.post_attention_layernorm.weight,
        "blk.1.attn_v.weight": block.self_attn.v_proj.weight,
        "blk.1.attn_output.weight": block.self_attn.o_proj.weight,
        "blk.1.ffn_gate.weight": block.mlp.gate_proj.weight,
        "blk.1.ffn_up.weight": block.mlp.up_proj.weight,
        "blk.1.ffn_down.weight": block.mlp.down_proj.weight,
    }
    for name, weight in theirs.items():
        assert np.array_equal(found[name].data, weight.detach().numpy()), name
    assert len(found) == len(model.state_dict())
    assert ("output.weight" in found) == (not model.config.tied)
    for part, heads in (("q", 4), ("k", 2)):
        projection = getattr(block.self_attn, f"{part}_proj")
        for kind in ("weight", "bias") if projection.bias is not None else ("weight",):
            width = model.config.head_width
            ours = getattr(projection, kind).detach().numpy().reshape(heads, width, -1)
            theirs_too = found[f"blk.1.attn_{part}.{kind}"].data.reshape(heads, width, -1)
            if model.config.architecture == "llama":  # rows i and i + half of a head stand side by side
                assert np.array_equal(theirs_too[:, 0::2], ours[:, : width // 2])
                assert np.array_equal(theirs_too[:, 1::2], ours[:, width // 2 :])
            else:
                assert np.array_equal(theirs_too, ours)


@pytest.mark.parametrize(
    ("shape", "limit"),
    [
        ({"architecture": "qwen2"}, "heads that are together as wide as the model"),
        ({"architecture": "qwen3", "attention_bias": True}, "no bias on the attention's output"),
    ],
)
def test_what_llama_cpp_would_not_load_is_one_sentence(tmp_path: Path, shape: dict[str, Any], limit: str) -> None:
    saved(tmp_path / "model", **shape)
    with pytest.raises(UserError, match=f"llama.cpp computes {shape['architecture']} only with {limit}"):
        written(tmp_path / "model")


def test_shape_and_tokenizer_are_told(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    facts, tokenizer = metadata(written(tmp_path / "model")), toys.tokenizer()
    assert facts["general.architecture"] == "llama"
    wanted = {
        "context_length": 256,
        "embedding_length": 48,
        "block_count": 2,
        "feed_forward_length": 96,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.key_length": 16,
        "rope.dimension_count": 16,
        "rope.freq_base": 5000.0,
    }
    assert {name: facts[f"llama.{name}"] for name in wanted} == wanted
    assert facts["tokenizer.ggml.pre"] == "qwen2"
    words = facts["tokenizer.ggml.tokens"]
    assert len(words) == tokenizer.vocab_size + 6
    assert words[: tokenizer.vocab_size] == [tokenizer.token(id_) for id_ in range(tokenizer.vocab_size)]
    kinds = facts["tokenizer.ggml.token_type"]
    assert [id_ for id_, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL] == sorted(
        tokenizer.special.values()
    )
    assert kinds[-6:] == [gguf.TokenType.UNUSED] * 6
    assert facts["tokenizer.ggml.eot_token_id"] == tokenizer.end_of_turn
    assert facts["tokenizer.ggml.padding_token_id"] == tokenizer.pad
    assert facts["tokenizer.ggml.add_bos_token"] is False
    assert tokenizer.template is not None
    assert facts["tokenizer.chat_template"] == tokenizer.template.source
    plain = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    assert facts["tokenizer.ggml.merges"] == [" ".join(pair) for pair in plain["model"]["merges"]]


def test_number_formats(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", torch.bfloat16)
    embeddings = model.embed_tokens.weight.detach()
    own = tensors(written(tmp_path / "model"))
    assert own["token_embd.weight"].tensor_type == gguf.GGMLQuantizationType.BF16
    bits = np.ascontiguousarray(own["token_embd.weight"].data).view(np.int16)
    assert np.array_equal(bits, embeddings.view(torch.int16).numpy())
    assert own["output_norm.weight"].tensor_type == gguf.GGMLQuantizationType.F32
    half = tensors(written(tmp_path / "model", "float16"))
    assert np.array_equal(half["token_embd.weight"].data, embeddings.half().numpy())
    small = tensors(written(tmp_path / "model", "q8_0"))
    assert small["token_embd.weight"].tensor_type == gguf.GGMLQuantizationType.F16  # rows of 48 are not blocks of 32
    down = small["blk.0.ffn_down.weight"]
    assert down.tensor_type == gguf.GGMLQuantizationType.Q8_0
    restored = gguf.quants.dequantize(down.data, down.tensor_type)
    weight = model.layers[0].mlp.down_proj.weight.detach().float().numpy()
    assert np.abs(restored - weight).max() <= np.abs(weight).max() / 127
    with pytest.raises(UserError, match="dtype 'int3': no format of a GGUF file; use float32, float16, bfloat16, q8_0"):
        written(tmp_path / "model", "int3")


def test_tokenizers_that_people_bring(tmp_path: Path) -> None:
    qwen = vocabulary(folders.chatml(tmp_path / "qwen"), 450)
    kinds = dict(zip(qwen.tokens, qwen.kinds, strict=True))
    assert qwen.pre_tokenizer == "qwen2"
    assert (kinds["<|im_end|>"], kinds["<think>"], kinds["Ġ"]) == ("CONTROL", "USER_DEFINED", "NORMAL")
    assert qwen.tokens[qwen.special["eot"]] == "<|im_end|>"
    assert not qwen.adds_bos
    llama = folders.llama3(tmp_path / "llama")
    plain = json.loads((llama / "tokenizer.json").read_text())
    plain["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    )
    (llama / "tokenizer.json").write_text(json.dumps(plain))
    words = vocabulary(llama, 450)
    assert (words.pre_tokenizer, words.adds_bos) == ("llama-bpe", True)
    assert words.tokens[words.special["bos"]] == "<|begin_of_text|>"


def test_a_tokenizer_that_llama_cpp_lacks_is_one_sentence(tmp_path: Path) -> None:
    for folder in (
        folders.sentencepiece(tmp_path / "a"),
        folders.llama3(tmp_path / "b"),
    ):  # b: Qwen's words, Llama's rule
        with pytest.raises(UserError, match=r"tokenizer.json: llama.cpp has no byte-level pre-tokenizer that splits"):
            vocabulary(folder, 450)


def test_without_the_package_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(UserError, match=r"needs the package gguf; in mynah's folder: pip install -e '.\[gguf\]'"):
        write_gguf(tmp_path / "model", tmp_path / "out.gguf", "", "toy")
    assert not (tmp_path / "out.gguf").exists()


def loaded(path: Path) -> Any:
    """The file as llama.cpp runs it."""
    llama_cpp = pytest.importorskip(
        "llama_cpp", reason="asks llama.cpp itself: pip install -e '.[gguf-check]' compiles it, which takes a while"
    )
    return llama_cpp.Llama(str(path), n_ctx=256, n_threads=1, logits_all=True, verbose=False)


def test_llama_cpp_gives_the_same_tokens(tmp_path: Path) -> None:
    target = tmp_path / "primer.gguf"
    write_gguf(PRIMER, target, "float32", "primer")
    theirs, ours = loaded(target), Tokenizer.load(PRIMER)
    for text in TEXTS:
        assert theirs.tokenize(text.encode(), add_bos=False, special=False) == ours.encode(text), text
    talk = (Message("system", "Be kind."), Message("user", "Who's there, 42?"))
    assert ours.template is not None
    rendered = ours.template.render([{"role": m.role, "content": m.content} for m in talk], answering=True)
    assert theirs.tokenize(rendered.encode(), add_bos=False, special=True) == ChatFormat(ours).encode_prompt(talk)
    import llama_cpp

    assert all(llama_cpp.llama_vocab_is_eog(theirs._model.vocab, stop) for stop in ours.stop_ids)


@pytest.mark.parametrize("name", sorted(PRE_TOKENIZERS.values()))
def test_llama_cpp_splits_as_its_pre_tokenizers_names_say(tmp_path: Path, name: str) -> None:
    folder = worded(tmp_path / "model", name)
    facts = metadata(written(folder))
    assert facts["tokenizer.ggml.pre"] == name
    theirs, ours = loaded(folder.with_suffix(".gguf")), Tokenizer.load(folder)
    for text in TEXTS:
        assert theirs.tokenize(text.encode(), add_bos=False, special=False) == ours.encode(text), text


STRETCHED = RopeScaling("llama3", 32.0, 64, low_freq_factor=1.0, high_freq_factor=4.0)
"""Within as few tokens as are asked for here."""


@pytest.mark.parametrize("shape", [*SHAPES.values(), {"rope_scaling": STRETCHED}], ids=[*SHAPES, "llama-stretched"])
@torch.no_grad()
def test_llama_cpp_gives_the_same_logits(tmp_path: Path, shape: dict[str, Any]) -> None:
    model = saved(tmp_path / "model", **shape)
    target = tmp_path / "model.gguf"
    write_gguf(tmp_path / "model", target, "float32", "toy")
    theirs = loaded(target)
    tokens = toys.tokenizer().encode("what is in the hill 7 gold sun")
    theirs.eval(tokens)
    expected = torch.tensor(theirs.scores[: len(tokens)]).log_softmax(-1)
    engine = Engine(model, rows=1)
    params = SamplingParams(max_new_tokens=1, prompt_logprobs=True)
    [[completion]] = engine.generate([tokens], params)
    mine = torch.tensor(completion.prompt_logprobs)
    picked = expected[:-1].gather(1, torch.tensor(tokens[1:])[:, None]).flatten()
    torch.testing.assert_close(mine, picked, rtol=0, atol=2e-3)


def test_llama_cpp_writes_the_same_text_on_50_prompts(tmp_path: Path) -> None:
    target = tmp_path / "primer.gguf"
    write_gguf(PRIMER, target, "float32", "primer")
    theirs, tokenizer = loaded(target), Tokenizer.load(PRIMER)
    prompts = [tokenizer.encode(f"{start} {thing}") for thing in THINGS for start in STARTS]
    params = SamplingParams(max_new_tokens=24, temperature=0.0, stop=tokenizer.stop_ids)
    engine = Engine(load_policy(PRIMER, torch.float32), rows=50)
    for prompt, [completion] in zip(prompts, engine.generate(prompts, params), strict=True):
        theirs.reset()
        written: list[int] = []
        for token in theirs.generate(prompt, temp=0.0, repeat_penalty=1.0):
            written.append(token)
            if len(written) == 24 or token in tokenizer.stop_ids:
                break
        assert tuple(written) == completion.tokens, tokenizer.decode(prompt)


STARTS = ("The", "A small", "Tell me about", "Where is", "Why does")
THINGS = ("river", "the moon", "bread", "a teacher", "iron", "winter", "Paris", "the number 12", "a bird", "music")
