"""Inline SVG charts for the report: pure functions from numbers to markup, no script, no external request.

Colours come from the page's style sheet by class, so one drawing serves light and dark. Each chart has an accessible
title, and each point shows its values in the browser's own tooltip (`<title>`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from mynah.evals.report_words import figure_text, percent

Point = tuple[float, float]

POOLED_POINTS = 160
"""A curve of more points is averaged to this many: a chart is some 300 pixels wide, and the page must stay light."""
HOVER_COLUMNS = 40


@dataclass(frozen=True)
class Bucket:
    """Neighbouring points of a curve drawn as one: their mean, and the range that they span."""

    x: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Plane:
    """Data coordinates to pixels."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    width: int = 320
    height: int = 168
    left: int = 44
    right: int = 12
    top: int = 10
    bottom: int = 34

    def x(self, value: float) -> float:
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return round(self.left + share * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 1)


def ticks(low: float, high: float, count: int = 4, whole: bool = False) -> list[float]:
    """Round values inside [low, high], `count` of them or so."""
    raw = (high - low) / max(count, 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= raw * 0.999)
    if whole:
        step = max(1.0, step)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """One form for all labels of an axis: the same number of decimals, or thousands, or powers of ten."""
    step = min((b - a for a, b in pairwise(values)), default=abs(values[0]) if values else 1) or 1
    if step >= 1000:
        return ["0" if value == 0 else f"{value / 1000:g}k" for value in values]
    if step < 0.001:
        return ["0" if value == 0 else f"{value:.2g}".replace("e-0", "e-") for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in values]


def line_chart(series: Mapping[str, Sequence[Point]], title: str, unit: str = "", x_name: str = "step") -> Markup:
    """Curves over one horizontal axis, with the last value of each in the caption. Empty where there is no point."""
    curves = {name: pool(points) for name, points in series.items()}
    curves = {name: buckets for name, buckets in curves.items() if buckets}
    if not curves:
        return Markup("")
    everything = [bucket for buckets in curves.values() for bucket in buckets]
    x_low, x_high = _widen(min(b.x for b in everything), max(b.x for b in everything), padding=0)
    y_low, y_high = _widen(min(b.low for b in everything), max(b.high for b in everything))
    plane = Plane(x_low, x_high, y_low, y_high)
    whole = all(bucket.x == int(bucket.x) for bucket in everything)
    drawing = [_axes(plane, x_name, whole_x=whole)]
    for number, buckets in enumerate(curves.values(), 1):
        drawing.append(_curve(plane, buckets, number))
    drawing.append(_hover(plane, curves, x_name))
    last = {name: points[-1][1] for name, points in series.items() if name in curves}
    said = "; ".join(f"{name} from {figure_text(series[name][0][1])} to {figure_text(v)}" for name, v in last.items())
    caption = Markup("").join(
        Markup('<span class="key s{}">{}<b>{}</b></span>').format(n, name if len(last) > 1 else "", figure_text(value))
        for n, (name, value) in enumerate(last.items(), 1)
    )
    return _figure(plane, drawing, title, unit, caption, said=f"{title} by {x_name}: {said}")


def frontier_chart(
    points: Sequence[tuple[float, float, str]], title: str, hue: int = 1, mark_highest: bool = False
) -> Markup:
    """A training run as a path over √KL: each point is (√KL, value, label), in training order."""
    if not points:
        return Markup("")
    x_low, x_high = _widen(min(0.0, *(x for x, _, _ in points)), max(x for x, _, _ in points), padding=0)
    y_low, y_high = _widen(min(y for _, y, _ in points), max(y for _, y, _ in points), padding=0.18)
    plane = Plane(x_low, x_high + 0.04 * (x_high - x_low), y_low, y_high, height=210)
    path = " ".join(f"{plane.x(x)},{plane.y(y)}" for x, y, _ in points)
    drawing = [
        _axes(plane, "√KL from the reference policy"),
        Markup('<polyline class="s{} line" points="{}"/>').format(hue, path),
    ]
    for x, y, label in points:
        tooltip = f"{label or title}: {figure_text(y)} at √KL {figure_text(x)}"
        circle = '<circle class="s{} dot" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>'
        drawing.append(Markup(circle).format(hue, plane.x(x), plane.y(y), tooltip))
    highest = max(points, key=lambda point: point[1])
    if mark_highest and len(points) > 1:
        drawing.append(_highest(plane, highest[0], highest[1]))
    said = f"{title} against √KL, {len(points)} points, highest {figure_text(highest[1])} at {figure_text(highest[0])}"
    caption = Markup('<span class="key s{}">last <b>{}</b></span>').format(hue, figure_text(points[-1][1]))
    return _figure(plane, drawing, title, "", caption, said)


def calibration_chart(points: Sequence[tuple[float, float, int]]) -> Markup:
    """Points (predicted, observed, n): on the diagonal the model means what it says. Dots grow with n."""
    if not points:
        return Markup("")
    values = [value for predicted, observed, _ in points for value in (predicted, observed)]
    low, high = _widen(math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10, padding=0)
    plane = Plane(low, high, low, high, height=290)
    corner = [plane.x(low), plane.y(low), plane.x(high), plane.y(high)]
    diagonal = '<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>'
    drawing = [_axes(plane, "predicted by the reward model"), Markup(diagonal).format(*corner)]
    most = max(n for *_, n in points) or 1
    for predicted, observed, n in points:
        radius = round(3 + 6 * math.sqrt(max(n, 0) / most), 1)
        tooltip = f"predicted {percent(predicted)}, observed {percent(observed)}, n = {n}"
        circle = '<circle class="s1 bubble" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
        drawing.append(Markup(circle).format(plane.x(predicted), plane.y(observed), radius, tooltip))
    said = f"Calibration: {len(points)} groups of pairs, predicted share against observed share"
    return _figure(plane, drawing, "Calibration", "share preferred, observed", Markup(""), said)


def interval_track(
    value: float,
    low: float | None = None,
    high: float | None = None,
    *,
    start: float = 0.0,
    end: float = 1.0,
    fill_from: float | None = None,
    mark: float | None = None,
    label: str = "",
) -> Markup:
    """One value as a dot on a track with its interval; `fill_from` draws a bar to the dot, `mark` a line to hold it to.

    The drawing stretches with its cell (strokes do not), so it fits a table, a phone, and a wide page alike.
    """

    def place(number: float) -> float:
        return round(100 * min(1.0, max(0.0, (number - start) / (end - start))), 2)

    parts = [Markup('<path class="rail" d="M0 8H100"/>')]
    if fill_from is not None:
        parts.append(Markup('<path class="fill" d="M{} 8H{}"/>').format(place(fill_from), place(value)))
    if low is not None and high is not None:
        parts.append(Markup('<path class="whisker" d="M{} 8H{}"/>').format(place(low), place(high)))
    if mark is not None:
        parts.append(Markup('<path class="mark" d="M{} 0V16"/>').format(place(mark)))
    parts.append(Markup('<path class="point" d="M{} 8h.01"/>').format(place(value)))
    return _stretched("track", 16, label, parts)


def split_bar(rate: float, low: float | None, high: float | None, label: str) -> Markup:
    """One whole cut in two at `rate`, with the interval as a lighter band over the cut and a line at the half."""
    cut = round(100 * rate, 2)
    parts = [Markup('<rect class="ours" width="{}" height="20"/>').format(cut)]
    parts.append(Markup('<rect class="theirs" x="{}" width="{}" height="20"/>').format(cut, round(100 - cut, 2)))
    if low is not None and high is not None:
        band = '<rect class="band" x="{}" width="{}" height="20"/>'
        parts.append(Markup(band).format(round(100 * low, 2), round(100 * (high - low), 2)))
    parts.append(Markup('<path class="cut" d="M{} 0V20"/><path class="half" d="M50 -5V25"/>').format(cut))
    return _stretched("split", 20, label, parts)


def pool(points: Sequence[Point], most: int = POOLED_POINTS) -> list[Bucket]:
    """At most `most` buckets of equal count, in the points' order."""
    size = math.ceil(len(points) / most) if points else 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        Bucket(
            group[-1][0],
            math.fsum(y for _, y in group) / len(group),
            min(y for _, y in group),
            max(y for _, y in group),
        )
        for group in groups
    ]


def _widen(low: float, high: float, padding: float = 0.06) -> tuple[float, float]:
    """A range with air around it, and never an empty one (a constant curve still needs a scale)."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) * 0.5 or 1.0
        return low - room, high + room
    return low - padding * (high - low), high + padding * (high - low)


def _figure(plane: Plane, drawing: Sequence[Markup], title: str, unit: str, caption: Markup, said: str) -> Markup:
    """A drawing under its caption; `said` is what a screen reader and a resting pointer get."""
    svg = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>').format(
        plane.width, plane.height, said, said, Markup("").join(drawing)
    )
    small = Markup(" <small>{}</small>").format(unit) if unit else ""
    heading = Markup("<strong>{}{}</strong>").format(title, small)
    return Markup("<figure><figcaption>{}<span>{}</span></figcaption>{}</figure>").format(heading, caption, svg)


def _stretched(css: str, height: int, said: str, parts: Sequence[Markup]) -> Markup:
    """A drawing in percent of its cell's width."""
    opening = '<svg class="{}" viewBox="0 0 100 {}" preserveAspectRatio="none" role="img" aria-label="{}">'
    head = Markup(opening + "<title>{}</title>").format(css, height, said, said)
    return head + Markup("").join(parts) + Markup("</svg>")


def _axes(plane: Plane, x_name: str, whole_x: bool = False) -> Markup:
    parts = []
    y_values = ticks(plane.y_low, plane.y_high, count=4)
    for value, text in zip(y_values, tick_labels(y_values), strict=True):
        y = plane.y(value)
        grid = '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        parts.append(Markup(grid).format(plane.left, plane.width - plane.right, y, y))
        label = '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
        parts.append(Markup(label).format(plane.left - 6, round(y + 3.5, 1), text))
    x_values = ticks(plane.x_low, plane.x_high, whole=whole_x)
    for value, text in zip(x_values, tick_labels(x_values), strict=True):
        # A label centred on the very edge would be cut off.
        anchor = "end" if plane.x(value) > plane.width - plane.right - 8 else "middle"
        label = '<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>'
        parts.append(Markup(label).format(plane.x(value), plane.height - plane.bottom + 14, anchor, text))
    name = '<text class="tick name" x="{}" y="{}" text-anchor="middle">{}</text>'
    parts.append(Markup(name).format((plane.left + plane.width - plane.right) / 2, plane.height - 6, x_name))
    return Markup("").join(parts)


def _curve(plane: Plane, buckets: Sequence[Bucket], number: int) -> Markup:
    """The line of means, and behind it the band that pooled points span."""
    parts = []
    if any(bucket.low < bucket.high for bucket in buckets):
        above = [f"{plane.x(b.x)},{plane.y(b.high)}" for b in buckets]
        below = [f"{plane.x(b.x)},{plane.y(b.low)}" for b in reversed(buckets)]
        parts.append(Markup('<polygon class="s{} band" points="{}"/>').format(number, " ".join(above + below)))
    path = " ".join(f"{plane.x(b.x)},{plane.y(b.mean)}" for b in buckets)
    parts.append(Markup('<polyline class="s{} line" points="{}"/>').format(number, path))
    if len(buckets) <= 3:
        for bucket in buckets:
            dot = '<circle class="s{} dot" cx="{}" cy="{}" r="3.5"/>'
            parts.append(Markup(dot).format(number, plane.x(bucket.x), plane.y(bucket.mean)))
    return Markup("").join(parts)


def _hover(plane: Plane, curves: Mapping[str, Sequence[Bucket]], x_name: str) -> Markup:
    """Invisible columns that tell the values beneath them."""
    longest = max(curves.values(), key=len)
    stride = math.ceil(len(longest) / HOVER_COLUMNS)
    chosen = longest[::stride]
    middles = [(plane.x(a.x) + plane.x(b.x)) / 2 for a, b in pairwise(chosen)]
    edges = [plane.left, *middles, plane.width - plane.right]
    parts = []
    for bucket, (left, right) in zip(chosen, pairwise(edges), strict=True):
        nearest = {name: min(buckets, key=lambda b: abs(b.x - bucket.x)) for name, buckets in curves.items()}
        said = ", ".join(f"{name} {figure_text(found.mean)}" for name, found in nearest.items())
        column = '<rect class="hover" x="{}" y="{}" width="{}" height="{}"><title>{} {}: {}</title></rect>'
        height = plane.height - plane.top - plane.bottom
        width = round(max(0.0, right - left), 1)
        parts.append(Markup(column).format(round(left, 1), plane.top, width, height, x_name, f"{bucket.x:g}", said))
    return Markup("").join(parts)


def _highest(plane: Plane, x: float, y: float) -> Markup:
    """A ring and a word at the highest point, the word on the side that has room."""
    anchor = "start" if plane.x(x) < plane.width * 0.25 else "end" if plane.x(x) > plane.width * 0.75 else "middle"
    ring = Markup('<circle class="ring" cx="{}" cy="{}" r="7"/>').format(plane.x(x), plane.y(y))
    word = '<text class="tick strong" x="{}" y="{}" text-anchor="{}">highest</text>'
    return ring + Markup(word).format(plane.x(x), round(plane.y(y) - 12, 1), anchor)
