"""Hidden markers: read back as written, worth nothing when forged, moved, cut or foreign."""

from __future__ import annotations

import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.code_host import PostedComment
from reviewer.domain import CATEGORIES, SEVERITIES, Finding
from reviewer.state import MAX_PAYLOAD, CommentMarker, Signer, State, find_summary

MARKER = CommentMarker("0123456789abcdef", "a" * 40, "tiny", "2")
STATE = State("a" * 40, "partial", paused=True, reviewed=("1" * 16,), findings=(Finding("a.py", "R1", "x", "No."),))
SIGNED = Signer("octo/demo#7", "a key")
PLAIN = Signer("octo/demo#7")
SIGNERS = pytest.mark.parametrize("signer", [SIGNED, PLAIN], ids=["signed", "plain"])


def forge(json: bytes, kind: str = "state", signer: Signer = PLAIN) -> str:
    """A marker with any payload, signed as the signer would."""
    payload = base64.urlsafe_b64encode(zlib.compress(json, 9)).decode()
    return f"<!-- glossator:1:{kind}:{payload}:{signer._sign(kind, payload)} -->"  # noqa: SLF001 - a forger knows all


@SIGNERS
def test_what_is_written_is_read_back(signer: Signer) -> None:
    for state in (STATE, State()):
        assert signer.parse(f"Some text.\n\n{signer.render(state)}\n", State) == state
    assert signer.parse(f"Some text.\n\n{signer.render(MARKER)}\n", CommentMarker) == MARKER


@SIGNERS
def test_a_marker_is_one_html_comment(signer: Signer) -> None:
    for text in (signer.render(MARKER), signer.render(STATE)):
        assert re.fullmatch("<!-- [^<>]+ -->", text)
        assert text.count("--") == 2


@SIGNERS
def test_each_kind_is_read_by_itself_and_the_last_one_counts(signer: Signer) -> None:
    newer = CommentMarker("f" * 16, "b" * 40, "tiny", "2")
    body = f"{signer.render(MARKER)} text {signer.render(STATE)}{signer.render(newer)}"
    assert signer.parse(body, CommentMarker) == newer
    assert signer.parse(body, State) == STATE
    assert signer.parse(signer.render(STATE), CommentMarker) is None
    assert signer.parse(signer.render(MARKER), State) is None
    assert signer.parse("No marker <!-- here -->.", State) is None


def test_with_a_key_only_its_own_markers_of_this_pull_request_count() -> None:
    for other in (
        PLAIN,
        Signer("octo/demo#7", "another key"),
        Signer("octo/demo#8", "a key"),
        Signer("octo/demo#", "7a key"),
    ):
        assert SIGNED.parse(other.render(STATE), State) is None
    genuine = SIGNED.render(STATE)
    assert SIGNED.parse(genuine, State) == STATE
    payload, signature = genuine.split(":")[3], genuine.split(":")[4][:32]
    assert len(signature) == 32
    assert SIGNED.parse(genuine.replace(signature, "0" * 32), State) is None
    assert SIGNED.parse(genuine.replace(signature, ""), State) is None
    assert SIGNED.parse(genuine.replace(signature, signature[:-1]), State) is None
    assert SIGNED.parse(genuine.replace(payload, SIGNED.render(State()).split(":")[3]), State) is None
    assert SIGNED.parse(SIGNED.render(MARKER).replace(":comment:", ":state:"), State) is None


def test_a_forged_marker_behind_a_genuine_one_does_not_hide_it() -> None:
    body = SIGNED.render(STATE) + PLAIN.render(State(paused=False))
    assert SIGNED.parse(body, State) == STATE


def test_without_a_key_signed_markers_count_too() -> None:
    assert PLAIN.parse(SIGNED.render(STATE), State) == STATE


def test_a_key_of_any_bytes_will_do() -> None:
    signer = Signer("octo/demo#7", "k\udcff\u00e9y")
    assert signer.parse(signer.render(MARKER), CommentMarker) == MARKER


@SIGNERS
@pytest.mark.parametrize(
    "json",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"reviewed": "abc"}',
        b'{"status": "splendid"}',
        b'{"paused": 1}',
        b'{"head_sha": "\xff"}',
        b'{"findings": [{}]}',
        b'{"other": ' + b"[" * 100_000,
    ],
)
def test_a_payload_that_is_no_state_is_no_state(signer: Signer, json: bytes) -> None:
    assert signer.parse(forge(json, signer=signer), State) is None


@SIGNERS
def test_a_payload_of_a_newer_writer_is_read_as_far_as_it_is_known(signer: Signer) -> None:
    assert signer.parse(forge(b'{"paused": true, "mood": ["good"]}', signer=signer), State) == State(paused=True)
    assert signer.parse(forge(b"{}", "comment", signer), CommentMarker) is None


@pytest.mark.parametrize("marker", [PLAIN.render(STATE), SIGNED.render(STATE)], ids=["plain", "signed"])
def test_another_version_or_a_cut_marker_is_none(marker: str) -> None:
    signer = PLAIN
    assert signer.parse(marker.replace("glossator:1:", "glossator:2:"), State) is None
    assert signer.parse(marker.replace(":state:", ":mood:"), State) is None
    assert signer.parse(marker.replace(" -->", ""), State) is None
    payload = marker.split(":")[3]
    for kept in range(1, len(payload)):
        assert signer.parse(marker.replace(payload, payload[:kept]), State) is None
    assert signer.parse(marker.replace(payload, "A" + payload), State) is None
    assert signer.parse(marker.replace(payload, "AAAA"), State) is None


@SIGNERS
def test_a_bomb_is_not_inflated(signer: Signer) -> None:
    room = MAX_PAYLOAD - len(b'{"head_sha": ""}')
    fits = forge(b'{"head_sha": "' + b"a" * (room - 10) + b'"}', signer=signer)
    assert signer.parse(fits, State) is not None
    bomb = forge(b'{"head_sha": "' + b"a" * 50 * MAX_PAYLOAD + b'"}', signer=signer)
    assert len(bomb) < 80_000
    assert signer.parse(bomb, State) is None


def test_the_summary_is_the_first_comment_of_ours_with_a_state() -> None:
    mine, theirs = SIGNED.render(STATE), SIGNED.render(State("b" * 40))
    comments = [
        PostedComment(1, "Hello.", mine=False),
        PostedComment(2, theirs, mine=False),
        PostedComment(3, SIGNED.render(MARKER), mine=True),
        PostedComment(4, f"### Glossator\n\n{mine}", mine=True),
        PostedComment(5, SIGNED.render(State()), mine=True),
    ]
    assert find_summary(comments, SIGNED) == (4, STATE)
    assert find_summary(comments[:3], SIGNED) == (0, State())
    assert find_summary([], SIGNED) == (0, State())


def test_a_long_memory_fits_a_comment() -> None:
    many = State(
        "a" * 40, "reviewed", reviewed=tuple(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(2000))
    )
    text = SIGNED.render(many)
    assert len(text) < 50_000
    assert SIGNED.parse(text, State) == many


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FINDINGS = st.builds(
    Finding, TEXT, TEXT, TEXT, TEXT, st.sampled_from(SEVERITIES), st.sampled_from(CATEGORIES), st.none() | TEXT,
    st.none() | TEXT, st.floats(0, 1), TEXT,
)  # fmt: skip
STATES = st.builds(
    State,
    TEXT,
    st.sampled_from(["reviewed", "partial", "not-reviewed"]),
    st.booleans(),
    st.lists(TEXT).map(tuple),
    st.lists(FINDINGS, max_size=3).map(tuple),
)


@given(
    state=STATES,
    marker=st.builds(CommentMarker, TEXT, TEXT, TEXT, TEXT),
    key=TEXT,
    around=st.tuples(TEXT, TEXT, TEXT),
    pull_request=TEXT,
)
def test_any_marker_comes_back_out_of_any_text(
    state: State, marker: CommentMarker, key: str, around: tuple[str, str, str], pull_request: str
) -> None:
    signer = Signer(pull_request, key)
    body = around[0] + signer.render(state) + around[1] + signer.render(marker) + around[2]
    assert signer.parse(body, State) == state
    assert signer.parse(body, CommentMarker) == marker
    if key:
        assert Signer(pull_request + "x", key).parse(body, State) is None


@given(
    text=st.text() | st.from_regex(r"<!-- glossator:1:(comment|state):[A-Za-z0-9_=-]+:[0-9a-f]* -->", fullmatch=True)
)
def test_no_text_raises(text: str) -> None:
    for signer in (PLAIN, SIGNED):
        signer.parse(text, State)
        signer.parse(text, CommentMarker)
