"""python -m bench.roofline: results.json as a roofline picture and as the table of docs/performance.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.places import PAGE, PICTURE, RESULTS
from bench.shapes import SHAPES
from bench.table import aim
from mynah.files import read_json, write_text

WIDTH, HEIGHT, MARGIN = 720, 420, 56
INTENSITY = (0.5, 1000.0)
"""FLOPs a byte, from left to right."""
BEGIN, END = "<!-- results: made by python -m bench.roofline -->", "<!-- end of results -->"

PICTURED = "![Decoding below the roofline of memory and arithmetic](roofline.svg)"


def main() -> None:
    result = read_json(RESULTS)
    write_text(PICTURE, picture(result["machine"], result["rows"]))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    write_text(PAGE, f"{before}{BEGIN}\n\n{PICTURED}\n\n{table(result)}\n{END}{rest.partition(END)[2]}")


def table(result: Mapping[str, Any]) -> str:
    """Every row that was measured, and the machine that it was measured on."""
    machine = result["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['system']}, torch "
        f"{machine['torch']}; {machine['threads']} threads each. Ceilings: {machine['bfloat16_gflops']} GFLOP/s bf16, "
        f"{machine['float32_gflops']} in fp32, {machine['read_memory_gb']} GB/s. Training on {result['data']}."
        + (" **The machine was busy: no measurement.**" if machine["other_load"] > 0.1 else ""),
        "",
        "| work | model | batch | ours | rivals | ratio to the best | goal | of the limit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        least, most = row["ranges"]["mynah"]
        rivals = "<br>".join(f"{name} {value:g}" for name, value in row["rivals"].items())
        left_out = "<br>".join(f"{name}: left out" for name in row["left_out"])
        ratio = f"{row['ratio_to_best']:.2f}" if row["ratio_to_best"] else ""
        goal = f"{aim(row)}, {'met' if row['met'] else 'missed'}" if row["met"] is not None else ""
        if row["met"] is False and row["limit"] and row["goal"]:  # of rates
            goal += f"; it lies at {row['goal'] * max(row['rivals'].values()) / row['limit']:.0%} of the limit"
        limit = f"{row['fraction_of_limit']:.0%}" if row["limit"] else ""
        ours = f"{row['ours']:g} {row['unit']} ({least:g}–{most:g})"
        others = "<br>".join(filter(None, (rivals, left_out)))
        cells = (row["work"], row["model"], row["batch"], ours, others, ratio, goal, limit)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def points(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float]]:
    """(label, FLOPs a byte, GFLOP/s) of our decoding at each model and batch: a step reads weights and cache once."""
    found = []
    for row in rows:
        if not row["work"].startswith("generation, 64"):
            continue
        shape, batch, context = SHAPES[row["model"]], row["batch"], 96
        flops = shape.flops_per_token(context) * batch
        read = 2 * shape.parameters() + batch * context * shape.kv_bytes_per_token()
        # each new token stands for one prompt token too
        rate = row["ours"] * (shape.flops_per_token(context) + shape.flops_per_token(32)) / 1e9
        found.append((f"{row['model']} × {batch}", flops / read, rate))
    return found


def picture(machine: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """An SVG: the roof that memory and arithmetic make, and where decoding lies below it."""
    peak, rate = machine["bfloat16_gflops"], machine["read_memory_gb"]
    top = 10 ** math.ceil(math.log10(peak))

    def place(intensity: float, gflops: float) -> tuple[float, float]:
        across = math.log(intensity / INTENSITY[0]) / math.log(INTENSITY[1] / INTENSITY[0])
        up = math.log(max(gflops, 1.0)) / math.log(top)
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    def text(x: float, y: float, words: str, anchor: str = "start") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'

    corners = (place(INTENSITY[0], rate * INTENSITY[0]), place(peak / rate, peak), place(INTENSITY[1], peak))
    roof = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<polyline points="{roof}" fill="none" stroke="black" stroke-width="1.5"/>',
        text(corners[2][0], corners[2][1] - 8, f"{peak} GFLOP/s, bf16 products", "end"),
        text(corners[0][0] + 8, corners[0][1] - 14, f"{rate} GB/s, memory"),
        text(WIDTH / 2, HEIGHT - 12, "FLOPs a byte read", "middle"),
        text(MARGIN, 24, "GFLOP/s while generating, both scales logarithmic"),
    ]
    for label, intensity, gflops in points(rows):
        x, y = place(intensity, gflops)
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#1f6f54"/>', text(x + 7, y + 4, label)]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
