"""Small Hugging Face folders of the families that people bring, for the tests."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as Backend

from mynah.tokens.tokenizer import WORDS

CORPUS = [
    "The quick brown fox jumps over the lazy dog. Hello, hello there! What is the weather today?",
    "她说：今天天气很好，我们去公园吧。你好，世界！",
    "def add(a, b):\n    return a + b\n\n\nprint(add(12, 345))\r\n\t# naïve café 👋🏽 👨‍👩‍👧 مرحبا",
    "user assistant system tool <tag> | end > < /tool",
]

CHATML = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- elif messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content or not message.tool_calls %}{{- '\\n' + message.content }}{%- endif %}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
            {{- call.function.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

LLAMA3 = """\
{{- bos_token }}
{%- for message in messages %}
    {%- set role = 'ipython' if message.role == 'tool' else message.role %}
    {{- '<|start_header_id|>' + role + '<|end_header_id|>\\n\\n' }}
    {{- message.content | trim }}
    {%- for call in message.tool_calls or [] %}
        {{- call.function | tojson }}
    {%- endfor %}
    {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

# Markers that are plain text and specials that swallow the space after them, as in Phi-3 and Zephyr.
TEXTUAL = """\
{% for message in messages %}
{% if message.role == 'assistant' %}
[A]
{{ message.content + eos_token }}
{% else %}
[{{ message.role }}]
{{ message.content }}<stop>
{% endif %}
{% endfor %}
{% if add_generation_prompt %}
[A]
{% endif %}
"""

# Llama 2's: markers of text, and spaces that belong to the template.
INST = """\
{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {{- ' ' + message.content + ' ' + eos_token }}
    {%- else %}
        {{- bos_token + '[INST] ' + message.content | trim + ' [/INST]' }}
    {%- endif %}
{%- endfor %}
"""

# Drops the reasoning of all but the last answer, as Qwen3 does.
FORGETFUL = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' and loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
    {{- message.content.split('</think>')[-1] + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def chatml(folder: Path, template: str = CHATML) -> Path:
    backend = _byte_level()
    backend.normalizer = normalizers.NFC()
    backend.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    soft = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>", "    ")
    backend.add_tokens([AddedToken(text, special=False, normalized=False) for text in soft])
    names = {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    return _write(folder, backend, {**names, "chat_template": "wrong: the file wins"}, template)


def llama3(folder: Path) -> Path:
    backend = _byte_level(ignore_merges=True)
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    backend.add_special_tokens([*special, "<|eom_id|>"])
    bos = backend.token_to_id("<|begin_of_text|>")
    add_bos = processors.TemplateProcessing(
        single="<|begin_of_text|> $A",
        pair="<|begin_of_text|> $A <|begin_of_text|> $B",
        special_tokens=[("<|begin_of_text|>", bos)],
    )
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), add_bos])
    names = {"bos_token": "<|begin_of_text|>", "eos_token": {"content": "<|eot_id|>", "__type": "AddedToken"}}
    _write(folder, backend, {**names, "chat_template": [{"name": "default", "template": LLAMA3}]}, None)
    ids = [backend.token_to_id(token) for token in ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ids}))
    return folder


def sentencepiece(folder: Path) -> Path:
    """BPE with a visible space and byte fallback; its specials are pieces too, and one is named in the config only."""
    backend = Backend(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=pieces, show_progress=False)
    backend.train_from_iterator(CORPUS, trainer)
    data = json.loads(backend.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["added_tokens"][2]["rstrip"] = True
    backend = Backend.from_str(json.dumps(data))
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<stop>"}
    return _write(folder, backend, names, TEXTUAL)


def llama2(folder: Path) -> Path:
    """BPE with a visible space put before every text by the normaliser, as converted from sentencepiece; merges in the
    old form of strings, and several named templates."""
    backend = Backend(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    visible = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    backend.normalizer = normalizers.Sequence(visible)
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=pieces, show_progress=False)
    backend.train_from_iterator([line for text in CORPUS for line in text.split(" ")], trainer)
    data = json.loads(backend.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None}
    templates = [{"name": "default", "template": INST}, {"name": "rag", "template": "{{ messages }}"}]
    _write(folder, backend, {**names, "chat_template": templates}, None)
    (folder / "tokenizer.json").write_text(json.dumps(data))  # `tokenizers` itself writes pairs
    return folder


def _byte_level(ignore_merges: bool = False) -> Backend:
    backend = Backend(models.BPE(ignore_merges=ignore_merges))
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(CORPUS * 3, trainer)
    return backend


def _write(folder: Path, backend: Backend, config: dict, template: str | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    backend.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder
