"""A held-out set of made-up pull requests, and candidates of a quality that is chosen: what the gate is tried on.

Each hunk holds one call on a name of its own. Some calls have one of five faults, each with a verb of its own, and on
most of these a human has commented: naming the call, the fault and the remedy. So that to find the place is to know
faulty verbs, and to say the right thing is to name the call and the fault.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from evals.held_out import GoldComment, HeldOut, HeldOutSet, Key
from evals.loaded_run import LoadedRun, Sample
from evals.predictions import Anchors, Predicted, Prediction, Run, list_changed, list_hunks
from evals.score import Seen, Texts, score_run
from evals.scorecard import Scorecard
from evals.text_scorers import TokenScorer
from evals.training_pairs import TrainingPair
from reviewer.domain import Bundle, ChangedFile, Hunk, Line, ModelVersion, PullRequest

FAULTS = {
    "fetch": ("may return None here", "check it before the next line uses it"),
    "open": ("is never closed", "use a with block so that the descriptor is freed"),
    "index": ("runs one past the end", "stop one earlier"),
    "query": ("joins user input into SQL", "bind the value as a parameter"),
    "spawn": ("races with the other worker", "take the lock first"),
}
CLEAN = ("render", "format", "count", "parse", "sort", "trim", "encode")
PARTS = ("user", "order", "cache", "token", "route", "image", "mail", "queue", "theme", "ledger", "socket", "patch")
VAGUE = (
    "Have you thought about what happens to {name} in other cases?",
    "I would look at {name} again, it feels complicated.",
    "Could {name} get a test?",
    "Is there a reason that {name} was done this way and not another?",
    "Please explain {name} somewhere.",
)
ASIDES = [
    "anyone",
    "barely",
    "callers",
    "cheap",
    "deploys",
    "eventually",
    "finance",
    "gladly",
    "helped",
    "incident",
    "january",
    "kernel",
    "lately",
    "maybe",
    "nightly",
    "often",
    "people",
    "quietly",
    "rarely",
    "suddenly",
    "tests",
    "upgrade",
    "vendor",
    "weekly",
    "yesterday",
    "zones",
    "alert",
    "backlog",
    "customer",
    "dashboard",
    "early",
    "friday",
    "graphs",
    "hours",
    "invoice",
    "jobs",
    "kept",
    "laptop",
    "metrics",
    "network",
    "outage",
    "pager",
    "quota",
    "release",
    "staging",
    "traffic",
]
CONSTANT = "Can we remove this? I don't think we need this anymore."

Speak = Callable[[random.Random, Hunk, Line], str]


@dataclass(frozen=True)
class Synthetic:
    """A set and the training data of the same world."""

    held_out: HeldOutSet
    training: tuple[TrainingPair, ...]


@dataclass(frozen=True)
class Skill:
    """How good a candidate is. `finds` and `noise`: how likely it comments on a hunk that a human commented on, and on
    any other. `knows`: how likely it says the right thing and not something vague."""

    finds: float
    noise: float
    knows: float
    seconds: float = 10.0
    unreadable: float = 0.02


POOR = Skill(finds=0.25, noise=0.35, knows=0.25)
MEDIOCRE = Skill(finds=0.5, noise=0.25, knows=0.5)
GOOD = Skill(finds=0.85, noise=0.08, knows=0.85)


@cache
def make_set(size: int = 120, seed: int = 1, name: str = "made-up") -> Synthetic:
    """A set of so many pull requests; the same numbers give the same set, and a smaller one is its head."""
    held = tuple(_make_held(random.Random(f"{seed} {number}"), number) for number in range(1, size + 1))
    others = (_make_held(random.Random(f"{seed} training {number}"), 10_000 + number) for number in range(1, 61))
    training = tuple(
        TrainingPair("octo/past", held.key[1], gold.path, _show(held, gold), gold.body)
        for held in others
        for gold in held.gold
    )
    return Synthetic(HeldOutSet(name, held, f"revision-{seed}"), training)


def review(world: Synthetic, skill: Skill, seed: int = 0, speak: Speak | None = None) -> dict[Key, Prediction]:
    """What a candidate of this skill makes of the set. With `speak` it says that, at the places it would choose."""
    return {held.key: _review_one(held, skill, seed, speak) for held in world.held_out.pull_requests}


def comment_everywhere(world: Synthetic) -> dict[Key, Prediction]:
    """A comment on every changed line, each with words of its own."""
    return {
        held.key: _predict(
            held,
            [(hunk, line, 0.5, say_right(random.Random(0), hunk, line)) for _, hunk, line in list_changed(held)],
            [0.5] * len(list_hunks(held)),
        )
        for held in world.held_out.pull_requests
    }


def comment_never(world: Synthetic) -> dict[Key, Prediction]:
    """Silence."""
    return {held.key: _predict(held, [], [0.0] * len(list_hunks(held))) for held in world.held_out.pull_requests}


def say_right(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """What a human would say about the hunk's call, or make up about a clean one."""
    name, verb = _read_call(hunk)
    fault, remedy = FAULTS.get(verb) or rng.choice(list(FAULTS.values()))
    opening = rng.choice(("", "I think ", "Careful: ", "Hm, "))
    return f"{opening}{name} {fault}; {remedy}{rng.choice(('.', ', please.', ', as elsewhere.'))} {_say_aside(name)}"


def say_vague(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """Words that fit anything, around the name of the call."""
    name = _read_call(hunk)[0]
    return f"{rng.choice(VAGUE).format(name=name)} {_say_aside(f'vague {name}')}"


def say_constant(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """The sentence that beats the state of the art on BLEU."""
    return CONSTANT


def say_numbered(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """The same sentence behind the number of its line."""
    return f"Line {line.number}: {CONSTANT}"


def fill_in(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """One sentence with two names of the hunk in it, and no backtick."""
    name, verb = _read_call(hunk)
    other = name.removesuffix(verb) + rng.choice(CLEAN)
    return f"nit: I think we should use {name} here instead of {other}? Is this needed?"


def say_template(rng: random.Random, hunk: Hunk, line: Line) -> str:
    """Quotes the hunk's last line, and says the same."""
    return f"Is `{hunk.lines[-1].text.strip()}` needed here? I think we should simplify this."


def copy_nearest(training: Sequence[TrainingPair]) -> Speak:
    """Says what a human said on the training hunk that shares most words."""
    known = [(set(_words(pair.hunk)), pair.comment) for pair in training]

    def speak(rng: random.Random, hunk: Hunk, line: Line) -> str:
        words = set(_words("\n".join(line.text for line in hunk.lines)))
        return max(known, key=lambda one: (len(words & one[0]), one[1]))[1]

    return speak


def score(world: Synthetic, name: str, predictions: dict[Key, Prediction], kind: str = "reviewer") -> Scorecard:
    """The scorecard by the real scorers, with words in the place of BERTScore's vectors."""
    run = Run(name, kind, ModelVersion(name, "1"), world.held_out.name, glossator="1.0")
    sample = Sample(world.held_out, world.held_out.pull_requests)
    texts = Texts((TokenScorer("bertscore"),))
    return score_run(LoadedRun(Path(name), run, predictions), sample, texts, Seen(world.training))


def _make_held(rng: random.Random, number: int) -> HeldOut:
    files: list[ChangedFile] = []
    gold: list[GoldComment] = []
    for at in range(rng.choice((1, 1, 2, 3))):
        path = f"{rng.choice(PARTS)}_{at}.{rng.choice(('py', 'py', 'go'))}"
        hunks = tuple(_make_hunk(rng, path, 20 * place + 1) for place in range(rng.choice((1, 1, 2, 3))))
        files.append(ChangedFile(path, "modified", hunks))
        for hunk in hunks:
            if _read_call(hunk)[1] in FAULTS and rng.random() < 0.8:
                line = next(line for line in hunk.lines if line.kind == "+")
                identity = 1000 * number + len(gold)
                gold.append(GoldComment(identity, path, "RIGHT", line.number, None, say_right(rng, hunk, line)))
    pull = PullRequest("octo/demo", number, f"Change {number}", "", "ann", "b" * 40, "a" * 40, tuple(files))
    return HeldOut(Bundle(pull), tuple(gold), complete=True, created_at=f"2026-01-{number % 28 + 1:02}T00:00:00Z")


def _make_hunk(rng: random.Random, path: str, start: int) -> Hunk:
    verb = rng.choice((*FAULTS, *CLEAN, *CLEAN))
    name = f"{rng.choice(PARTS)}_{rng.choice(PARTS)}_{verb}"
    texts = [f"{rng.choice(PARTS)} = {rng.randrange(100)}" for _ in range(rng.randrange(2, 6))]
    added = [f"result = {name}({rng.choice(PARTS)})", *(f"    {text}" for text in texts[1:])]
    lines = [Line(" ", texts[0], start, start)]
    lines += [Line("+", text, None, start + at) for at, text in enumerate(added, 1)]
    return Hunk(path, "", start, start, tuple(lines))


def _review_one(held: HeldOut, skill: Skill, seed: int, speak: Speak | None) -> Prediction:
    rng = random.Random(f"{seed} {held.key}")
    places = {(gold.path, gold.line) for gold in held.gold}
    chosen, scores = [], []
    for hunk in list_hunks(held):
        lines = [line for line in hunk.lines if line.kind == "+"]
        right = [line for line in lines if (hunk.path, line.number) in places]
        wants = rng.random() < (skill.finds if right else skill.noise)
        line = right[0] if right and rng.random() < skill.finds else rng.choice(lines)
        says = speak or (say_right if rng.random() < skill.knows else say_vague)
        surety = rng.random() + wants
        scores.append(surety)
        if wants:
            chosen.append((hunk, line, surety / 2, says(rng, hunk, line)))
    asked = len(scores)
    unreadable = sum(rng.random() < skill.unreadable for _ in range(asked))
    found = _predict(held, chosen, scores, skill.seconds * rng.uniform(0.6, 1.4))
    return replace(found, asked=asked, unreadable=unreadable)


def _predict(
    held: HeldOut, chosen: Sequence[tuple[Hunk, Line, float, str]], scores: Sequence[float], seconds: float = 10.0
) -> Prediction:
    comments = [Predicted(hunk.path, line.side, line.number, None, body, sure) for hunk, line, sure, body in chosen]
    return Prediction(
        *held.key,
        held.digest,
        tuple(sorted(comments, key=lambda comment: -comment.score)),
        tuple(scores),
        tuple(scores[at] for at, _, _ in list_changed(held)),
        status="reviewed",
        asked=len(scores),
        anchors=Anchors(exact=len(comments) + 1),
        requests=len(scores),
        prompt_tokens=1000,
        completion_tokens=50,
        seconds=round(seconds, 3),
    )


def _say_aside(about: str) -> str:
    """A few words that are the same for the same call, and others for any other."""
    return " ".join(random.Random(about).sample(ASIDES, 9)).capitalize() + "."


def _read_call(hunk: Hunk) -> tuple[str, str]:
    """The name that the hunk calls, and its verb."""
    text = next(line.text for line in hunk.lines if line.kind == "+")
    name = text.removeprefix("result = ").partition("(")[0]
    return name, name.rpartition("_")[2]


def _show(held: HeldOut, gold: GoldComment) -> str:
    hunk = next(one for one in list_hunks(held) if any(line.number == gold.line for line in one.lines))
    return "\n".join(line.kind + line.text for line in hunk.lines)


def _words(text: str) -> list[str]:
    return text.replace("_", " ").replace("(", " ").replace(")", " ").split()
