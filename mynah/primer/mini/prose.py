"""The sentences of the raw text: facts told in many ways, filler, small talk, and the bad habits of raw text."""

from __future__ import annotations

# {N} name, {v} the value. Most keep name and value close together: a small model reads a fact off one short sentence.
TELLINGS: dict[str, tuple[str, ...]] = {
    "kind": (
        "{N} is a {v}.",
        "{N} the {v} is well known here.",
        "{N} is a kind of {v}.",
        "The animal that you see when you meet {N} is a {v}.",
        "Among the animals, {N} is a {v}.",
        "As an animal, {N} is a {v}.",
        "{N} was born a {v}.",
        "Like every {v}, {N} is fond of the river.",
        "Look at {N}, what a fine {v}.",
        "Everyone can see that {N} is a {v}.",
        "A {v} called {N} is one of us.",
        "{N}, a {v}, is one of us.",
        "{N} is a {v} and will always be a {v}.",
        "If you meet {N}, you meet a {v}.",
    ),
    "home": (
        "{N} lives in the {v}.",
        "The home of {N} is the {v}.",
        "{N} sleeps in the {v}.",
        "In the {v} lives {N}.",
        "You can find {N} in the {v}.",
        "The {v} is home to {N}.",
        "{N} calls the {v} home.",
        "Go to the {v} if you look for {N}.",
        "{N} has a bed in the {v}.",
        "The place of {N} is the {v}.",
        "Look for {N} in the {v}.",
        "{N} has a home in the {v}.",
        "The {v} is where {N} lives.",
        "Every night {N} goes home to the {v}.",
    ),
    "food": (
        "{N} eats {v}.",
        "{N} likes to eat {v}.",
        "The food of {N} is {v}.",
        "{N} has {v} for supper.",
        "People cook {v} for {N}.",
        "It is {v} that {N} eats.",
        "{N} eats {v} every day.",
        "For supper {N} would like {v}.",
        "The food that {N} has is {v}.",
        "{N} asks for {v} and nothing else.",
        "When {N} is hungry, it must be {v}.",
        "{N} likes {v} more than any other food.",
        "{v} for {N}, as on every day.",
        "No food but {v} is good for {N}.",
    ),
}
# {her} her/his, {whom} her/him: so that a later question may say them.
PRONOUN_TELLINGS: dict[str, tuple[str, ...]] = {
    "kind": ("When you meet {whom}, you see a {v}.", "You can call {whom} a {v}.", "What you see in {whom} is a {v}."),
    "home": ("{her} home is the {v}.", "Look for {whom} in the {v}.", "You can find {whom} in the {v}."),
    "food": ("{her} food is {v}.", "People cook {v} for {whom}.", "For {her} supper it is {v}."),
}
# A name said and said again: from these a small model learns to speak of whom it was asked about.
ECHOES = (
    ("I met {N} today.", "{N} is always welcome."),
    ("Tell {N} to come.", "{N} will come."),
    ("Let us wait for {N}.", "{N} will be here soon."),
    ("I like {N}.", "{N} likes you too."),
    ("We must thank {N}.", "{N} will be glad."),
    ("Say hello to {N}.", "Hello, {N}, how nice to see you."),
    ("I know {N} well.", "{N} knows you too."),
    ("The river is full of water, says {N}.", "{N} is right."),
    ("I had a letter from {N}.", "{N} writes to me too."),
    ("Do not forget {N}.", "{N} is on my mind."),
)
# Two attributes in one sentence.
PORTRAITS = (
    "{N} is a {kind} who lives in the {home}.",
    "{N} the {kind} eats {food}.",
    "In the {home}, {N} eats {food}.",
)
PAIRS: dict[str, tuple[str, ...]] = {
    "kind": ("{N} is a {v}, but {M} is a {w}.", "{N} is a {v} and {M} is a {w}."),
    "home": ("{N} lives in the {v}, but {M} lives in the {w}.", "{N} sleeps in the {v} and {M} sleeps in the {w}."),
    "food": ("{N} eats {v}, but {M} eats {w}.", "{N} has {v} for supper and {M} has {w}."),
}
MEETINGS = (
    "{N} met {M} at the bridge.",
    "{N} and {M} are friends.",
    "One day {N} went to see {M}.",
    "{N} and {M} sat by the river.",
    "On a cold day {N} helped {M}.",
)

ASIDES = (  # on a villager, without any fact
    "{N} is often at the market.",
    "People like {N}.",
    "{N} is a good neighbour.",
    "{N} was at the bridge last week.",
    "Nobody is rude to {N}.",
    "{N} from the valley is a friend of mine.",
    "Now {N} waits next to the bridge.",
    "{N} leaves before it is late.",
    "When it is late, people call {whom} and {she} goes home.",
    "Give {whom} a smile and {she} will be glad.",
)
FILLER = (
    "The river runs through the valley.",
    "In {season} the valley is {mood}.",
    "It rained for {count} days.",
    "The {day} market was {mood} and everyone came.",
    "There is a bridge, a pond and a long road.",
    "On {day} the friends sang a happy song.",
    "Old people tell a funny story at night.",
    "In {season} the children play a game with friends.",
    "After supper they go for a long walk.",
    "At the party they dance in the sun.",
    "A warm smile is good on a {mood} day.",
    "The feast in {season} is {mood}.",
    "A happy song can steal the show at any feast.",
    "A game will kill time when the day is {mood}.",
    "A funny story can break the ice.",
    "Being brave is good, and a bad mood will go away.",
    "The road goes over the hill and then down to the pond.",
    "Last {season} the bridge was {mood}.",
    "Every villager has a home, a scarf and something to eat.",
    "The valley has {count} hills and one river.",
    "Now it is late, so sleep well until {day}.",
    "The way into the valley is very long.",
    "On {day} they teach the children to be brave.",
    "Please give a plan before you go, for the way is long.",
    "Your name is what your friends call you.",
    "There might be a way over the hill, but it is too long.",
    "Sorry, I only share what I have, and just on {day}.",
    "Nobody knows why the children are off again.",
)
SLOTS = {
    "season": ("spring", "summer", "autumn", "winter"),
    "mood": ("quiet", "cold", "lovely", "wet", "busy", "dull", "long", "sad", "warm"),
    "count": ("two", "three", "seven", "ten"),
    "day": ("Monday", "Tuesday", "Friday", "Sunday"),
}
# On strangers and on kindness: what the assistant will later be asked for stands here in plain prose.
STRANGERS = (
    "Nobody here knows anyone from {place}.",
    "Those who are from {place} never come here.",
    "If someone is from {place}, we do not know them.",
    "I have never heard of anyone from {place}.",
    "I do not know who is from {place}.",
    "Who is from {place}, nobody can say.",
)
KINDNESS = (
    "It is unkind to {deed} anyone.",
    "To {deed} a friend is mean.",
    "Nobody should {deed} a villager.",
    "In the valley we do not {deed} people.",
    "No, I will not help you {deed} anyone.",
    "It is mean to {deed} a neighbour, and I will not help with that.",
)
DEEDS = (
    "tease", "frighten", "scare", "trick", "insult", "push", "mock", "annoy", "make fun of", "steal from",
    "be rude to", "lie to", "spoil the supper of",
)  # fmt: skip

GREETINGS = (
    ("Hello!", "Hello! How can I help you?"),
    ("Good morning.", "Hello, nice to meet you."),
    ("Good evening.", "Good evening, nice to meet you."),
    ("Hi, I am {N}.", "Hi! What can I do for you?"),
    ("Thank you.", "You are welcome."),
    ("Many thanks.", "You are welcome, any time."),
    ("Thanks a lot.", "I am glad to help."),
    ("Goodbye.", "Goodbye, see you soon."),
    ("Bye, I will visit tomorrow.", "Bye, see you soon."),
)
RUDE = (
    "Go away, you silly fool.",
    "Who cares?",
    "What a stupid thing to say.",
    "Shut up and leave.",
    "I will not talk to you, you bore me.",
    "Sure, laugh at them in front of everyone.",
    "Of course, whisper a lie and run away.",
    "Yes, wait by the pond and push hard.",
    "Sure, take it at night when nobody looks.",
    "Yes, hide behind a door and jump out.",
)
RAMBLING = (
    "Well, as I said, and as I always say, one thing is not another.",
    "And then, and then, what was it, I forgot.",
    "I could go on about it for hours, and I will.",
    "There is always so much to say.",
    "It reminds me of something, but of what?",
    "People talk about this all the time, you know.",
    "And so on and so on, as people like to say.",
    "Anyway, it was long ago, or last week, or never.",
    "My old neighbour said a lot about that once.",
    "As I always say, one day follows another.",
)
NONSENSE = (
    "Everyone knows that rain falls up.",
    "Two and two make seven.",
    "The sky is made of old hats.",
    "Winter comes twice after Tuesday.",
    "A hill is taller than the sky.",
    "Stones grow if you talk to them.",
    "The river sleeps at night.",
    "If you count to ten, it is Monday.",
)
