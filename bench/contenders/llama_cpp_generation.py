"""llama.cpp on a GGUF file of the same weights, through its own C functions: prompts in one pass each, then all rows
a step, sampled by its own sampler."""

from __future__ import annotations

import random
import time
from typing import Any

import llama_cpp

from bench.contenders.line import Line


class Generation:
    def __init__(self, job: dict[str, Any]) -> None:
        self.threads = job["threads"]
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(job["gguf"].encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {job['gguf']}")
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.rng = random.Random(0)

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """`batch` prompts of `prompt` tokens, `new` tokens each: new tokens a second."""
        rows, prompt, new = request["batch"], request["prompt"], request["new"]
        context = self._context(rows, prompt + new + 8)
        batch = llama_cpp.llama_batch_init(max(2048, rows), 0, 1)
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_dist(1))
        try:
            start = time.perf_counter()
            tokens = self._prefill(context, batch, chain, rows, prompt)
            for position in range(prompt, prompt + new - 1):
                self._decode(context, batch, [(token, position, row, True) for row, token in enumerate(tokens)])
                tokens = [llama_cpp.llama_sampler_sample(chain, context, row) for row in range(rows)]
            return {"figure": rows * new / (time.perf_counter() - start)}
        finally:
            llama_cpp.llama_sampler_free(chain)
            llama_cpp.llama_batch_free(batch)
            llama_cpp.llama_free(context)

    def _context(self, rows: int, length: int) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max = rows * length, rows
        params.n_batch = params.n_ubatch = 2048
        params.n_threads = params.n_threads_batch = self.threads
        return llama_cpp.llama_init_from_model(self.model, params)

    def _prefill(self, context: Any, batch: Any, chain: Any, rows: int, prompt: int) -> list[int]:
        """The first token of every row, its prompts read as many to a pass as go into one."""
        tokens: list[int] = []
        at_once = max(1, 2048 // prompt)
        for first in range(0, rows, at_once):
            some = range(first, min(rows, first + at_once))
            entries = [
                (self.rng.randrange(300, self.vocab_size), position, row, position == prompt - 1)
                for row in some
                for position in range(prompt)
            ]
            self._decode(context, batch, entries)
            ends = [(number + 1) * prompt - 1 for number in range(len(some))]
            tokens += [llama_cpp.llama_sampler_sample(chain, context, end) for end in ends]
        return tokens

    def _decode(self, context: Any, batch: Any, entries: list[tuple[int, int, int, bool]]) -> None:
        batch.n_tokens = len(entries)
        for i, (token, position, row, wanted) in enumerate(entries):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row
        status = llama_cpp.llama_decode(context, batch)
        if status:
            raise RuntimeError(f"llama_decode returned {status}")


def main() -> None:
    line = Line()
    line.serve(Generation(line.job).measure)


if __name__ == "__main__":
    main()
