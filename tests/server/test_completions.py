"""Plain completions, log p of prompts as lm-evaluation-harness reads them, models and embeddings."""

from operator import itemgetter

import openai
import pytest
import torch

from mynah.nouns import SamplingParams
from mynah.tokens import Tokenizer
from tests import toys
from tests.model.tiny import full_logits
from tests.server.conftest import CONTEXT, assistant

TEXT = "what is in the hill 你好"


def test_a_text_goes_on_as_the_engine_says(client):
    tokenizer = toys.tokenizer()
    params = SamplingParams(16, seed=5, stop=tokenizer.stop_ids)
    [[expected, other]] = assistant().engine.generate([tokenizer.encode(TEXT)], params, n=2)
    answer = client.completions.create(model="tiny", prompt=TEXT, seed=5, n=2)
    assert [c.text for c in answer.choices] == [tokenizer.decode(c.tokens) for c in (expected, other)]
    assert answer.usage.prompt_tokens == len(tokenizer.encode(TEXT))
    by_ids = client.completions.create(model="tiny", prompt=tokenizer.encode(TEXT), seed=5, n=2)
    assert by_ids.choices == answer.choices


def test_echo_scores_the_prompt_as_a_full_forward_does(client):
    """One continuation token and none; batches of ids; log p of every prompt token but the first."""
    model, tokenizer = assistant().model, toys.tokenizer()
    prompts = [tokenizer.encode(text) for text in (TEXT, "gold cat", "the sun in the wood")]
    request = {"model": "tiny", "prompt": prompts, "echo": True, "logprobs": 1, "temperature": 0}
    one = client.completions.create(**request, max_tokens=1)
    none = client.completions.create(**request, max_tokens=0)
    assert (one.usage.completion_tokens, none.usage.completion_tokens) == (3, 0)
    for choice, short, prompt in zip(one.choices, none.choices, prompts, strict=True):
        table = full_logits(model, prompt).detach().log_softmax(-1)
        expected = table[:-1].gather(1, torch.tensor(prompt[1:])[:, None]).squeeze(1).tolist()
        scores = choice.logprobs.token_logprobs
        assert scores[0] is None
        assert scores[1 : len(prompt)] == pytest.approx(expected, abs=1e-4)
        assert scores[len(prompt)] == pytest.approx(float(table[-1].max()), abs=1e-4)
        best = [max(top.values()) for top in choice.logprobs.top_logprobs[1 : len(prompt)]]
        assert best == pytest.approx(table[:-1].max(-1).values.tolist(), abs=1e-4)
        assert short.logprobs.token_logprobs == pytest.approx(scores[:-1], abs=1e-5)
        assert (short.text, short.finish_reason) == (tokenizer.decode(prompt), "length")
        assert choice.text.startswith(short.text)


def test_the_harness_reads_its_loglikelihoods(http):
    """`parse_logprobs` of lm-evaluation-harness' local-completions: a sum, and whether greedy would say the same."""
    engine, tokenizer = assistant().engine, toys.tokenizer()
    context = tokenizer.encode(TEXT)
    params = SamplingParams(4, temperature=0.0)
    [[greedy]] = engine.generate([context], params)
    worst = [(token + 1) % tokenizer.vocab_size for token in greedy.tokens]
    payload = {
        "prompt": [[*context, *greedy.tokens], [*context, *worst]],
        "model": "tiny",
        "max_tokens": 1,
        "logprobs": 1,
        "seed": 1234,
        "echo": True,
        "temperature": 0,
    }
    results = []
    choices = sorted(http.post("/v1/completions", json=payload).json()["choices"], key=itemgetter("index"))
    for choice in choices:
        scores = choice["logprobs"]["token_logprobs"][len(context) : -1]
        tops = choice["logprobs"]["top_logprobs"][len(context) : -1]
        results.append((sum(scores), all(s == max(top.values()) for s, top in zip(scores, tops, strict=True))))
    assert results[0] == (pytest.approx(sum(greedy.logprobs), abs=1e-4), True)
    assert results[1][0] < results[0][0]
    assert results[1][1] is False


def test_logprobs_lie_beside_the_text(client):
    request = {"model": "tiny", "prompt": TEXT, "seed": 2, "max_tokens": 30, "logprobs": 2}
    choice = client.completions.create(**request, echo=True).choices[0]
    lists = choice.logprobs
    assert len({len(lists.tokens), len(lists.token_logprobs), len(lists.top_logprobs), len(lists.text_offset)}) == 1
    assert lists.text_offset == sorted(lists.text_offset)
    for token, offset in zip(lists.tokens, lists.text_offset, strict=True):
        if not token.startswith("bytes:") and token not in toys.tokenizer().special:
            assert choice.text[offset:].startswith(token)
    for token, top in zip(lists.tokens[1:], lists.top_logprobs[1:], strict=True):
        assert token in top
        assert 2 <= len(top) <= 3


@pytest.mark.parametrize("echo", [False, True])
def test_a_stream_says_the_same(client, echo):
    request = {"model": "tiny", "prompt": [TEXT, "gold"], "seed": 2, "max_tokens": 20, "n": 2, "stop": ["e"]}
    request |= {"echo": True} if echo else {"logprobs": 1}
    whole = client.completions.create(**request)
    texts, offsets, ends = [""] * 4, [[] for _ in range(4)], [None] * 4
    options = {"include_usage": True}
    for chunk in client.completions.create(**request, stream=True, stream_options=options):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            ends[choice.index] = choice.finish_reason or ends[choice.index]
            offsets[choice.index] += choice.logprobs.text_offset if choice.logprobs else []
    assert texts == [choice.text for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert offsets == [choice.logprobs.text_offset if choice.logprobs else [] for choice in whole.choices]
    assert chunk.usage == whole.usage


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"prompt": []}, "prompt", "invalid_value"),
        ({"prompt": None}, "prompt", "invalid_type"),
        ({"prompt": [[]]}, "prompt", "invalid_type"),
        ({"prompt": [1, "a"]}, "prompt", "invalid_type"),
        ({"prompt": [True, 2]}, "prompt", "invalid_type"),
        ({"prompt": [10**6]}, "prompt", "invalid_value"),
        ({"prompt": [-1]}, "prompt", "invalid_value"),
        ({"prompt": [7] * CONTEXT}, "prompt", "context_length_exceeded"),
        ({"best_of": 3}, "best_of", "unsupported_value"),
        ({"suffix": "x"}, "suffix", "unsupported_parameter"),
        ({"logprobs": True}, "logprobs", "invalid_type"),
        ({"echo": True, "logprobs": 1, "stream": True}, "stream", "unsupported_value"),
        ({"prompt": ["a"] * 100, "n": 100}, None, None),
    ],
)
def test_mistakes(http, change, param, code):
    answer = http.post("/v1/completions", json={"model": "tiny", "prompt": "a"} | change)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("route", "body", "message"),
    [
        (
            "completions",
            {"prompt": ["a"] * 90, "n": 4},
            "asks for 360 answers; this server takes at most 272 at a time",
        ),
        ("completions", {"prompt": [[1]] * 300}, "asks for 300 answers"),
        ("embeddings", {"input": ["a"] * 2049}, "'input' holds 2049 texts; at most 2048 go"),
    ],
)
def test_too_many_texts_are_refused_unread(http, monkeypatch, route, body, message):
    monkeypatch.setattr(Tokenizer, "encode", lambda *_: pytest.fail("one was read"))
    answer = http.post(f"/v1/{route}", json={"model": "tiny"} | body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(("busy", "n", "status"), [(0, 128, 400), (270, 1, 429)])
def test_nothing_is_made_for_what_is_not_admitted(tiny, http, monkeypatch, busy, n, status):
    monkeypatch.setattr("mynah.server.generation.Writer", lambda *_: pytest.fail("a writer was made"))
    model = tiny.models.find("tiny")
    monkeypatch.setattr(model, "in_flight", busy)
    answer = http.post("/v1/completions", json={"model": "tiny", "prompt": ["a", "b", "c"], "n": n})
    assert answer.status_code == status
    assert model.in_flight == busy


def test_what_could_not_be_prepared_holds_no_place(tiny, http, monkeypatch):
    def fail(*_):
        raise RuntimeError("no memory")

    monkeypatch.setattr("mynah.server.generation.Writer", fail)
    assert http.post("/v1/completions", json={"model": "tiny", "prompt": "a"}).status_code == 500
    assert tiny.models.find("tiny").in_flight == 0


def test_an_empty_text_begins_a_document(client, recorded):
    client.completions.create(model="tiny", prompt="", max_tokens=1)
    assert recorded[-1].prompt == (toys.tokenizer().end_of_text,)


def test_models(client, http):
    assert [model.id for model in client.models.list()] == ["tiny", "other"]
    model = client.models.retrieve("other")
    assert (model.object, model.owned_by, model.max_model_len) == ("model", "mynah", CONTEXT)
    assert http.get("/v1/models/nobody").json()["error"]["code"] == "model_not_found"


def test_embeddings_are_mean_hidden_states_of_length_one(client, http):
    texts = [TEXT, "gold", "the sun " * 40]
    answer = client.embeddings.create(model="tiny", input=texts)
    model, tokenizer = assistant().model, toys.tokenizer()
    head = torch.linalg.pinv(model.head.float())
    for text, entry in zip(texts, answer.data, strict=True):
        made = torch.tensor(entry.embedding)
        hidden = full_logits(model, tokenizer.encode(text)) @ head.T  # width < vocabulary: the head can be undone
        assert made.norm() == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(made, torch.nn.functional.normalize(hidden.mean(0), dim=0), atol=1e-3, rtol=0)
    plain = http.post("/v1/embeddings", json={"model": "tiny", "input": tokenizer.encode(TEXT)}).json()
    assert plain["data"][0]["embedding"] == pytest.approx(answer.data[0].embedding, abs=1e-5)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(len(tokenizer.encode(text)) for text in texts)
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.embeddings.create(model="tiny", input=[7] * CONTEXT)
