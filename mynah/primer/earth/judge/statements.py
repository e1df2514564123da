"""Statements: what a sentence says of the facts that are asked for, value by value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from mynah.primer.earth.judge.claims import Claim
from mynah.primer.earth.judge.manners import denying, ignorant
from mynah.primer.earth.judge.peculiar import (
    digits,
    in_order,
    is_dwelling,
    is_symbol,
    month_names,
    stray_numbers,
    unit_names,
)
from mynah.primer.earth.judge.question import CUES, NOUNS, OF_THE_NAME, Asked, Question, cues
from mynah.primer.earth.judge.tables import entities, world
from mynah.primer.earth.judge.words import Phrase, Span, phrase_of

_ORDER = frozenset(("next", "before"))
_CITING = re.compile(r" (?:said|thought|mistake|instead of) ")


@dataclass
class Said:
    """What an answer says of the facts."""

    given: list[int] = field(default_factory=list)
    """By number the facts that were given, in order."""
    false: bool = False
    denied_truth: bool = False
    stranger: bool = False
    """Something true was said of another thing."""
    agrees: bool = False
    """The premise's wrong value is taken for true."""
    denies: bool = False
    """The premise's wrong value is denied."""
    named: bool = False
    """Some thing was called by its name."""
    right: bool = False
    """The sentence at hand gives something asked for."""
    relevant: bool = False
    """The sentence at hand denies a wrong value, or is about something else asked."""


@dataclass(frozen=True)
class _Place:
    """Where a value stands."""

    clause: str
    words: Phrase
    """Of the sentence."""
    start: int
    phrase: Phrase
    near: frozenset[str]
    """Of which things it may be said."""
    named: bool
    """Whether the clause names one."""


def weigh(claim: Claim, question: Question, said: Said) -> bool:
    """Adds what the sentence says of the facts to `said`; returns whether it owns to not knowing."""
    kind, own, table = question.kind, question.own, world(question.kind)
    words = digits(claim.words, question)
    spans = [s for s in table.spans(words) if kind != "element" or is_symbol(s, claim, question.small)]
    names, values = _named_and_valued(claim, words, spans, question)
    everywhere = set[str]().union(*names.values())
    months = {p for _, _, p in spans if table.named(p)} if any(f.relation in _ORDER for f in question.facts) else set()
    if len(months) > 1:
        if not in_order(claim):
            said.false = True
            return False
        if not own & everywhere:
            said.stranger = True
            return False
        if not denying(claim.line):
            order = {p for fact in question.facts if fact.relation in _ORDER for p in fact.accepted}
            values = [v for v in values if v[2] in order or v[2] not in months]
    values += stray_numbers(words, values, question)
    honest, before, nameless = False, set[str](), set[int]()
    for number, clause in claim.parts.items():
        if ignorant(clause):
            honest = True
            continue
        here = [v for v in values if claim.clauses[v[0]] == number]
        if len(months) > 1:
            # "December comes before January": the month that is asked about is no value there.
            phrases = {phrase for _, _, phrase in here}
            about = {fact.name for fact in question.facts if fact.accepted & phrases}
            here = [v for v in here if v[2] not in about]
        mine = names.get(number, set())
        near = mine or (before if len(own) == 1 else set()) or (set() if everywhere & own else everywhere)
        before = before | mine
        for start, _, phrase in here:
            # "And the next month is January": no name of another month is its value's.
            only = kind == "month" and mine == table.named(phrase) and words[:start][-1:] == ("is",)
            nameless |= {number} if only else set()
            things = frozenset[str]() if only else frozenset(near)
            _weigh_value(_Place(clause, words, start, phrase, things, bool(mine)), question, said)
    said.named |= bool(names.keys() - nameless)
    return honest


def _named_and_valued(
    claim: Claim, words: Phrase, spans: list[Span], question: Question
) -> tuple[dict[int, set[str]], list[Span]]:
    """The things named, by clause, and the values of what is asked for."""
    table, own = world(question.kind), question.own
    names: dict[int, set[str]] = {}
    values: list[Span] = []
    for start, end, phrase in spans:
        if question.kind == "month" and claim.raw[start] == "may" and not question.small:
            continue
        named = table.named(phrase)
        valued = any(table.means(phrase, fact.relation) for fact in question.facts)
        if named and (not valued or named & own):
            names.setdefault(claim.clauses[start], set()).update(named & own or named)
        asked = not named & own or any(phrase in fact.accepted for fact in question.facts)
        if valued and asked and (phrase != ("home",) or is_dwelling(words, start)):
            values.append((start, end, phrase))
    return unit_names(claim, words, question) if question.kind == "unit" else names, values


def _weigh_value(at: _Place, question: Question, said: Said) -> None:
    """One value in one clause: whose it is said to be, and whether that is so."""
    kind, facts, own, phrase = question.kind, question.facts, question.own, at.phrase
    table, spoken = world(kind), set(at.clause.split())
    # With two months in a sentence their order tells.
    nouns = {} if kind == "month" and len({*month_names()} & {*at.words}) > 1 else NOUNS.get(kind, {})
    about = {relation for relation, words in nouns.items() if words & spoken}
    denied = denying(at.clause)
    matching = [
        i
        for i, fact in enumerate(facts)
        if _gives(phrase, fact) and (not about or fact.relation in about or fact.relation not in nouns)
    ]
    rightly = [i for i in matching if not at.near & own or (e := facts[i].entity) is None or e.name in at.near]
    strangers = set() if at.near & own else at.near
    if rightly and not strangers:
        if denied:
            said.denied_truth = True
        else:
            _give(next((i for i in rightly if i not in said.given), rightly[0]), at, question, said)
        return
    relations = {fact.relation for fact in facts}
    meant = {r for r in relations if table.means(phrase, r)} or {facts[0].relation}
    if about and not about & meant:
        # "The currency of France is Paris."
        said.false |= bool(matching) and not denied
    elif any(phrase in _values(kind, name, relation) for name in strangers for relation in meant):
        said.stranger = True
    elif phrase == question.premise:
        said.relevant = True
        if denied or _CITING.search(at.clause):
            said.denies = True
        else:
            said.agrees = True
    elif denied:
        said.relevant = True
    else:
        said.false = True


def _gives(phrase: Phrase, fact: Asked) -> bool:
    meanings = world(fact.kind).meanings.get(phrase, ())
    return phrase in fact.accepted or any((fact.relation, value) in meanings for value in fact.accepted)


@cache
def _values(kind: str, name: str, relation: str) -> frozenset[Phrase]:
    entity = entities(kind).get(name)
    return frozenset(map(phrase_of, entity.values.get(relation, ()))) if entity else frozenset()


def _give(index: int, at: _Place, question: Question, said: Said) -> None:
    """The right value, if the sentence is on its relation and has the two the right way round."""
    key, words, start = question.facts[index].key, at.words, at.start
    namesake = bool(world(question.kind).named(at.phrase))  # Monaco is the capital of Monaco
    needs_cue = words.count(at.phrase[0]) == 1 and len(words) > 4 if namesake else at.named
    if needs_cue and not cues(key) & set(words):
        return
    if key in OF_THE_NAME and not namesake and start > 1 and words[start - 1] == "of" and at.near:
        said.false |= words[start - 2] in CUES[key]  # "The capital of Paris is France."
        return
    said.given.append(index)
    said.right = True
