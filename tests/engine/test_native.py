"""decode.c and draw.c against PyTorch: the same logits but for the order of sums, the same draws; or nothing."""

import weakref

import pytest
import torch

from mynah.engine import native
from mynah.engine.engine import Engine
from mynah.engine.prefixes import Past
from mynah.engine.runner import Runner
from mynah.engine.sampler import row_keys, sample
from mynah.engine.scheduler import Request, Row
from mynah.engine.siblings import Kin, siblings
from mynah.model import native_layers
from mynah.model.lora import LoRA, adapted
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.native import compiled
from mynah.nouns import SamplingParams

pytestmark = pytest.mark.skipif(compiled.library("decode") is None, reason="no C compiler, or no AVX512-BF16")

LLAMA = {"vocab_size": 500, "width": 64, "layers": 3, "heads": 4, "kv_heads": 2, "head_width": 32, "ff_width": 96}
SHAPES = {
    "llama": {},
    "one kv head": {"kv_heads": 1},
    "three queries a head": {"heads": 6, "head_width": 64},
    "every head its own": {"kv_heads": 4},
    "wide heads": {"head_width": 128, "heads": 2, "kv_heads": 1},
    "odd vocabulary": {"vocab_size": 301},
    "half a pair of panels": {"width": 48, "ff_width": 112},
    "untied": {"tied": False},
    "qwen2": {"architecture": "qwen2"},
    "qwen3": {"architecture": "qwen3"},
    "smollm3": {"architecture": "smollm3", "nope_layers": (1,)},
    "biases": {"attention_bias": True},
}


@pytest.fixture(autouse=True)
def pytorch_all_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle must not lean on C itself: layers.c has its own tests."""
    monkeypatch.setattr(native_layers, "library", lambda name: None)


def model_of(**changes) -> Transformer:
    model = initialise(ModelConfig(**{**LLAMA, "context": 256, **changes}), 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():  # so that every part has a say, and none is 0 or 1
            if weight.ndim == 1:
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
            else:
                weight.mul_(4)
    return model.bfloat16()


def runners(model: Transformer, rows: int, int8: bool = False) -> tuple[Runner, Runner]:
    """PyTorch's and C's."""
    plain, fast = Runner(model, rows, 1024, int8), Runner(model, rows, 1024, int8)
    assert fast.native
    plain.native = False
    return plain, fast


def both(model: Transformer, rows: int, longest: int, int8: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits after one step over the same random cache: PyTorch's, and C's."""
    generator = torch.Generator().manual_seed(rows)
    positions = torch.randint(longest, (rows,), generator=generator)
    tokens = torch.randint(model.config.vocab_size, (rows,), generator=generator)
    answers, slabs = [], None
    with torch.inference_mode():
        for runner in runners(model, rows, int8):
            runner.cache.fit(longest, runner.cache.most_rows)
            slabs = slabs or [torch.randn(x.shape, generator=generator) / 2 for x in runner.cache.keys * 2]
            for slab, numbers in zip((*runner.cache.keys, *runner.cache.values), slabs, strict=True):
                slab.copy_(numbers)
            answers.append(runner.decode(tokens, positions).float())
    return answers[0], answers[1]


def alike(plain: torch.Tensor, fast: torch.Tensor) -> bool:
    """But for a few bf16 roundings that fall the other way."""
    plain, fast, spread = plain.float(), fast.float(), plain.float().std()
    assert spread > 0.1, "numbers that are all alike would prove nothing"
    off = (plain - fast).abs()
    return bool(off.max() < 0.12 * spread and off.mean() < 0.01 * spread)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rows", "longest"), [(1, 64), (7, 40), (23, 200)])
def test_a_step_has_pytorchs_logits(shape: str, rows: int, longest: int) -> None:
    assert alike(*both(model_of(**SHAPES[shape]), rows, longest))


@pytest.mark.parametrize("shape", SHAPES)
def test_prompts_are_read_as_by_pytorch(shape: str) -> None:
    """Ragged ones, more tokens than pass the panels together; then again with all but their ends known."""
    model = model_of(**{**SHAPES[shape], "context": 600})
    prompts = [[(7 * i + n) % model.config.vocab_size for i in range(n)] for n in (1, 63, 64, 65, 300, 130, 2)]
    with torch.inference_mode():
        plain, fast = (runner.prefill(prompts) for runner in runners(model, 8))
        assert alike(plain.hidden, fast.hidden)
        assert alike(plain.last, fast.last)
        for layer in range(model.config.layers):
            for held, other in zip(plain.rows, fast.rows, strict=True):
                for theirs, ours in ((plain.keys, fast.keys), (plain.values, fast.values)):
                    assert theirs[layer][held].shape == ours[layer][other].shape
                    assert torch.allclose(theirs[layer][held].float(), ours[layer][other].float(), atol=0.2, rtol=0.1)
        known = [
            Past(n, *([x[layer][held][:n] for layer in range(model.config.layers)] for x in (fast.keys, fast.values)))
            if (n := len(prompt) - 5) > 0
            else None
            for prompt, held in zip(prompts, fast.rows, strict=True)
        ]
        again = runners(model, 8)[1].prefill(prompts, known)
        assert torch.equal(again.last, fast.last), "what was known and what is new are read alike, to the bit"


def test_the_scratch_of_a_long_prompt_outlives_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not kept, but C must not be left with memory that was given back: that ended in a segmentation fault."""
    monkeypatch.setattr(native, "KEPT", 0)
    made: list[weakref.ref[torch.Tensor]] = []
    real_room = native.Native._room

    def room(self: native.Native, numbers: int) -> torch.Tensor:
        made.append(weakref.ref(scratch := real_room(self, numbers)))
        return scratch

    class Watched:
        def __init__(self, lib: object) -> None:
            self.lib, self.alive = lib, list[bool]()

        def __getattr__(self, name: str) -> object:
            return getattr(self.lib, name)

        def step(self, *arguments: object) -> int:
            self.alive.append(made[-1]() is not None)
            return self.lib.step(*arguments) if self.alive[-1] else 0

    monkeypatch.setattr(native.Native, "_room", room)
    _, runner = runners(model_of(), 2)
    c = runner._now.native
    monkeypatch.setattr(c, "_lib", watched := Watched(c._lib))
    with torch.inference_mode():
        runner.prefill([list(range(1, 100))])
    assert watched.alive
    assert all(watched.alive)


def test_no_token_sees_what_comes_after_it() -> None:
    model = model_of()
    prompt = list(range(1, 120))
    with torch.inference_mode():
        _, runner = runners(model, 2)
        whole, changed = runner.prefill([prompt]).hidden, runner.prefill([[*prompt[:70], *[9] * 49]]).hidden
    assert torch.equal(whole[:70], changed[:70])
    assert not torch.equal(whole[70:], changed[70:])


@pytest.mark.parametrize("int8", [False, True])
def test_a_prompt_goes_on_from_where_it_was_read_to_the_bit(int8: bool) -> None:
    """Token for token or at once, and the head's logits are the same in both."""
    engine = Engine(model_of(), rows=4, int8=int8)
    params = SamplingParams(40, seed=3)
    [[whole]] = engine.generate([[5, 6, 7]], params)
    begun = [5, 6, 7, *whole.tokens[:25]]
    [[rest]] = engine.generate([begun], SamplingParams(15, seed=3))
    assert rest.tokens == whole.tokens[25:]
    assert rest.logprobs == whole.logprobs[25:]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_in_8_bits_has_pytorchs_logits(shape: str) -> None:
    plain, fast = both(model_of(**SHAPES[shape]), 9, 100, int8=True)
    assert (plain - fast).abs().mean() < 0.02 * plain.std()
    exact, _ = both(model_of(**SHAPES[shape]), 9, 100)
    assert (plain - exact).abs().mean() > (plain - fast).abs().mean(), "8 bits differ from 16 more than C from PyTorch"


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("rows", [2, 3, 4, 5, 10, 11, 37])
def test_a_row_comes_out_the_same_alone_and_among_others(rows: int, int8: bool) -> None:
    model = model_of()
    with torch.inference_mode():
        many, one = Runner(model, rows, 256, int8), Runner(model, 1, 256, int8)
        for runner in (many, one):
            runner.cache.fit(128, runner.cache.most_rows)
        for slabs, alone in ((many.cache.keys, one.cache.keys), (many.cache.values, one.cache.values)):
            for slab, single in zip(slabs, alone, strict=True):
                slab.copy_(torch.randn(slab.shape))
                single.copy_(slab[-1:])
        tokens, positions = torch.arange(rows), torch.arange(rows) + 60
        together = many.decode(tokens, positions)
        assert torch.equal(together[-1:], one.decode(tokens[-1:], positions[-1:]))
        for slab, single in zip(many.cache.keys, one.cache.keys, strict=True):
            assert torch.equal(slab[-1:], single)


def test_siblings_read_their_prompt_once() -> None:
    """To the bit what each reads of its own copy; and it is the eldest's that is read, for theirs are spoilt."""
    model, prompts = model_of(context=600), (100, 40, 15, 77)  # the last is alone, and 15 tokens are no whole lane
    of_row = [0, 1, 2, 0, 3, 1, 1, 0, 2]
    eldest = [of_row.index(prompt) for prompt in of_row]
    order = sorted(range(9), key=eldest.__getitem__)
    kin = Kin(torch.tensor(order), torch.tensor(eldest), torch.tensor([prompts[i] for i in of_row]))
    with torch.inference_mode():
        runner = Runner(model, 9, 256)
        runner.cache.fit(128, 9)
        for slab in (*runner.cache.keys, *runner.cache.values):
            slab.copy_(torch.randn(slab.shape))
            for row, prompt in enumerate(of_row):
                slab[row, :, : prompts[prompt]] = slab[eldest[row], :, : prompts[prompt]]
        tokens, positions = torch.arange(9), torch.tensor([prompts[i] for i in of_row]) + torch.arange(9)
        each = runner.decode(tokens, positions)
        assert torch.equal(runner.decode(tokens, positions, kin), each)
        for slab in (*runner.cache.keys, *runner.cache.values):
            for row, prompt in enumerate(of_row):
                if eldest[row] != row:
                    slab[row, :, : prompts[prompt] // 16 * 16] = float("nan")
        assert torch.equal(runner.decode(tokens, positions, kin), each)
        assert runner.decode(tokens, positions).isnan().any()


def test_samples_of_a_prompt_are_what_each_would_be_alone() -> None:
    """Fifteen of three prompts in seven rows, which end one by one: the eldest's place is taken by others."""
    model, params = model_of(context=600), SamplingParams(60, seed=3, stop=tuple(range(5)))
    prompts = [[(7 * i + n) % 500 for i in range(n)] for n in (70, 33, 5)]
    together = Engine(model, rows=7).generate(prompts, params, n=5)
    assert len({len(one.tokens) for many in together for one in many}) > 5
    for i, (prompt, many) in enumerate(zip(prompts, together, strict=True)):
        for k, one in enumerate(many):
            assert [[one]] == Engine(model, rows=1).generate([prompt], params, first_sequence=5 * i + k)


def test_siblings_are_found_by_their_request() -> None:
    requests = [Request(i, (1,) * (10 + i), SamplingParams(9), n, 0) for i, n in enumerate((1, 3, 2))]
    a, b, c = requests
    assert siblings([Row(a, 0)]) is None
    kin = siblings([Row(b, 0), Row(c, 1), Row(a, 0), Row(b, 2), Row(c, 0)])
    assert kin is not None
    assert [x.tolist() for x in kin] == [[0, 3, 1, 4, 2], [0, 1, 2, 0, 1], [11, 12, 10, 11, 12]]


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("vocab", [17, 500, 4096])
def test_a_draw_is_the_samplers(temperature: float, vocab: int) -> None:
    rows = 400
    logits = (torch.randn(rows, vocab, generator=torch.Generator().manual_seed(vocab)) * 3).bfloat16()
    numbers = torch.stack([torch.full((rows,), 5), torch.arange(rows) - 9, torch.arange(rows) % 7])
    numbers[0, -3:] = torch.tensor([2**63 - 1, -(2**63), 0])
    keys = row_keys(*numbers)
    one = torch.ones(rows)
    tokens, logprobs, _ = sample(logits, keys, one * temperature, one.long() * 0, one, one * 0)
    drawn, scores = native.draw(logits, numbers, one * temperature)
    if temperature:
        assert torch.equal(tokens, drawn)
    else:  # of several that are as likely, C takes the first
        assert torch.equal(logits.float().amax(1), logits.float().gather(1, drawn[:, None])[:, 0])
        assert all((logits[i, : drawn[i]] < logits[i, drawn[i]]).all() for i in range(rows))
        return
    assert (logprobs - scores).abs().max() < 3e-6


def test_an_impossible_token_is_never_drawn() -> None:
    logits = torch.full((64, 40), float("-inf"), dtype=torch.bfloat16)
    logits[:, 33] = 1.0
    tokens, logprobs = native.draw(logits, torch.arange(3 * 64).view(3, 64), torch.ones(64))
    assert tokens.tolist() == [33] * 64
    assert logprobs.abs().max() < 1e-6


def test_what_c_does_not_do_is_left_to_pytorch() -> None:
    fine = model_of()
    assert native.runs(fine)
    assert not native.runs(adapted(fine, LoRA(rank=2), 0))
    assert not native.runs(model_of().float())
    assert not native.runs(model_of(head_width=16))
    assert not native.runs(model_of(architecture="gpt2", kv_heads=4, head_width=16))


@pytest.mark.parametrize("prompt", [[1, 500], [1, -1]])
def test_a_token_that_there_is_not_is_refused(prompt: list[int]) -> None:
    with pytest.raises(IndexError):
        Engine(model_of(), rows=2).generate([prompt], SamplingParams(3))
    with pytest.raises(IndexError):
        Engine(model_of(), rows=2).embed([[1] * 257])  # a position that there is not


def test_learning_goes_on_from_new_weights_after_refresh() -> None:
    model = model_of()
    engine, greedy = Engine(model, rows=4), SamplingParams(12, 0.0)
    [[before]] = engine.generate([[1, 2, 3]], greedy)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.flip(0))
    engine.refresh()
    [[after]] = engine.generate([[1, 2, 3]], greedy)
    [[anew]] = Engine(model, rows=4).generate([[1, 2, 3]], greedy)
    assert after.tokens == anew.tokens != before.tokens


@pytest.mark.parametrize("setting", [("MYNAH_NATIVE", "0"), ("CC", "false"), ("CC", "no-such-compiler")])
def test_without_a_compiler_pytorch_does_it_all(setting, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(*setting)
    compiled.library.cache_clear()
    try:
        assert compiled.library("decode") is None
        assert not Runner(model_of(), 2, 64).native
        [[answer]] = Engine(model_of(), rows=4).generate([[1, 2, 3]], SamplingParams(5))
        assert len(answer.tokens) == 5
    finally:
        monkeypatch.undo()
        compiled.library.cache_clear()
    assert not list(tmp_path.rglob("*.so"))
    assert compiled.library("decode") is not None


def test_a_bad_file_is_made_again_and_anothers_folder_is_not_trusted(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.library.cache_clear()
    try:
        assert compiled.library("decode") is not None
        [made] = tmp_path.rglob("*.so")
        copy = tmp_path / "elsewhere"  # a loaded file is not written to
        monkeypatch.setenv("XDG_CACHE_HOME", str(copy))
        (copy / "mynah").mkdir(parents=True, mode=0o700)
        (copy / "mynah" / made.name).write_bytes(b"no library")
        compiled.library.cache_clear()
        assert compiled.library("decode") is not None
        assert (copy / "mynah" / made.name).stat().st_size > 10_000
        (copy / "mynah").chmod(0o777)
        compiled.library.cache_clear()
        assert compiled.library("decode") is None
    finally:
        monkeypatch.undo()
        compiled.library.cache_clear()
