"""Could the model have seen the pull requests that it is judged on? Sentences, and an error for a sure leak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from evals.errors import EvalError
from evals.held_out import HeldOut, Key
from evals.scorecard import Origin
from evals.training_pairs import TrainingPair

_DAY = len("2026-01-31")


def list_origins(held: Sequence[HeldOut]) -> list[Origin]:
    """The repositories of the pull requests by name, and when these were made; dates are days, "" when not known."""
    days: dict[str, list[str]] = defaultdict(list)
    for one in held:
        days[one.key[0]].append(one.created_at[:_DAY])
    return [
        Origin(repo, min(known, default=""), max(known, default=""), len(found))
        for repo, found in sorted(days.items())
        for known in [[day for day in found if day]]
    ]


def check_leaks(held: Sequence[HeldOut], pairs: Sequence[TrainingPair]) -> None:
    """Refuse training pairs from the pull requests that are held out.

    Raises:
        EvalError: There are such. Names of repositories count without their case, as GitHub's do.
    """
    trained = {_fold(pair.key) for pair in pairs}
    leaked = [one.key for one in held if _fold(one.key) in trained]
    if leaked:
        repo, number = leaked[0]
        many = f"{len(leaked)} held-out pull requests are in the training pairs too, such as {repo}#{number}."
        one = f"1 held-out pull request is in the training pairs too: {repo}#{number}."
        raise EvalError(
            many if len(leaked) > 1 else one, "Take the pairs from the training split alone: glossator-train split."
        )


def list_trained(held: Sequence[HeldOut], pairs: Sequence[TrainingPair]) -> frozenset[str]:
    """The repositories of these pull requests that the training pairs hold too, as the pull requests name them."""
    trained = {pair.repo.lower() for pair in pairs}
    return frozenset(one.key[0] for one in held if one.key[0].lower() in trained)


def note_contamination(
    held: Sequence[HeldOut], pairs: Sequence[TrainingPair] | None = None, released: str = ""
) -> Iterator[str]:
    """Sentences on what the model may have seen.

    Args:
        held: The pull requests that it is judged on.
        pairs: What it learned from; None when this is not known.
        released: The day on which the model that it is made of came out, as `2024-11-12`; empty when not known.
    """
    origins = list_origins(held)
    first = min((origin.first for origin in origins if origin.first), default="")
    last = max((origin.last for origin in origins), default="")
    if not first:
        yield "When the pull requests were made is not known, so the model may have seen them."
    elif released:
        before = sum(one.created_at[:_DAY] < released for one in held)
        yield (
            f"{before} of {len(held)} pull requests were made before the model came out ({released}, or on an unknown "
            "day): it may have seen them with their reviews."
        )
    else:
        yield (
            f"The pull requests were made from {first} to {last}. A model whose own training data reach beyond {first} "
            "may have seen them with their reviews."
        )
    for origin in origins if pairs is not None else ():
        yield from _note_repository(origin, pairs or ())


def _note_repository(origin: Origin, pairs: Sequence[TrainingPair]) -> Iterator[str]:
    days = [pair.created_at[:_DAY] for pair in pairs if pair.repo.lower() == origin.repo.lower()]
    if not days:
        return
    last = max(days)
    told = f"The training pairs hold {len(days)} comments of {origin.repo}"
    if not last or not origin.first:
        yield f"{told}, of days that are not known."
    elif last >= origin.first:
        yield f"{told}, the last of {last}, and the first pull request here is of {origin.first}: their times overlap."
    else:
        yield f"{told}, all from before the first pull request here ({origin.first}): it knows the repository."


def _fold(key: Key) -> Key:
    return (key[0].lower(), key[1])
