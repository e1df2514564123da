"""Hugging Face transformers: model.generate, with the number format that is faster."""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from bench.contenders.line import Line


class Generation:
    def __init__(self, job: dict[str, Any]) -> None:
        self.folder, self.device = job["checkpoint"], torch.device(job["device"])
        self.models: dict[str, Any] = {}

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """`batch` prompts of `prompt` tokens, `new` tokens each: new tokens a second."""
        model = self._model(request["dtype"])
        ids = torch.randint(300, model.config.vocab_size, (request["batch"], request["prompt"])).to(self.device)

        def generate(new: int) -> None:
            model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                top_k=0,
                min_new_tokens=new,
                max_new_tokens=new,
            )

        with torch.inference_mode():
            generate(3)
            start = time.perf_counter()
            generate(request["new"])
            if self.device.type == "cuda":
                torch.cuda.synchronize()
        return {"figure": request["batch"] * request["new"] / (time.perf_counter() - start)}

    def _model(self, dtype: str) -> Any:
        if dtype not in self.models:
            model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=getattr(torch, dtype))
            self.models = {dtype: model.eval().to(self.device)}
        return self.models[dtype]


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Generation(line.job).measure)


if __name__ == "__main__":
    main()
