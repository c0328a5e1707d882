"""The filter as a stage: who is left out, in which order, and that nearly the same words stay once."""

import json
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reviewer.errors import UsageError
from training.aligned import ALIGNED_SCHEMA, Aligned, AlignedComment
from training.commands.filter import command
from training.errors import DataError
from training.filter import FilterParams, Policy, filter_pull_request, filter_snapshots
from training.filter_counts import load_counts, render_counts
from training.filtered import FILTERED_SCHEMA, Filtered, FilterReason
from training.opt_out import OptOut
from training.params import load_params
from training.records import encode, read_records, save_records
from training.snapshot import Snapshot, SnapshotComment, hash_name
from training.stage import Told
from training.store import SnapshotStore

GOOD = "Please free `buffer` before this return, otherwise it leaks."


def comment(id_: int, body: str = GOOD, **fields: Any) -> SnapshotComment:
    made = SnapshotComment(id_, "a.c", body, created_at=f"2020-01-01T00:00:{id_:02}Z", author="user-0000000001")
    return replace(made, diff_hunk="@@ -1 +1 @@\n+return 1;", **fields)


def pull(*comments: SnapshotComment, number: int = 1, **fields: Any) -> Snapshot:
    made = Snapshot("octo/demo", number, author="user-000000000a", license="MIT", comments=comments)
    return replace(made, **fields)


def place(snapshot: Snapshot) -> Aligned:
    comments = tuple(AlignedComment(each.id, each.in_reply_to or each.id, "exact") for each in snapshot.comments)
    return Aligned(snapshot.repo, snapshot.number, comments)


def decide(snapshot: Snapshot, policy: Policy | None = None) -> Filtered:
    return filter_pull_request(snapshot, place(snapshot), policy=policy or Policy())


def reason_of(made: SnapshotComment, policy: Policy | None = None) -> str:
    return decide(pull(made), policy).comments[0].reason


def lay_out(folder: Path, *pulls: Snapshot) -> SnapshotStore:
    store = SnapshotStore(folder / "snapshots")
    for snapshot in pulls:
        store.save(snapshot)
    save_records(folder / "aligned", ALIGNED_SCHEMA, [encode(place(snapshot)) for snapshot in pulls])
    return store


def run(folder: Path, *pulls: Snapshot, params: FilterParams | None = None) -> dict[int, str]:
    store = lay_out(folder, *pulls)
    policy = Policy(params or FilterParams())
    filter_snapshots(store, folder / "aligned", folder / "filtered", policy, Told(), jobs=1)
    records = [raw.read() for raw in read_records(folder / "filtered", FILTERED_SCHEMA, Filtered)]
    return {each.id: each.reason for record in records for each in record.comments}


def test_a_good_comment_is_kept_with_its_text() -> None:
    kept = decide(pull(comment(1, GOOD + "\r\nThanks @bob-k"))).comments[0]
    assert kept.reason == ""
    assert kept.body == f"{GOOD}\nThanks @{hash_name('bob-k')}"
    assert kept.removed == {"mention": 1}
    assert kept.quality > 0.7


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (comment(1, author_type="Bot"), FilterReason.BOT),
        (comment(1, ai_suspected=True), FilterReason.AGENT),
        (comment(1, author="user-000000000a"), FilterReason.OWN),
        (comment(2, in_reply_to=1), FilterReason.REPLY),
        (comment(1, "👍"), FilterReason.TOO_SHORT),
        (comment(1, "indentation"), FilterReason.TOO_SHORT),
        (comment(1, GOOD * 100), FilterReason.TOO_LONG),
        (comment(1, "Why this change?"), FilterReason.LOW_QUALITY),
        (comment(1, "Thanks, nice catch!"), FilterReason.ACKNOWLEDGEMENT),
    ],
)
def test_each_drop_has_its_reason(made: SnapshotComment, reason: str) -> None:
    dropped = decide(pull(made)).comments[0]
    assert (dropped.reason, dropped.body) == (reason, "")


OURS = FilterParams(associations=("OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"))


@pytest.mark.parametrize("association", ["NONE", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN"])
def test_a_strangers_comment_teaches_nothing_where_ours_count(association: str) -> None:
    made = comment(1, author_association=association)
    dropped = decide(pull(made), Policy(OURS)).comments[0]
    assert (dropped.reason, dropped.detail, dropped.body) == (FilterReason.OUTSIDER, association, "")
    assert reason_of(made) == reason_of(made, Policy(FilterParams(associations=()))) == ""


@pytest.mark.parametrize("association", ["OWNER", "CONTRIBUTOR", ""])
def test_who_is_ours_or_not_known_is_kept(association: str) -> None:
    assert reason_of(comment(1, author_association=association), Policy(OURS)) == ""


def test_outsiders_are_counted_like_the_others(tmp_path: Path) -> None:
    assert run(tmp_path, pull(comment(1, author_association="NONE")), params=OURS) == {1: FilterReason.OUTSIDER}
    counts = load_counts(tmp_path / "filtered")
    assert (counts.kept, counts.reasons["outsider"]) == (0, 1)
    assert "associations" in render_counts(counts)


@pytest.mark.parametrize("value", ["[OWNERS]", "all", "[any]", "owner"])
def test_an_association_that_github_does_not_know_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "params.yaml").write_text(f"filter: {{associations: {value}}}\n")
    with pytest.raises(UsageError, match="associations"):
        load_params(tmp_path / "params.yaml", "filter", FilterParams)


def test_the_first_reason_that_holds_is_given() -> None:
    assert reason_of(comment(1, "Thanks!", author_type="Bot", in_reply_to=7)) == FilterReason.BOT


@pytest.mark.parametrize("standing", ["file", "unplaced"])
def test_a_comment_on_no_line_is_left_out(standing: str) -> None:
    snapshot = pull(comment(1))
    aligned = Aligned("octo/demo", 1, (AlignedComment(1, 1, standing, "no line"),))  # type: ignore[arg-type] # of two
    dropped = filter_pull_request(snapshot, aligned, policy=Policy()).comments[0]
    assert (dropped.reason, dropped.detail) == (FilterReason.NO_PLACE, "no line")


def test_a_comment_that_align_does_not_know_is_left_out() -> None:
    dropped = filter_pull_request(pull(comment(1)), Aligned("octo/demo", 1, ()), policy=Policy()).comments[0]
    assert dropped.reason == FilterReason.NO_PLACE


def test_a_reply_is_told_by_either_of_both() -> None:
    reply, alone = comment(2, in_reply_to=1), comment(3)
    aligned = Aligned("octo/demo", 1, (AlignedComment(3, 1, "exact"),))
    record = filter_pull_request(pull(reply, alone), aligned, policy=Policy())
    assert [each.reason for each in record.comments] == [FilterReason.REPLY] * 2


def test_the_first_comment_left_of_a_thread_is_no_reply() -> None:
    left, answer = comment(2, in_reply_to=1), comment(3, in_reply_to=1)
    aligned = Aligned("octo/demo", 1, (AlignedComment(2, 2, "exact"), AlignedComment(3, 2, "exact")))
    record = filter_pull_request(pull(left, answer), aligned, policy=Policy())
    assert [each.reason for each in record.comments] == ["", FilterReason.REPLY]
    record = filter_pull_request(pull(left, answer, comments_complete=False), aligned, policy=Policy())
    assert [each.reason for each in record.comments] == [FilterReason.REPLY] * 2


def test_an_outdated_comment_is_kept() -> None:
    aligned = Aligned("octo/demo", 1, (AlignedComment(1, 1, "outdated"),))
    assert filter_pull_request(pull(comment(1)), aligned, policy=Policy()).comments[0].reason == ""


def test_unknown_authors_are_nobodys_own() -> None:
    assert decide(pull(comment(1, author=""), author="")).comments[0].reason == ""


@pytest.mark.parametrize("license_", ["GPL-3.0", "", "NOASSERTION"])
def test_a_licence_that_is_not_permissive_takes_the_pull_request_with_it(license_: str) -> None:
    record = decide(pull(comment(1), comment(2), license=license_))
    assert record.reason == FilterReason.LICENSE
    assert [each.reason for each in record.comments] == [FilterReason.LICENSE] * 2
    assert decide(pull(comment(1), license=license_), Policy(FilterParams(licenses="any"))).reason == ""


def test_who_opted_out_is_left_out() -> None:
    policy = Policy(opt_out=OptOut(frozenset({"user-0000000001"})))
    record = decide(pull(comment(1), comment(2, author="user-0000000002")), policy)
    assert [each.reason for each in record.comments] == [FilterReason.OPTED_OUT, ""]
    assert record.reason == ""


def test_who_opted_out_is_not_named_in_the_words_of_others() -> None:
    """Nobody knows from the snapshot any more that it is a name: what they wrote was not stored."""
    opt_out = OptOut(frozenset({hash_name("zorblax", "pepper")}))
    kept = decide(pull(comment(1, f"As Zorblax said: {GOOD}")), Policy(opt_out=opt_out, salt="pepper")).comments[0]
    assert (kept.body, kept.removed) == (f"As {hash_name('zorblax', 'pepper')} said: {GOOD}", {"login": 1})


def test_a_pull_request_of_who_opted_out_is_left_out_whole() -> None:
    record = decide(pull(comment(1)), Policy(opt_out=OptOut(frozenset({"user-000000000a"}))))
    assert (record.reason, record.comments[0].reason) == (FilterReason.OPTED_OUT, FilterReason.OPTED_OUT)


def test_other_languages_are_left_out_when_asked() -> None:
    made = comment(1, "请把这个函数移到单独的文件里\uff0c因为 it should be `reused`。")
    assert reason_of(made) == ""
    assert reason_of(made, Policy(FilterParams(english_only=True))) == FilterReason.LANGUAGE


def test_a_chinese_sentence_does_not_say_too_little() -> None:
    assert reason_of(comment(1, "\u4f60\u597d\uff0c\u8fd9\u91cc\u5e94\u8be5\u52a0\u9501")) == ""
    assert reason_of(comment(1, "\u597d\u7684")) == FilterReason.TOO_SHORT


def test_of_nearly_the_same_the_earliest_stays_wherever_it_stands(tmp_path: Path) -> None:
    early = comment(9, GOOD + " Twice.", created_at="2019-05-05T00:00:00Z")
    other = comment(4, "This should use the constant `LIMIT` instead of 17.")
    reasons = run(tmp_path, pull(comment(2), other, number=1), pull(early, number=2), pull(comment(3), number=3))
    assert reasons == {2: FilterReason.NEAR_DUPLICATE, 4: "", 9: "", 3: FilterReason.NEAR_DUPLICATE}
    records = [raw.read() for raw in read_records(tmp_path / "filtered", FILTERED_SCHEMA, Filtered)]
    assert [each.duplicate_of for record in records for each in record.comments] == [9, None, None, 9]
    assert records[0].comments[0].body == ""


def test_of_the_same_moment_the_lower_id_stays(tmp_path: Path) -> None:
    same: dict[str, Any] = {"created_at": "2019-05-05T00:00:00Z"}
    assert run(tmp_path, pull(comment(5, **same), comment(3, **same))) == {5: FilterReason.NEAR_DUPLICATE, 3: ""}


def test_a_pull_request_under_two_names_of_its_repository_keeps_its_comments(tmp_path: Path) -> None:
    store = lay_out(tmp_path, pull(comment(1), comment(2), repo="new/demo"), pull(comment(1), comment(2)))
    filter_snapshots(store, tmp_path / "aligned", tmp_path / "filtered", Policy(), Told(), jobs=1)
    records = [raw.read() for raw in read_records(tmp_path / "filtered", FILTERED_SCHEMA, Filtered)]
    assert [[each.reason for each in record.comments] for record in records] == [["", FilterReason.NEAR_DUPLICATE]] * 2


def test_what_a_killed_filter_left_is_removed(tmp_path: Path) -> None:
    store = lay_out(tmp_path, pull(comment(1)))
    folder = tmp_path / "filtered"
    running = folder / f".first-pass-{os.getppid()}-abc"
    for left in (folder / ".first-pass-old/records", folder / f".first-pass-{2**22 + 1}-abc", running):
        left.mkdir(parents=True)
        (left / "part-1-of-1.jsonl").write_text("somebody's words")
    filter_snapshots(store, tmp_path / "aligned", folder, Policy(), Told(), jobs=1)
    assert [path.name for path in folder.glob(".*")] == [running.name]


def test_no_room_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    store = lay_out(tmp_path, pull(comment(1)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(DataError) as caught:
            filter_snapshots(store, tmp_path / "aligned", tmp_path / "filtered", Policy(), Told(), jobs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"temporary tables in {tmp_path / 'filtered'}" in caught.value.what
    assert not list((tmp_path / "filtered").iterdir())


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (FilterParams(near_duplicate=0.0), "near_duplicate is 0; it must be above 0."),
        (FilterParams(near_duplicate=float("nan")), "near_duplicate is nan; it must be above 0."),
        (FilterParams(min_quality=float("nan")), "min_quality is nan; it must be from 0 to 1."),
        (FilterParams(min_quality=1.5), "min_quality is 1.5; it must be from 0 to 1."),
        (FilterParams(min_words=-1), "min_words is -1; it must be at least 0."),
        (FilterParams(max_characters=0), "max_characters is 0; it must be at least 1."),
    ],
)
def test_parameters_out_of_range_are_refused(tmp_path: Path, params: FilterParams, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(tmp_path, pull(comment(1)), params=params)
    assert caught.value.what == said
    assert not (tmp_path / "filtered").exists()


def test_near_duplicates_stay_when_asked(tmp_path: Path) -> None:
    assert run(tmp_path, pull(comment(1), comment(2)), params=FilterParams(near_duplicate=2.0)) == {1: "", 2: ""}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    pulls = [pull(comment(1), comment(2, "Rename `x`, please: it says nothing."), number=number) for number in (1, 2)]
    written = []
    for name in ("one", "other"):
        run(tmp_path / name, *pulls)
        folder = tmp_path / name / "filtered"
        written.append([(path.name, path.read_bytes()) for path in sorted(folder.iterdir())])
    assert written[0] == written[1]
    assert [name for name, _ in written[0]] == ["counts.json", "part-1-of-1.jsonl"]


def test_counts_add_up_and_are_read_again(tmp_path: Path) -> None:
    run(tmp_path, pull(comment(1), comment(2), comment(3, "Thanks!"), comment(4, author_type="Bot")))
    counts = load_counts(tmp_path / "filtered")
    assert (counts.pull_requests, counts.comments, counts.kept) == (1, 4, 1)
    assert counts.kept + sum(counts.reasons.values()) == counts.comments
    assert list(counts.reasons) == sorted(FilterReason)
    assert "near-duplicate" in render_counts(counts)


def test_counts_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "counts.json").write_text('{"schema": "glossator/filter-counts/9"}')
    with pytest.raises(DataError) as caught:
        load_counts(tmp_path)
    assert "filter-counts/9" in caught.value.what


def test_a_snapshot_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    store = lay_out(tmp_path, pull(comment(1), number=1), pull(comment(2, "Use a `set` here, it is faster."), number=2))
    store.path(("octo/demo", 1)).write_bytes(b'{"schema": "glossator/snap')
    told = Told()
    counts = filter_snapshots(store, tmp_path / "aligned", tmp_path / "filtered", Policy(), told, jobs=1)
    assert counts.kept == 1
    assert len(told.problems) == 1
    assert "000001.json" in told.problems[0]


def test_without_align_nothing_is_written(tmp_path: Path) -> None:
    store = lay_out(tmp_path, pull(comment(1)))
    with pytest.raises(DataError) as caught:
        filter_snapshots(store, tmp_path / "nowhere", tmp_path / "filtered", Policy(), Told(), jobs=1)
    assert "nowhere" in caught.value.what
    assert not list((tmp_path / "filtered").iterdir())


def test_the_command_reads_parameters_and_the_opt_out_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOSSATOR_NAME_SALT", "pepper")
    lay_out(tmp_path / "data", pull(comment(1, author=hash_name("carol", "pepper")), comment(2, "Why this change?")))
    Path("opt-out.txt").write_text("Carol\n")
    Path("params.yaml").write_text("filter:\n  min_quality: 0.1\n")
    result = CliRunner().invoke(command, ["--jobs", "1"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 comments of 1 pull request\n" in result.output
    counts = json.loads(Path("data/filtered/counts.json").read_bytes())
    assert (counts["kept"], counts["reasons"]["opted-out"], counts["reasons"]["low-quality"]) == (1, 1, 0)


def test_texts_that_are_no_unicode_pass_through(tmp_path: Path) -> None:
    odd = "Please rename \ud800 this `x`\u2028: it says nothing."
    assert run(tmp_path, pull(comment(1, odd), comment(2, odd))) == {1: "", 2: FilterReason.NEAR_DUPLICATE}
    record = next(read_records(tmp_path / "filtered", FILTERED_SCHEMA, Filtered)).read()
    assert record.comments[0].body == odd


@pytest.mark.slow
def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    pulls = [
        pull(comment(1 + number), comment(51 + number, f"Use `x{number}` here."), number=number)
        for number in range(1, 40)
    ]
    store = lay_out(tmp_path, *pulls)
    for jobs in (1, 2):
        filter_snapshots(store, tmp_path / "aligned", tmp_path / str(jobs), Policy(), Told(), jobs=jobs)
    assert (tmp_path / "1/part-1-of-1.jsonl").read_bytes() == (tmp_path / "2/part-1-of-1.jsonl").read_bytes()
