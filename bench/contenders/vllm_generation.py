"""vLLM's CPU build: batches, and ragged rollouts with a budget a sample."""

from __future__ import annotations

import os
import random
import time
from typing import Any

os.environ |= {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # engine and caller in one process: no messages between them
    "VLLM_CPU_KVCACHE_SPACE": "4",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}

from vllm import LLM, SamplingParams

from bench.contenders.line import Line


class Generation:
    def __init__(self, job: dict[str, Any]) -> None:
        self.llm = LLM(
            model=job["checkpoint"],
            dtype="bfloat16",
            max_model_len=1024,
            max_num_seqs=128,
            block_size=job.get("cached_blocks_of"),
            enable_prefix_caching="cached_blocks_of" in job,
            disable_log_stats=True,
        )
        self.vocab_size = self.llm.llm_engine.model_config.get_vocab_size()
        self.rng = random.Random(0)

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """New tokens a second."""
        if request["do"] == "ragged":
            rows = request["budgets"]
            # one request a sample, since samples of one request share one budget; the prefix cache computes the
            # prompt once where it is asked to
            prompts = [prompt for row in rows for prompt in [self._prompt(request["prompt"])] * len(row)]
            budgets = [budget for row in rows for budget in row]
        else:
            prompts = [self._prompt(request["prompt"]) for _ in range(request["batch"])]
            budgets = [request["new"]] * request["batch"]
        self._generate(prompts[: request["batch"]], [3] * min(len(prompts), request["batch"]))
        start = time.perf_counter()
        self._generate(prompts, budgets)
        return {"figure": sum(budgets) / (time.perf_counter() - start)}

    def _generate(self, prompts: list[dict[str, list[int]]], budgets: list[int]) -> None:
        params = [
            SamplingParams(temperature=1.0, max_tokens=budget, min_tokens=budget, ignore_eos=True, detokenize=False)
            for budget in budgets
        ]
        made = self.llm.generate(prompts, params, use_tqdm=False)
        assert [len(one.outputs[0].token_ids) for one in made] == budgets

    def _prompt(self, length: int) -> dict[str, list[int]]:
        return {"prompt_token_ids": [self.rng.randrange(300, self.vocab_size) for _ in range(length)]}


def main() -> None:
    line = Line()
    line.serve(Generation(line.job).measure)


if __name__ == "__main__":
    main()
