"""The tokenizer: exact round trips, the same ids as transformers, streaming, and clear errors."""

import json
import random
from pathlib import Path

import pytest

from mynah.errors import UserError
from mynah.tokens import SPECIAL_TOKENS, Detokenizer, Tokenizer, check_fits
from mynah.tokens.folder import read_folder
from tests.tokens.folders import CORPUS

TEXTS = [
    "",
    " ",
    "Hello there",
    "  two spaces,\n\n\nthree lines\r\n\ttab \n",
    "今天天气很好，我们去公园吧。",
    "👋🏽 👨‍👩‍👧 é e\u0301 ﬁ \u00a0 \u200b \ufeff \ufffd",
    "1234567890 3.14",
    "    indented",
    "\U000f0000 private \ue000",
]


def random_texts(count: int) -> list[str]:
    rng = random.Random(0)
    blocks = [
        range(0x80),
        range(0x80, 0x800),
        range(0x800, 0xD800),
        range(0xE000, 0x10000),
        range(0x10000, 0x110000),
    ]
    special = list(SPECIAL_TOKENS)

    def piece() -> str:
        if rng.random() < 0.2:
            return rng.choice(special + CORPUS)
        return chr(rng.choice(rng.choice(blocks)))

    return ["".join(piece() for _ in range(rng.randrange(30))) for _ in range(count)]


def test_any_text_comes_back_exactly_and_never_makes_a_special_token(tokenizer):
    for text in TEXTS + random_texts(300):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids, keep_special=True) == text
        assert not set(ids) & set(tokenizer.special.values())


def test_encode_many_is_encode(tokenizer):
    texts = TEXTS + random_texts(20)
    assert tokenizer.encode_many(texts) == [tokenizer.encode(text) for text in texts]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a\ud800b \ud83d\ude00")) == "a\ufffdb 😀"


def test_training_is_deterministic_and_puts_special_tokens_first(tokenizer):
    again = Tokenizer.train(CORPUS * 3, 400)
    assert again.sha256 == tokenizer.sha256
    assert [tokenizer.special[token] for token in SPECIAL_TOKENS] == list(range(len(SPECIAL_TOKENS)))
    assert (tokenizer.end_of_text, tokenizer.pad, tokenizer.end_of_turn) == (0, 1, 2)
    assert tokenizer.stop_ids == (2, 0)
    assert tokenizer.vocab_size == 400
    assert len(tokenizer.encode("2024")) == 4
    assert Tokenizer.train(["other words"], 400).sha256 != tokenizer.sha256


def test_training_on_nothing_still_knows_every_byte():
    bare = Tokenizer.train([], 273)
    assert bare.vocab_size == 273
    assert bare.decode(bare.encode("é😀")) == "é😀"
    with pytest.raises(UserError, match="vocab_size 272: too small"):
        Tokenizer.train([], 272)


def test_special_tokens_vanish_unless_kept(tokenizer):
    ids = [4, *tokenizer.encode("Hello"), 2]
    assert tokenizer.decode(ids) == "Hello"
    assert tokenizer.decode(ids, keep_special=True) == "<|user|>Hello<|end|>"


@pytest.mark.parametrize("family", ["ours", "chatml", "llama3", "sentencepiece"])
def test_transformers_gives_the_same_ids_before_and_after_saving(hub, family, tmp_path):
    transformers = pytest.importorskip("transformers")
    loaded = Tokenizer.load(hub[family])
    loaded.save(tmp_path / "copy")
    again = Tokenizer.load(tmp_path / "copy" / "tokenizer.json")
    assert again.sha256 == loaded.sha256
    for folder in (hub[family], tmp_path / "copy"):
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
        for text in [*TEXTS, " ".join(CORPUS)]:
            assert again.encode(text) == theirs.encode(text, add_special_tokens=False), text
        assert again.vocab_size == len(theirs)
        assert theirs.eos_token_id in again.stop_ids
        if family != "llama3":  # which has no padding token of its own
            assert theirs.pad_token_id == again.pad
        assert theirs.get_chat_template() == again.template.source


def test_saved_configuration(hub):
    config = json.loads((hub["ours"] / "tokenizer_config.json").read_text())
    assert config["eos_token"] == "<|end|>"
    assert config["pad_token"] == "<|pad|>"
    assert config["bos_token"] is None
    assert config["model_max_length"] == 512
    assert config["clean_up_tokenization_spaces"] is False
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_stop_ids_of_other_families(hub):
    llama = Tokenizer.load(hub["llama3"])
    assert [llama.token(i) for i in llama.stop_ids] == ["<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"]
    assert llama.token(llama.pad) == "<|end_of_text|>"
    qwen = Tokenizer.load(hub["chatml"])
    assert [qwen.token(i) for i in qwen.stop_ids] == ["<|im_end|>", "<|endoftext|>"]


@pytest.mark.parametrize("family", ["ours", "chatml", "llama3", "sentencepiece"])
@pytest.mark.parametrize("keep_special", [False, True])
def test_streamed_text_is_the_decoded_text_without_half_characters(hub, family, keep_special):
    tokenizer = Tokenizer.load(hub[family])
    end = tokenizer.end_of_turn
    for text in ["Hello there 👋🏽 你好 مرحبا  x", *CORPUS]:
        half = len(text) // 2
        ids = [*tokenizer.encode(text[:half]), end, *tokenizer.encode(text[half:]), end]
        stream = Detokenizer(tokenizer, keep_special)
        pieces = [stream.add(token) for token in ids]
        assert not any("\ufffd" in piece for piece in pieces)
        pieces.append(stream.finish())
        assert "".join(pieces) == tokenizer.decode(ids, keep_special)
        assert sum(map(bool, pieces)) > len(text) // 5  # it does stream


def test_a_stream_of_broken_bytes_still_equals_decode(tokenizer):
    rng = random.Random(1)
    for _ in range(50):
        ids = [rng.randrange(400) for _ in range(40)]
        stream = Detokenizer(tokenizer)
        assert "".join(map(stream.add, ids)) + stream.finish() == tokenizer.decode(ids)


def test_an_unfinished_character_shows_at_the_end_only(tokenizer):
    ids = tokenizer.encode("\U00013000")[:-1]
    stream = Detokenizer(tokenizer)
    assert [stream.add(token) for token in ids] == [""] * len(ids)
    assert stream.finish() == "\ufffd"


def test_errors_name_the_file_and_the_mend(tmp_path, tokenizer):
    with pytest.raises(UserError, match=r"nowhere: has no tokenizer.json; name a Hugging Face folder"):
        Tokenizer.load(tmp_path / "nowhere")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer.json: not a tokenizer"):
        Tokenizer.load(tmp_path)
    tokenizer.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("[]")
    with pytest.raises(UserError, match=r"tokenizer_config.json: holds no JSON object"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{% if %}"}')
    with pytest.raises(UserError, match=r"chat template is not valid Jinja"):
        Tokenizer.load(tmp_path)


def test_check_fits(tokenizer):
    check_fits(tokenizer, 400)
    check_fits(tokenizer, 512)
    with pytest.raises(UserError, match="does not fit: it has 400 ids and the model 399"):
        check_fits(tokenizer, 399)


def test_saving_replaces_a_template_file_that_would_win(hub, tokenizer, tmp_path):
    (tmp_path / "chat_template.jinja").write_text("old")
    tokenizer.save(tmp_path)
    assert Tokenizer.load(tmp_path).template.source == tokenizer.template.source


def test_names_in_an_old_special_tokens_map_count(hub, tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text((hub["llama3"] / "tokenizer.json").read_text())
    (tmp_path / "special_tokens_map.json").write_text('{"eos_token": {"content": "<|eot_id|>"}, "pad_token": "<new>"}')
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.named == {"eos_token": "<|eot_id|>", "pad_token": "<new>"}
    assert tokenizer.pad == tokenizer.vocab_size - 1
    assert read_folder(tmp_path).templates == {}


@pytest.mark.parametrize("family", ["ours", "chatml", "llama3", "sentencepiece"])
def test_bytes_of_tokens_add_up_to_the_text(hub, family):
    tokenizer = Tokenizer.load(hub[family])
    text = "Hello 你好 👩‍👩‍👧 naïve\n  ᚠ x"
    spelled = [tokenizer.token_bytes(id) for id in tokenizer.encode(text)]
    assert b"".join(spelled).strip() == text.encode()  # some tokenizers put a space before a first word
    assert any(not part or part[0] & 0xC0 == 0x80 for part in spelled)  # less than a character among them
    end = tokenizer.end_of_turn
    assert tokenizer.token_bytes(end).decode() == tokenizer.token(end)


def test_markers_are_tokens_of_the_template(hub):
    tokenizer = Tokenizer.load(hub["ours"])
    assert tokenizer.marker("<tool_call>") == tokenizer.special["<tool_call>"]
    assert tokenizer.marker("Hello") is None
    assert tokenizer.marker("<no_such>") is None
