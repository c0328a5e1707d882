import random
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.near_duplicates import (
    BANDING,
    GRAM,
    Banding,
    NearDuplicateIndex,
    choose_banding,
    jaccard,
    sketch,
    sketch_all,
)


@contextmanager
def no_room() -> Iterator[None]:
    """No file may be longer than one KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:  # before pytest prints: into a file that would fail too
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


WORDS = "use a lock here: another thread may read the buffer while we free it, please check".split()  # noqa: SIM905 - prose


def make_text(seed: int, words: int = 25) -> str:
    chooser = random.Random(seed)
    return " ".join(f"{chooser.choice(WORDS)}{chooser.randrange(50)}" for _ in range(words))


def edit(text: str, seed: int, changes: int) -> str:
    chooser, letters = random.Random(seed), list(text)
    for _ in range(changes):
        letters[chooser.randrange(len(letters))] = chooser.choice("xyz")
    return "".join(letters)


def exact(one: str, other: str) -> float:
    grams = [{text[at : at + GRAM] for at in range(len(text) - GRAM + 1)} for text in (one, other)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


@pytest.mark.parametrize("changes", [0, 1, 3, 8, 20])
def test_jaccard_is_that_of_the_character_5_grams(changes: int) -> None:
    one, other = make_text(1), edit(make_text(1), 2, changes)
    assert jaccard(sketch(one).shingles, sketch(other).shingles) == pytest.approx(exact(one, other), abs=1e-12)


def test_case_and_white_space_do_not_count() -> None:
    assert jaccard(sketch("Please  RENAME\r\n this").shingles, sketch("please rename this ").shingles) == 1.0


def test_texts_of_less_than_five_characters_equal_themselves_only() -> None:
    assert jaccard(sketch("nit").shingles, sketch("Nit").shingles) == 1.0
    assert jaccard(sketch("nit").shingles, sketch("nits").shingles) == 0.0
    assert len(sketch("").shingles) == 1


def test_characters_of_all_planes_and_lone_surrogates_have_a_sketch() -> None:
    assert len(sketch("\U0001f916\u2028\ud800 Größe 大小").shingles) > 3


def test_a_sketch_is_the_same_on_every_machine() -> None:
    one = sketch("Could this be a constant?")
    assert int(one.shingles[0]) == 337119123799496376
    assert one.bands[:2] == (-726953600619453039, -4029202548017847508)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    texts = [make_text(seed, 5) for seed in range(600)]
    assert [each.bands for each in sketch_all(iter(texts))] == [sketch(text).bands for text in texts]


@pytest.mark.slow
def test_finds_what_comparing_all_with_all_finds() -> None:
    texts = [edit(make_text(seed // 4), seed, seed % 9) for seed in range(200)]
    missed = wrong = found = 0
    with NearDuplicateIndex() as index:
        for at, text in enumerate(texts):
            key = index.find(sketch(text))
            near = [other for other in range(at) if exact(texts[other], text) >= 0.7]
            found += key is not None
            missed += bool(near) and key is None
            wrong += key is not None and int(key) not in near
            index.add(str(at), sketch(text))
    assert (missed, wrong) == (0, 0)
    assert 50 < found < 150


def test_what_one_banding_misses_another_finds() -> None:
    one, other = make_text(418, 12), edit(make_text(418, 12), 418, 3)
    assert jaccard(sketch(one).shingles, sketch(other).shingles) > 0.7
    for banding, expected in ((BANDING, None), (choose_banding(0.7, 1e-6, 1729), "one")):
        with NearDuplicateIndex() as index:
            index.add("one", sketch(one, banding))
            assert index.find(sketch(other, banding)) == expected


def test_the_chance_of_a_miss_is_that_of_the_bands() -> None:
    assert BANDING.miss(0.7) == pytest.approx(0.01, abs=2e-4)
    assert choose_banding(0.7, 1e-6, 1729) == Banding(51, 4, 1729)
    for similarity in (0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0):
        banding = choose_banding(similarity, 1e-6, 1)
        assert banding.miss(similarity) <= 1e-6
        assert banding.rows == 1 or banding.bands * banding.rows <= 256


def test_the_earliest_of_equal_ones_is_named() -> None:
    with NearDuplicateIndex() as index:
        for key in ("b", "a", "c"):
            index.add(key, sketch("The same words again and again."))
        assert index.find(sketch("the same words again and again.")) == "b"


def test_a_text_that_comes_again_and_again_is_kept_once(tmp_path: Path) -> None:
    """So that looking it up does not become slower each time."""
    with NearDuplicateIndex(tmp_path) as index:
        for at in range(50):
            index.add(str(at), sketch(f"{' ' * at}The same words again and again."))
        index.add("other", sketch("Other words."))
        assert len(index) == 2
        assert index.find(sketch("Other words.")) == "other"


def test_the_threshold_is_the_least_similarity_that_matches() -> None:
    one, other = make_text(3), edit(make_text(3), 4, 3)
    similarity = jaccard(sketch(one).shingles, sketch(other).shingles)
    for threshold, expected in ((similarity, "one"), (similarity + 1e-9, None)):
        with NearDuplicateIndex(threshold=threshold) as index:
            index.add("one", sketch(one))
            assert index.find(sketch(other)) == expected


def test_the_temporary_file_goes_with_the_index(tmp_path: Path) -> None:
    with NearDuplicateIndex(tmp_path) as index:
        index.add("one", sketch("some text"))
        assert list(tmp_path.rglob("*.sqlite"))
    assert not list(tmp_path.iterdir())


def test_no_room_for_the_tables_is_told_with_the_folder(tmp_path: Path) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    with pytest.raises(DataError) as caught, NearDuplicateIndex(tmp_path):
        raise full
    assert caught.value.what == f"Cannot keep temporary tables in {tmp_path}: database or disk is full."
    assert not list(tmp_path.iterdir())


def test_no_room_from_the_start_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught, no_room(), NearDuplicateIndex(tmp_path):
        pass
    assert str(tmp_path) in caught.value.what
    assert not list(tmp_path.iterdir())


def test_shingles_are_sorted_and_unique() -> None:
    shingles = sketch("aaaaaaaaaaaaaaaabbbbbbbbbbbbb").shingles
    assert np.all(shingles[1:] > shingles[:-1])
