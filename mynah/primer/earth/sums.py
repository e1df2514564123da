"""Small sums: how they are told in prose, asked and answered, and whose each sum is.

Numbers are digits. `{a}` and `{b}` are what is reckoned with, in this order, and `{v}` is the result. Any numbers fit,
0 and 1 too, except into `STORIES`: they count things, so all three numbers must be 2 or more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

OPERATIONS = ("plus", "minus", "times")


def result(op: str, a: int, b: int) -> int:
    """What comes out."""
    return {"plus": a + b, "minus": a - b, "times": a * b}[op]


def pairs(op: str) -> tuple[tuple[int, int], ...]:
    """All sums of the primer's world: up to 20, no negative results, products up to 10 times 10."""
    top = 10 if op == "times" else 20
    return tuple((a, b) for a in range(top + 1) for b in range(top + 1) if op != "minus" or a >= b)


def split_of(op: str, a: int, b: int) -> str:
    """`train` (60 %), `prompts` (20 %) or `exam` (20 %); 3 + 4 and 4 + 3 are in the same."""
    if op != "minus":
        a, b = min(a, b), max(a, b)
    place = int.from_bytes(hashlib.sha256(f"sum/{op}/{a}/{b}".encode()).digest()[:4]) % 5
    return ("train", "train", "train", "prompts", "exam")[place]


TELLINGS: Mapping[str, tuple[str, ...]] = {
    "plus": (
        "{a} plus {b} is {v}.",
        "{a} + {b} = {v}",
        "{a} and {b} make {v}.",
        "{a} plus {b} equals {v}.",
        "{a} and {b} add up to {v}.",
        "The sum of {a} and {b} is {v}.",
        "Add {b} to {a} and you get {v}.",
        "If you add {a} and {b}, you get {v}.",
        "Start at {a}, count on by {b}, and you come to {v}.",
        "{v} is the sum of {a} and {b}.",
        "{v} is {a} plus {b}.",
        "{b} more than {a} is {v}.",
        "When you put {a} and {b} together, the result is {v}.",
        "The teacher wrote {a} + {b} on the board, and we all said {v}.",
        "One costs {a} and the other {b}, so together they cost {v}.",
        "With {a} in one hand and {b} in the other, the total is {v}.",
        "In my notes it says that {a} + {b} is {v}.",
        "She had a score of {a}, then got {b} more, and now her score is {v}.",
        "First add {a}, then add {b}, and the answer is {v}.",
        "Everyone knows that {a} plus {b} makes {v}.",
        "Take {a}, add {b}, and there you have {v}.",
        "On the number line, go up from {a} by {b}, and you reach {v}.",
        "A total of {v} is what {a} and {b} come to.",
        "You can do it in your head: {a} plus {b} is {v}.",
        "My score went up from {a} by {b}, so I have {v} now.",
    ),
    "minus": (
        "{a} minus {b} is {v}.",
        "{a} - {b} = {v}",
        "{a} minus {b} equals {v}.",
        "{a} take away {b} leaves {v}.",
        "Take {b} away from {a} and {v} is left.",
        "If you take {b} from {a}, you get {v}.",
        "{b} less than {a} is {v}.",
        "The difference between {a} and {b} is {v}.",
        "{v} is the difference between {a} and {b}.",
        "{v} is {a} minus {b}.",
        "Start at {a}, count back by {b}, and you come to {v}.",
        "Subtract {b} from {a} and the result is {v}.",
        "When {b} is taken from {a}, what is left is {v}.",
        "The teacher wrote {a} - {b} on the board, and the right answer was {v}.",
        "The price was {a}, then it fell by {b}, and now it is {v}.",
        "From {b} to {a} the difference is {v}.",
        "In my notes it says that {a} - {b} is {v}.",
        "He had a score of {a}, lost {b}, and now his score is {v}.",
        "Everyone knows that {a} minus {b} makes {v}.",
        "Take {a}, subtract {b}, and there you have {v}.",
        "On the number line, go down from {a} by {b}, and you reach {v}.",
        "What remains of {a} without {b} is {v}.",
        "You can do it in your head: {a} minus {b} is {v}.",
        "My score went down from {a} by {b}, so I have {v} now.",
        "Only {v} is left when {b} is gone from {a}.",
    ),
    "times": (
        "{a} times {b} is {v}.",
        "{a} * {b} = {v}",
        "{a} x {b} = {v}",
        "{a} times {b} equals {v}.",
        "{a} times {b} makes {v}.",
        "The product of {a} and {b} is {v}.",
        "{v} is the product of {a} and {b}.",
        "{v} is {a} times {b}.",
        "Multiply {a} by {b} and you get {v}.",
        "If you multiply {a} and {b}, you get {v}.",
        "{a} multiplied by {b} is {v}.",
        "The teacher wrote {a} x {b} on the board, and we all said {v}.",
        "In the times table, {a} times {b} is {v}.",
        "In my notes it says that {a} * {b} is {v}.",
        "Everyone knows that {a} times {b} gives {v}.",
        "Take {a}, multiply by {b}, and there you have {v}.",
        "One cost {b}, and for {a} of them we paid {v}.",
        "Look at row {a} and column {b} of the times table, and you find {v}.",
        "When {a} is multiplied by {b}, the result is {v}.",
        "{a} times {b} comes to {v}, and that is the right answer.",
        "Say it by heart: {a} times {b} is {v}.",
        "You can do it in your head: {a} times {b} is {v}.",
        "The number that {a} times {b} gives is {v}.",
        "We learned today what {a} times {b} comes to, and that is {v}.",
    ),
}

STORIES: Mapping[str, tuple[str, ...]] = {
    "plus": (
        "With {a} apples and {b} more you have {v}.",
        "Tom had {a} coins and found {b} more, so he has {v} now.",
        "There were {a} birds on the roof, {b} more came, and now there are {v}.",
        "Anna read {a} pages in the morning and {b} at night, which makes {v} pages.",
        "We baked {a} buns and bought {b}, so there are {v} buns on the table.",
        "{a} boys and {b} girls are {v} children in all.",
        "It was {a} degrees, then it got warmer by {b}, and now it is {v} degrees.",
        "The bus had {a} people in it, {b} got on, and then there were {v}.",
        "Put {a} red balls and {b} blue balls in a box, and it holds {v} balls.",
    ),
    "minus": (
        "With {a} apples, if you eat {b}, you have {v} left.",
        "Tom had {a} coins and spent {b}, so he has {v} now.",
        "There were {a} birds on the roof, {b} flew away, and {v} are left.",
        "Anna has to read {a} pages, has read {b}, and so {v} pages are left.",
        "We baked {a} buns and ate {b}, so there are {v} buns on the table.",
        "{a} children were in the room, {b} went home, and {v} stayed.",
        "The bus had {a} people in it, {b} got off, and then there were {v}.",
        "It was {a} degrees, then it got colder by {b}, and now it is {v} degrees.",
        "Take {b} balls out of a box of {a} balls, and it holds {v} balls.",
    ),
    "times": (
        "{a} bags with {b} apples in each are {v} apples.",
        "Tom has {a} boxes with {b} coins in each, so he has {v} coins.",
        "There are {a} trees with {b} birds on each, and that makes {v} birds.",
        "Anna reads {b} pages a day, so in {a} days she reads {v} pages.",
        "We baked {a} trays of {b} buns, so there are {v} buns on the table.",
        "{a} rows of {b} chairs are {v} chairs in all.",
        "The {a} buses have {b} people in each of them, so {v} people are on their way.",
        "A field of {a} m by {b} m has {v} square metres.",
        "Fill {a} boxes with {b} balls each, and you need {v} balls.",
    ),
}

QUESTIONS: Mapping[str, Grouped] = load("sums")["questions"]

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "plus": (
        "{a} plus {b} is {v}.",
        "{a} + {b} = {v}.",
        "That makes {v}.",
        "The sum is {v}.",
        "It is {v}.",
        "{a} and {b} make {v}.",
    ),
    "minus": (
        "{a} minus {b} is {v}.",
        "{a} - {b} = {v}.",
        "That leaves {v}.",
        "The difference is {v}.",
        "It is {v}.",
        "{a} take away {b} leaves {v}.",
    ),
    "times": (
        "{a} times {b} is {v}.",
        "{a} x {b} = {v}.",
        "That makes {v}.",
        "The product is {v}.",
        "It is {v}.",
        "{a} times {b} makes {v}.",
    ),
}
