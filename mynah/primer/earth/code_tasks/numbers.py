"""Tasks on one number that give a number: sums, bounds, prices, units."""

from __future__ import annotations

from collections.abc import Iterator

from mynah.primer.earth.code_tasks.names import BOUNDS, MEASURES, MIDDLE, NUM, NUMBER_WORDS, a, named
from mynah.primer.earth.code_tasks.task import Task, task

UNITS = (  # the larger unit, the smaller one, how many
    ("minutes", "seconds", 60), ("hours", "minutes", 60), ("days", "hours", 24), ("weeks", "days", 7),
    ("years", "months", 12), ("decades", "years", 10), ("centuries", "years", 100), ("metres", "centimetres", 100),
    ("kilometres", "metres", 1000), ("centimetres", "millimetres", 10), ("kilograms", "grams", 1000),
    ("tonnes", "kilograms", 1000), ("litres", "millilitres", 1000), ("feet", "inches", 12), ("yards", "feet", 3),
    ("pounds", "ounces", 16), ("dollars", "cents", 100), ("euros", "cents", 100), ("dozens", "pieces", 12),
)  # fmt: skip
GOODS = (("apples", 2), ("pears", 3), ("books", 12), ("tickets", 15), ("eggs", 1.5), ("stamps", 0.5), ("cakes", 8),
         ("chairs", 40), ("lamps", 25), ("pens", 4), ("shirts", 20), ("bikes", 300))  # fmt: skip


def add() -> Iterator[Task]:
    for n in (*MIDDLE, 13, 14, 25, 30):
        says = (
            f"*add {n} to a number",
            f"*return a number plus {n}",
            f"*take a number and *add {n} to it",
            f"*give back a number with {n} added to it",
            f"*make a number larger by {n}",
            f"*work out the sum of a number and {n}",
            f"*increase a number by {n}",
        )
        wrong = (f"return $num - {n}", f"return $num * {n}", f"return $num + {n + 1}", "return $num")
        tests = [((x,), x + n) for x in (0, 1, 9, -4)]
        yield task(f"add_{NUMBER_WORDS[n]}", "num", NUM, f"return $num + {n}", says, tests, wrong)


def subtract() -> Iterator[Task]:
    for n in (*MIDDLE, 14, 30):
        says = (
            f"*subtract {n} from a number",
            f"*return a number minus {n}",
            f"*take {n} away from a number",
            f"*give back a number with {n} taken away",
            f"*make a number smaller by {n}",
            f"*work out a number less {n}",
            f"*decrease a number by {n}",
        )
        wrong = (f"return $num + {n}", f"return {n} - $num", f"return $num - {n + 1}", f"return $num / {n}")
        tests = [((x,), x - n) for x in (0, 10, 25, -3)]
        yield task(f"subtract_{NUMBER_WORDS[n]}", "num", NUM, f"return $num - {n}", says, tests, wrong)


def multiply() -> Iterator[Task]:
    for n in (*MIDDLE, 13, 25):
        says = (
            f"*multiply a number by {n}",
            f"*return {n} times a number",
            f"*give the product of a number and {n}",
            f"*take a number and *multiply it by {n}",
            f"*make a number {n} times as large",
            f"*return a number times {n}",
            f"*work out {n} times a given number",
        )
        wrong = (f"return $num + {n}", f"return $num / {n}", f"return $num ** {n}", f"return $num * {n + 1}")
        tests = [((x,), x * n) for x in (1, 3, 10, -5)]
        yield task(f"multiply_by_{NUMBER_WORDS[n]}", "num", NUM, f"return $num * {n}", says, tests, wrong)


def divide() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 20, 50, 100):
        says = (
            f"*divide a number by {n}",
            f"*return a number divided by {n}",
            f"*split a number into {n} equal parts and *return one part",
            f"*take a number and *divide it by {n}",
            f"*give one part when a number is cut into {n} equal parts",
            f"*work out a number over {n}",
            f"*share a number equally among {n}",
        )
        wrong = (f"return $num * {n}", f"return {n} / $num", f"return $num - {n}", f"return $num // {n}")
        tests = [((x,), x / n) for x in (n, 3 * n, 1, 10 * n)]
        yield task(f"divide_by_{NUMBER_WORDS[n]}", "num", NUM, f"return $num / {n}", says, tests, wrong)


def remainder() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12):
        says = (
            f"*return the remainder of a number divided by {n}",
            f"*give what is left over after a number is divided by {n}",
            f"*divide a number by {n} and *give the remainder",
            f"*return what remains of a number after division by {n}",
            f"*take a number modulo {n}",
            f"*work out the rest when a number is divided by {n}",
            f"*find the remainder after a number is divided by {n}",
        )
        wrong = (f"return $num / {n}", f"return $num // {n}", f"return {n} % $num", f"return $num % {n + 1}")
        tests = [((x,), x % n) for x in (n, n + 1, 2 * n - 1, 3 * n)]
        yield task(f"remainder_by_{NUMBER_WORDS[n]}", "num", NUM, f"return $num % {n}", says, tests, wrong)


def power() -> Iterator[Task]:
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        says = (
            f"*raise a number to the power of {n}",
            f"*return a number to the power {n}",
            f"*take a number to the power {n}",
            f"*give the power {n} of a number",
            f"*take a number and *raise it to the power of {n}",
            f"*work out the power of a number with {n} as the exponent",
            f"*return a number raised to the power {n}",
        )
        wrong = (f"return $num * {n}", f"return {n} ** $num", f"return $num ** {n + 1}", f"return $num + {n}")
        tests = [((x,), x**n) for x in (0, 1, 3, 5)]
        yield task(f"power_of_{NUMBER_WORDS[n]}", "num", NUM, f"return $num ** {n}", says, tests, wrong)


def at_most() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*return a number, but never more than {n}",
            f"*return the smaller one of a number and {n}",
            f"*keep a number at {n} or less",
            f"*give back a number, but at most {n}",
            f"*cut a number down to {n} if it is larger",
            f"*make sure that a number is not above {n}",
            f"*limit a number to at most {n}",
        )
        wrong = (f"return max($num, {n})", f"return min($num, {n + 1})", f"return {n}", "return $num")
        tests = [((x,), min(x, n)) for x in (0, n - 1, n + 1, 5 * n)]
        yield task(f"at_most_{NUMBER_WORDS[n]}", "num", NUM, f"return min($num, {n})", says, tests, wrong)


def at_least() -> Iterator[Task]:
    for n in BOUNDS:
        says = (
            f"*return a number, but never less than {n}",
            f"*return the larger one of a number and {n}",
            f"*keep a number at {n} or more",
            f"*give back a number, but at least {n}",
            f"*lift a number to {n} if it is smaller",
            f"*make sure that a number is not below {n}",
            f"*bring a number up to at least {n}",
        )
        wrong = (f"return min($num, {n})", f"return max($num, {n + 1})", f"return {n}", "return $num")
        tests = [((x,), max(x, n)) for x in (0, n - 1, n + 1, 5 * n, n)]
        yield task(f"at_least_{NUMBER_WORDS[n]}", "num", NUM, f"return max($num, {n})", says, tests, wrong)


def double() -> Iterator[Task]:
    for noun in MEASURES:
        says = (
            f"*double {a(noun)}",
            f"*return twice {a(noun)}",
            f"*multiply {a(noun)} by 2",
            f"*give two times {a(noun)}",
            f"*make {a(noun)} twice as large",
            f"*take {a(noun)} and *double it",
            f"*work out twice the {noun}",
        )
        wrong = ("return $num + 2", "return $num / 2", "return $num ** 2", "return $num * 3")
        tests = [((x,), x * 2) for x in (1, 5, 12, 0)]
        yield task(f"double_{noun}", "num", named({"num": noun}, NUM), "return $num * 2", says, tests, wrong)


def half() -> Iterator[Task]:
    for noun in MEASURES:
        says = (
            f"*return half of {a(noun)}",
            f"*divide {a(noun)} by 2",
            f"*cut {a(noun)} in half",
            f"*give one half of {a(noun)}",
            f"*make {a(noun)} half as large",
            f"*take {a(noun)} and *halve it",
            f"*work out half of the {noun}",
        )
        wrong = ("return $num * 2", "return $num - 2", "return 2 / $num", "return $num / 3")
        tests = [((x,), x / 2) for x in (1, 6, 15, 100)]
        yield task(f"half_{noun}", "num", named({"num": noun}, NUM), "return $num / 2", says, tests, wrong)


def cost() -> Iterator[Task]:
    for goods, price in GOODS:
        says = (
            f"*return the cost of some {goods} at {price} dollars each",
            f"*give the price of a number of {goods} that cost {price} dollars each",
            f"*work out what a number of {goods} cost at {price} dollars each",
            f"*tell what to pay for {goods} when one costs {price} dollars",
            f"*find the price of some {goods} at {price} dollars apiece",
            f"*give the whole cost of {goods}, with {price} dollars for each",
            f"*work out the bill for some {goods} at {price} dollars each",
        )
        wrong = (f"return $num + {price}", f"return $num / {price}", f"return $num * {price + 1}", f"return {price}")
        names = named({"num": "count"}, ({"num": goods}, *NUM))
        tests = [((x,), x * price) for x in (0, 1, 4, 10)]
        yield task(f"cost_of_{goods}", "num", names, f"return $num * {price}", says, tests, wrong)


def units_down() -> Iterator[Task]:
    for large, small, n in UNITS:
        says = (
            f"*turn {large} into {small}",
            f"*convert {large} to {small}",
            f"*take a number of {large} and *return the {small}",
            f"*tell how many {small} are in a number of {large}",
            f"*change {large} to {small}",
            f"*give the number of {small} for some {large}",
            f"*return how many {small} some {large} have",
        )
        wrong = (f"return $num / {n}", f"return $num + {n}", f"return $num * {n * 10}", f"return $num - {n}")
        tests = [((x,), x * n) for x in (0, 1, 5, 12)]
        names = named({"num": large}, NUM)
        yield task(f"{large}_to_{small}", "num", names, f"return $num * {n}", says, tests, wrong)


def units_up() -> Iterator[Task]:
    for large, small, n in UNITS:
        says = (
            f"*turn {small} into {large}",
            f"*convert {small} to {large}",
            f"*take a number of {small} and *return the {large}",
            f"*tell how many {large} a number of {small} make",
            f"*change {small} to {large}",
            f"*give the number of {large} for some {small}",
            f"*return how many {large} some {small} make",
        )
        wrong = (f"return $num * {n}", f"return $num - {n}", f"return {n} / $num", f"return $num / {n * 10}")
        tests = [((x * n,), float(x)) for x in (1, 2, 5, 10)]
        names = named({"num": small}, NUM)
        yield task(f"{small}_to_{large}", "num", names, f"return $num / {n}", says, tests, wrong)


def temperature() -> Iterator[Task]:
    says = (
        "*turn degrees Celsius into Fahrenheit",
        "*convert Celsius to Fahrenheit",
        "*take a temperature in Celsius and *return it in Fahrenheit",
        "*give the Fahrenheit value of a temperature in Celsius",
        "*change a temperature from Celsius to Fahrenheit",
        "*return the degrees Fahrenheit for some degrees Celsius",
        "*work out Fahrenheit from Celsius",
    )
    names = named({"num": "celsius"}, ({"num": "degrees"}, {"num": "c"}, *NUM))
    wrong = ("return $num * 5 / 9 + 32", "return $num * 9 / 5 - 32", "return $num * 9 / 5", "return $num + 32")
    tests = [((x,), y) for x, y in ((0, 32.0), (100, 212.0), (20, 68.0), (-40, -40.0))]
    yield task("celsius_to_fahrenheit", "num", names, "return $num * 9 / 5 + 32", says, tests, wrong)


SHAPES = (
    add,
    subtract,
    multiply,
    divide,
    remainder,
    power,
    at_most,
    at_least,
    double,
    half,
    cost,
    units_down,
    units_up,
    temperature,
)
