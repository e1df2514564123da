"""What lies in a GGUF file comes out as the checkpoint that it was made from; transformers reads the same numbers."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mynah.errors import UserError
from mynah.model.fetch import checkpoint
from mynah.model.gguf.families import stretching
from mynah.model.gguf.read import read_gguf
from mynah.model.gguf.write import write_gguf
from mynah.model.hub import load_config, load_policy, save_policy
from mynah.model.sizes import RopeScaling
from mynah.nouns import Message
from mynah.tokens import ChatFormat, Tokenizer
from mynah.tokens.llama_cpp import PRE_TOKENIZERS
from tests.model.gguf_files import SHAPES, TEXTS, rewritten, saved, worded
from tests.model.tiny import full_logits, random_tokens, tiny_model
from tests.tokens import folders

LLAMA_3_2 = RopeScaling("llama3", 32.0, 8192, low_freq_factor=1.0, high_freq_factor=4.0)


def there_and_back(folder: Path, dtype: str = "") -> Path:
    """`folder` as a GGUF file, and what is read from that."""
    file, back = folder.with_suffix(".gguf"), folder.with_name(f"{folder.name}-back")
    write_gguf(folder, file, dtype, "toy")
    back.mkdir()
    read_gguf(file, back)
    return back


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path, shape: dict[str, Any], dtype: torch.dtype) -> None:
    model = saved(tmp_path / "model", dtype, **shape)
    back = there_and_back(tmp_path / "model")
    assert load_config(back) == model.config
    found = load_policy(back, None).state_dict()
    for name, weight in model.state_dict().items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], weight), name


def test_its_tokenizer_and_chat_template_come_back(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    ours, back = Tokenizer.load(tmp_path / "model"), Tokenizer.load(there_and_back(tmp_path / "model"))
    assert [back.encode(text) for text in TEXTS] == [ours.encode(text) for text in TEXTS]
    assert back.special == ours.special
    assert (set(back.stop_ids), back.pad, back.end_of_turn) == (set(ours.stop_ids), ours.pad, ours.end_of_turn)
    talk = (Message("system", "Be kind."), Message("user", "Who's there, 42? <|end|>"))
    assert ChatFormat(back).encode_prompt(talk) == ChatFormat(ours).encode_prompt(talk)


@pytest.mark.parametrize("name", sorted(PRE_TOKENIZERS.values()))
def test_text_is_split_as_before(tmp_path: Path, name: str) -> None:
    folder = worded(tmp_path / "model", name)
    ours, back = Tokenizer.load(folder), Tokenizer.load(there_and_back(folder))
    for text in TEXTS:
        assert back.encode(text) == ours.encode(text), text


def test_tokenizers_that_people_bring_come_back(tmp_path: Path) -> None:
    """Qwen's tokens of every kind; and a start of text that is put before every text."""
    for make, start in ((folders.chatml, None), (folders.llama3, "<|begin_of_text|>")):
        folder = make(tmp_path / make.__name__)
        tokenizer = Tokenizer.load(folder)
        save_policy(tiny_model(vocab_size=tokenizer.vocab_size), folder, eos=tokenizer.stop_ids, pad=tokenizer.pad)
        if make is folders.llama3:  # the published one splits numbers by threes
            file = folder / "tokenizer.json"
            file.write_text(file.read_text().replace(r"\\p{N}|", r"\\p{N}{1,3}|", 1))
        ours, back = Tokenizer.load(folder), Tokenizer.load(there_and_back(folder))
        assert [back.encode(text) for text in TEXTS] == [ours.encode(text) for text in TEXTS]
        assert back.special == ours.special
        lost = {id_ for token, id_ in ours.special.items() if token == "<|eom_id|>"}  # mynah writes two stops
        assert set(back.stop_ids) == set(ours.stop_ids) - lost
        talk = (Message("user", "Who's there, 42?"),)
        assert ChatFormat(back).encode_prompt(talk) == ChatFormat(ours).encode_prompt(talk)
        if start:
            assert back.named["bos_token"] == start


def test_what_converters_leave_out_and_copy_unseen_changes_nothing(tmp_path: Path) -> None:
    """As their files are: shapes that follow from others are not named, and special ids are config.json's."""
    model = saved(tmp_path / "model", head_width=12)
    write_gguf(tmp_path / "model", tmp_path / "model.gguf", "", "toy")
    ours = Tokenizer.load(tmp_path / "model")
    letter = ours.encode("a")[0]
    unnamed = {"llama__attention__key_length": None, "llama__attention__value_length": None}
    wrong = {"tokenizer__ggml__padding_token_id": letter, "tokenizer__ggml__unknown_token_id": 10**6}
    file = rewritten(tmp_path / "model.gguf", llama__rope__dimension_count=None, **unnamed, **wrong)
    (tmp_path / "back").mkdir()
    read_gguf(file, tmp_path / "back")
    assert load_config(tmp_path / "back") == model.config
    back = Tokenizer.load(tmp_path / "back")
    assert [back.encode(text) for text in TEXTS] == [ours.encode(text) for text in TEXTS]
    assert back.decode(back.encode("a banana")) == "a banana"
    assert letter not in back.special.values()


def test_llama_3_starts_every_text_even_where_the_file_does_not_say_so(tmp_path: Path) -> None:
    """As llama.cpp has it; and its third stop is kept where the file names it."""
    folder = folders.llama3(tmp_path / "llama")
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace(r"\\p{N}|", r"\\p{N}{1,3}|", 1))
    ours = Tokenizer.load(folder)
    save_policy(tiny_model(vocab_size=ours.vocab_size), folder, eos=ours.stop_ids, pad=ours.pad)
    write_gguf(folder, tmp_path / "llama.gguf", "", "toy")
    third = ours.special["<|eom_id|>"]
    silent = rewritten(
        tmp_path / "llama.gguf", tokenizer__ggml__add_bos_token=None, tokenizer__ggml__eom_token_id=third
    )
    (tmp_path / "back").mkdir()
    read_gguf(silent, tmp_path / "back")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "back")
    assert theirs("one")["input_ids"] == [ours.special["<|begin_of_text|>"], *ours.encode("one")]
    assert third in Tokenizer.load(tmp_path / "back").stop_ids


def test_a_template_for_tools_goes_both_ways(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    path = tmp_path / "model" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["chat_template"] = [
        {"name": name, "template": f"{source}{{# {name} #}}"}
        for name in ("default", "tool_use")
        for source in [Tokenizer.load(tmp_path / "model").template.source]  # type: ignore[union-attr]
    ]
    path.write_text(json.dumps(config))
    ours, back = Tokenizer.load(tmp_path / "model"), Tokenizer.load(there_and_back(tmp_path / "model"))
    for name in ("template", "tool_template"):
        assert getattr(back, name).source == getattr(ours, name).source
    assert back.template != back.tool_template


def test_one_bfloat16_matrix_among_quantised_ones_makes_no_bfloat16_of_them(tmp_path: Path) -> None:
    saved(tmp_path / "model", torch.bfloat16, width=64, ff_width=128)
    for dtype in ("q8_0", "bfloat16"):
        write_gguf(tmp_path / "model", tmp_path / f"{dtype}.gguf", dtype, "toy")
    quantised, whole = (gguf.GGUFReader(tmp_path / f"{dtype}.gguf") for dtype in ("q8_0", "bfloat16"))
    mixed = gguf.GGUFWriter(tmp_path / "mixed.gguf", "llama")
    for name, field in quantised.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            mixed.add_key_value(name, value := field.contents(), gguf.GGUFValueType.get_type(value))
    for eight, sixteen in zip(quantised.tensors, whole.tensors, strict=True):
        tensor = sixteen if eight.name == "token_embd.weight" else eight
        mixed.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    mixed.write_header_to_file()
    mixed.write_kv_data_to_file()
    mixed.write_tensors_to_file()
    mixed.close()
    (tmp_path / "back").mkdir()
    read_gguf(tmp_path / "mixed.gguf", tmp_path / "back")
    assert {weight.dtype for weight in load_policy(tmp_path / "back", None).state_dict().values()} == {torch.float16}


@pytest.mark.parametrize(("shape", "dtype"), [("llama-untied", ""), ("qwen2", ""), ("llama-wide", "q8_0")])
@torch.no_grad()
def test_transformers_reads_the_same_numbers(tmp_path: Path, shape: str, dtype: str) -> None:
    """Of quantised weights too, to what float16 rounds."""
    wide = {"width": 64, "ff_width": 128}  # rows of whole blocks of 32
    model = saved(tmp_path / "model", torch.bfloat16, **SHAPES.get(shape, wide))
    back = load_policy(there_and_back(tmp_path / "model", dtype), torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="model.gguf", dtype=torch.float32).eval()
    tokens = random_tokens(40, vocab_size=model.config.vocab_size)
    expected = theirs(torch.tensor([tokens])).logits[0]
    torch.testing.assert_close(full_logits(back, tokens), expected, rtol=0, atol=2e-2 if dtype == "q8_0" else 2e-4)


def test_quantised_weights_are_what_the_blocks_stand_for(tmp_path: Path) -> None:
    saved(tmp_path / "model", width=64, ff_width=128)
    back = load_policy(there_and_back(tmp_path / "model", "q8_0"), None)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    down = tensors["blk.1.ffn_down.weight"]
    assert down.tensor_type == gguf.GGMLQuantizationType.Q8_0
    expected = torch.from_numpy(gguf.quants.dequantize(down.data, down.tensor_type)).half()
    assert torch.equal(back.layers[1].mlp.down_proj.weight, expected)


@torch.no_grad()
def test_llama_3s_stretched_positions_come_back(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", rope_scaling=LLAMA_3_2)
    factors = {t.name: t for t in written(tmp_path / "model").tensors}["rope_freqs.weight"].data
    assert factors.min() == 1
    assert factors.max() == 32
    back = load_policy(there_and_back(tmp_path / "model"), torch.float32)
    assert back.config.rope_scaling == LLAMA_3_2
    tokens = random_tokens(200, vocab_size=model.config.vocab_size)
    assert torch.equal(full_logits(back, tokens), full_logits(model, tokens))


def test_what_would_be_computed_otherwise_is_refused(tmp_path: Path) -> None:
    own = replace(LLAMA_3_2, original_context=512)  # turned otherwise than any published Llama
    saved(tmp_path / "own", rope_scaling=own)
    assert not torch.equal(stretching(load_config(tmp_path / "own")), torch.ones(8))
    with pytest.raises(UserError, match=r"own.gguf: stretches RoPE in a way of its own \(rope_freqs.weight\)"):
        there_and_back(tmp_path / "own")
    saved(tmp_path / "yarn", rope_scaling=RopeScaling("yarn", 4.0, 64))
    with pytest.raises(UserError, match=r"llama.cpp computes llama only with plain RoPE or Llama 3"):
        write_gguf(tmp_path / "yarn", tmp_path / "yarn.gguf", "", "toy")
    saved(tmp_path / "qwen", architecture="qwen2", head_width=12, rope_scaling=LLAMA_3_2)
    with pytest.raises(UserError, match=r"llama.cpp computes qwen2 only with plain RoPE\."):
        write_gguf(tmp_path / "qwen", tmp_path / "qwen.gguf", "", "toy")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "words": ({"tokenizer__ggml__pre": "tekken"}, "its tokenizer splits text as llama.cpp's 'tekken' does, which"),
    "stops": ({"tokenizer__ggml__eos_token_id": 300}, "does not say which token ends a text"),
    "kinds": ({"tokenizer__ggml__token_type": [1, 3]}, r"has \d+ tokens and the kinds of 2"),
    "merges": ({"tokenizer__ggml__merges": ["no such"]}, "its tokens and merges do not go together"),
    "heads": ({"llama__attention__head_count_kv": 3}, "describes no model that mynah knows: heads"),
    "by layer": ({"llama__attention__head_count_kv": [2, 2]}, "describes no model that mynah knows: int"),
    "width": ({"llama__feed_forward_length": 64}, r"layers.0.mlp.gate_proj.weight has shape \[96, 48\], where"),
    "template": ({"tokenizer__chat_template": "{% if %}"}, "its chat template is not valid Jinja"),
}


@pytest.mark.parametrize(("facts", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_fact_is_one_sentence_that_names_the_file(tmp_path: Path, facts: dict[str, Any], sentence: str) -> None:
    """And leaves nothing of what was unpacked, even where only the tokenizer's reader finds it."""
    saved(tmp_path / "model")
    write_gguf(tmp_path / "model", tmp_path / "model.gguf", "", "toy")
    file = rewritten(tmp_path / "model.gguf", **facts)
    with (
        pytest.raises(UserError, match=f"^{re.escape(str(file))}: .*{sentence}"),
        checkpoint(str(file), tmp_path) as one,
    ):
        Tokenizer.load(one)
    assert not (tmp_path / "gguf.partial").exists()


def test_a_file_is_never_looked_for_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though folder/name.gguf could be an id; what a killed import left behind is gone afterwards."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^smol/model.GGUF: no such file"), checkpoint("smol/model.GGUF", tmp_path):
        pass
    saved(tmp_path / "model")
    write_gguf(tmp_path / "model", tmp_path / "blob", "", "toy")  # as ollama names them
    (tmp_path / "gguf.partial").mkdir()
    (tmp_path / "gguf.partial" / "model-00001-of-00002.safetensors").touch()
    with checkpoint("blob", tmp_path) as folder:
        assert load_config(folder) == load_config(tmp_path / "model")
        assert len(list(folder.glob("*.safetensors"))) == 1
    assert not folder.exists()


FACTS: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"general.architecture": "bert"}, "holds a model of the kind 'bert'; those that load are llama, qwen2"),
    "sentencepiece": ({"tokenizer.ggml.model": "llama"}, "has a tokenizer of the kind 'llama', not byte-level BPE"),
    "experts": ({"llama.expert_count": 8}, "holds a mixture of experts"),
    "parts": ({"split.count": 3}, "is one of 3 parts; join them with `llama-gguf-split --merge`"),
    "factor": ({"llama.rope.scaling.factor": 2.0}, "asks for RoPE scaling 'linear'"),
    "yarn": ({"llama.rope.scaling.type": "yarn"}, "asks for RoPE scaling 'yarn'"),
    "part of a head": ({"llama.rope.dimension_count": 8}, "rotates a part of each head"),
    "silent": ({}, "says nothing of 'attention.head_count'"),
}


@pytest.mark.parametrize(("facts", "sentence"), FACTS.values(), ids=FACTS)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, facts: dict[str, Any], sentence: str) -> None:
    file = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(file, facts.get("general.architecture", "llama"))
    writer.add_tokenizer_model(facts.get("tokenizer.ggml.model", "gpt2"))
    for name, value in facts.items():
        if name not in ("general.architecture", "tokenizer.ggml.model"):
            writer.add_key_value(name, value, gguf.GGUFValueType.get_type(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(UserError, match=f"model.gguf: {sentence}"):
        read_gguf(file, tmp_path)
    assert list(tmp_path.iterdir()) == [file]


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    whole = written(tmp_path / "model")
    del whole
    file = tmp_path / "model.gguf"
    content = file.read_bytes()
    for size in (0, 3, 100, 5_000, len(content) - 100):
        file.write_bytes(content[:size])
        with pytest.raises(UserError, match=r"model.gguf: is not a whole GGUF file .*fetch it again"):
            read_gguf(file, tmp_path)
    with pytest.raises(UserError, match=r"nowhere.gguf: no such file"):
        read_gguf(tmp_path / "nowhere.gguf", tmp_path)


def written(folder: Path) -> gguf.GGUFReader:
    file = folder.with_suffix(".gguf")
    write_gguf(folder, file, "", "toy")
    return gguf.GGUFReader(file)
