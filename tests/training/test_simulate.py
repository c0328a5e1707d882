"""`glossator-train simulate`: stored pull requests as real events, to a command, an address or a folder."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reviewer.diff import parse_diff
from reviewer.errors import UsageError
from simulation.delivery import sign
from simulation.github_server import GitHubServer
from simulation.github_server.contract import check_event
from simulation.github_server.git_store import GitStore
from simulation.rebuild import CannotRebuild, describe, find_diff, rebuild, rebuild_exactly
from tests.command import ROOT, clean_environment
from tests.model_server import ModelServer
from training.cli import train
from training.simulate import Stage
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

DIFF = """\
diff --git a/src/app.c b/src/app.c
index 1111111..2222222 100644
--- a/src/app.c
+++ b/src/app.c
@@ -40,7 +40,8 @@ int main(void)
     one();
     two();
     three();
-    four();
+    vier();
+    five();
     six();
     seven();
     eight();
@@ -90,4 +91,3 @@ static void other(void)
     nine();
 }

-/* end */
\\ No newline at end of file
diff --git a/docs/new.md b/docs/new.md
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/docs/new.md
@@ -0,0 +1,2 @@
+# New
+Text.
"""
ODD = """\
diff --git "a/\\303\\274n\\303\\257.txt" "b/\\303\\274n\\303\\257.txt"
index 1111111..2222222 100755
--- "a/\\303\\274n\\303\\257.txt"
+++ "b/\\303\\274n\\303\\257.txt"
@@ -1 +1 @@
-a\r
+b\r
diff --git a/bin.png b/bin.png
index 1111111..2222222 100644
Binary files a/bin.png and b/bin.png differ
diff --git a/empty b/empty
new file mode 100644
index 0000000..e69de29
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index 1111111..0000000
--- a/gone.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-first
-second
diff --git a/lib b/lib
index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 160000
--- a/lib
+++ b/lib
@@ -1 +1 @@
-Subproject commit 1111111111111111111111111111111111111111
+Subproject commit 2222222222222222222222222222222222222222
diff --git a/link b/link
new file mode 120000
index 0000000..3333333
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+src/app.c
\\ No newline at end of file
diff --git a/old name.py b/new name.py
similarity index 80%
rename from old name.py
rename to new name.py
index 1111111..2222222 100644
--- a/old name.py
+++ b/new name.py
@@ -30,7 +30,7 @@ def f():
     x = 1
     y = 2
     z = 3
-    return x
+    return y


 # end
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/x.txt b/y.txt
similarity index 100%
rename from x.txt
rename to y.txt
"""
SNAPSHOTS = [
    Snapshot("acme/tool", 7, title="First", diff=DIFF, author="user-1", comments=(
        SnapshotComment(1, "src/app.c", "Why two?", author="user-2", side="RIGHT", line=43, diff_hunk="@@\n+  vier();"),
        SnapshotComment(2, "src/app.c", "Keep it.", author="user-3", line=43, diff_hunk="@@\n-    four();"),
        SnapshotComment(3, "src/app.c", "Far away.", author="user-3", line=500, side="RIGHT"),
        SnapshotComment(4, "src/app.c", "Outdated.", author="user-3"),
    )),
    Snapshot("acme/tool", 9, title="Second", diff=ODD),
    Snapshot("acme/tool", 11, title="Damaged", diff="diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n"),
    Snapshot("acme/tool", 12, title="None"),
    Snapshot("zeta/other", 3, title="Third", diff=DIFF),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SnapshotStore(tmp_path / "snapshots")
    for snapshot in SNAPSHOTS:
        store.save(snapshot)
    return tmp_path


def simulate(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(train, ["simulate", "--snapshots", str(folder / "snapshots"), *words])


def table(output: str) -> dict[str, str]:
    rows = [line.rsplit("  ", 1) for line in output.splitlines() if "  " in line]
    return {name.strip(): value.strip() for name, value in rows}


# -- rebuilding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("diff", [DIFF, ODD], ids=["plain", "odd"])
def test_git_finds_the_stored_diff_again(diff: str, tmp_path: Path) -> None:
    store = GitStore(tmp_path / "store.git")

    rebuilt = rebuild_exactly(diff, store)

    found = find_diff(rebuilt, store)
    assert describe(found) == describe(diff)
    again, stored = ({file.path: file.hunks for file in parse_diff(one)} for one in (found, diff))
    assert again == stored, "headings too"


def test_lines_that_are_not_shown_stand_nowhere_else() -> None:
    content = rebuild(DIFF).base["src/app.c"]

    assert isinstance(content, bytes)
    lines = content.decode().split("\n")
    assert (lines[38], lines[39], lines[42]) == ("int main(void)", "    one();", "    four();")
    assert len(set(lines[:38])) == 38


def replace_block(lines: int) -> str:
    """A diff that replaces some lines with a blank one in the middle, and does not keep the blank one."""
    old, new = (
        [
            *(f"{word} {number}" for number in range(lines)),
            "",
            *(f"{word} {number}" for number in range(lines, 2 * lines)),
        ]
        for word in ("old", "new")
    )
    body = ["a", "b", "c", *old, *new, "x", "y", "z"]
    marks = [*"   ", *"-" * len(old), *"+" * len(new), *"   "]
    count = len(old) + 6
    head = f"diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -90,{count} +90,{count} @@ f\n"
    return head + "".join(f"{mark}{line}\n" for mark, line in zip(marks, body, strict=True))


def test_lines_that_were_too_common_to_match_are_made_common(tmp_path: Path) -> None:
    """Git would keep the blank line, were it not that the real file had many: then it does not look at them."""
    store, diff = GitStore(tmp_path / "store.git"), replace_block(6)

    assert describe(find_diff(rebuild(diff), store)) != describe(diff)
    assert describe(find_diff(rebuild_exactly(diff, store), store)) == describe(diff)


def test_a_diff_that_git_never_makes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRebuild, match="git finds other hunks"):
        rebuild_exactly(replace_block(1), GitStore(tmp_path / "store.git"))


@pytest.mark.parametrize(("diff", "reason"), [
    (DIFF.replace("@@ -90,4", "@@ -20,4"), "do not fit together"),
    (DIFF.replace("-90,4 +91,3", "-90,4 +94,3"), "do not fit together"),
    (DIFF.replace("@@ -40,7 +40,8", "@@ -40,9 +40,8"), "damaged"),
    (DIFF.replace("-40,7 +40,8", "-4000000,7 +4000000,8"), "too long"),
])  # fmt: skip
def test_diffs_that_cannot_be_rebuilt(diff: str, reason: str) -> None:
    with pytest.raises(CannotRebuild, match=reason):
        rebuild(diff)


@pytest.mark.parametrize(("before", "after", "reason"), [
    ("docs/new.md", ".git/config", "path that no repository"), ("docs/new.md", "../new.md", "path that no repository"),
    ("docs/new.md", "docs/\ud800.md", "git refuses its files"),
    ("-Subproject commit 11111", "-Subproject commit main; rm", "a submodule names no commit"),
])  # fmt: skip
def test_hostile_diffs_are_left_out(before: str, after: str, reason: str, tmp_path: Path) -> None:
    diff = (DIFF + ODD).replace(before, after)
    assert diff != DIFF + ODD

    with pytest.raises(CannotRebuild, match=reason):
        rebuild_exactly(diff, GitStore(tmp_path / "store.git"))


def test_hostile_names_are_not_used(tmp_path: Path) -> None:
    good = SNAPSHOTS[0]
    hostile = [replace(good, repo="../../x"), replace(good, author="a <b>\nfrom evil", title="\ud800", number=8)]
    with GitHubServer() as server:
        stage = Stage(server, tmp_path)
        (make,) = stage.play(hostile, 5, pushes=False, comments=False)
        event = make()

        assert event.payload["pull_request"]["user"]["login"] == "somebody"
        assert stage.left_out == Counter({"its name is none that GitHub gives": 1})
        assert stage.violations == []


# -- events --------------------------------------------------------------------------------------------------


def test_events_in_rounds_with_pushes_and_comments(tmp_path: Path) -> None:
    with GitHubServer() as server:
        stage = Stage(server, tmp_path)
        makers = stage.play(SNAPSHOTS, 50, pushes=True, comments=True)
        pulls = {number: server.find_repo("acme/tool").find_pull(number) for number in (7, 9)}
        opened = [make() for make in makers[:3]]
        early = len(pulls[7].diff)
        events = [*opened, *(make() for make in makers[3:])]

        names = [(one.name, one.payload["action"], one.payload["repository"]["full_name"]) for one in events]
        assert names[:6] == [
            ("pull_request", "opened", "acme/tool"), ("pull_request", "opened", "acme/tool"),
            ("pull_request", "opened", "zeta/other"),
            ("pull_request", "synchronize", "acme/tool"), ("pull_request", "synchronize", "acme/tool"),
            ("pull_request", "synchronize", "zeta/other"),
        ]  # fmt: skip
        said = [(one.name, one.payload["comment"]["body"], one.payload["comment"].get("side")) for one in events[6:]]
        assert said == [
            ("pull_request_review_comment", "Why two?", "RIGHT"),
            ("pull_request_review_comment", "Keep it.", "LEFT"),
            ("issue_comment", "Far away.", None),
        ]
        assert early < len(pulls[7].diff), "only half of the files were there when it was opened"
        assert describe(pulls[7].diff.decode()) == describe(DIFF)
        assert describe(pulls[9].diff.decode()) == describe(ODD)
        assert [check_event(f"{one.name}${one.payload['action']}", one.payload) for one in events] == [[]] * 9
        assert stage.violations == []
        assert stage.left_out == Counter({
            "the diff is damaged": 1, "there is no diff": 1, "a comment whose line is not in the diff": 1,
        })  # fmt: skip
        assert len({one.token for one in events}) == len({one.delivery for one in events}) == 9


# -- receivers -----------------------------------------------------------------------------------------------


RECEIVER = """
import json, os, pathlib, urllib.request
event = json.loads(pathlib.Path(os.environ["GITHUB_EVENT_PATH"]).read_text())
number = event["number"]
call = urllib.request.Request(
    f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/{number}/comments",
    json.dumps({"body": os.environ["GITHUB_EVENT_NAME"]}).encode(),
    {"Authorization": "Bearer " + os.environ["GITHUB_TOKEN"]},
)
print(urllib.request.urlopen(call).status, os.environ.get("GITHUB_RUN_ID"))
raise SystemExit(3 * (number == 9))
"""


def test_a_command_for_each_event(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "the runner's own")
    words = shlex.join([sys.executable, "-c", RECEIVER])
    out = folder / "out"

    done = simulate(folder, "--command", words, "--burst", "10", "--jobs", "2", "--output", str(out))

    shown = table(done.stdout)
    assert (shown["events sent"], shown["events failed"], shown["comments posted"]) == ("3 of 3", "1", "3")
    assert shown["schema violations"] == "0"
    assert "failed: 1 with exit code 3" in done.stdout
    assert "left out: 1, as the diff is damaged" in done.stdout
    assert (out / "0001-opened-acme-tool-7" / "log.txt").read_text() == "201 None\n"
    assert json.loads((out / "0003-opened-zeta-other-3" / "event.json").read_bytes())["number"] == 3


def test_a_script_is_looked_for_from_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page has it; it runs beside the payload."""
    (folder / "bin").mkdir()
    script = folder / "bin" / "review.sh"
    script.write_text("#!/bin/sh\ncat ./event.json > seen.json; echo $1 $(basename $0)\n")
    script.chmod(0o755)
    monkeypatch.chdir(folder / "bin")

    for at, words in enumerate(("./review.sh 'a b'", "../bin/review.sh 'a b'")):
        out = folder / f"out-{at}"
        done = simulate(folder, "--command", words, "--count", "1", "--output", str(out))

        assert done.exit_code == 0, done.output
        (seen,) = out.glob("*/seen.json")
        assert json.loads(seen.read_bytes())["action"] == "opened"
        assert (seen.parent / "log.txt").read_text() == "a b review.sh\n"


@pytest.mark.parametrize("words", [" ", "''", "./x 'a"])
def test_a_command_that_is_none_is_refused(folder: Path, words: str) -> None:
    assert isinstance(simulate(folder, "--command", words).exception, UsageError)


class Hook(http.server.ThreadingHTTPServer):
    """An endpoint that remembers what it was sent and answers 500 to one repository."""

    got: list[tuple[dict[str, str], bytes]]


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Handler(http.server.BaseHTTPRequestHandler):
        server: Hook

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((dict(self.headers), body))
            self.send_response(500 if json.loads(body)["repository"]["full_name"] == "zeta/other" else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

    with Hook(("127.0.0.1", 0), Handler) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_for_each_event(folder: Path, hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.server_port}/hook"

    done = simulate(folder, "--webhook-url", url, "--secret", "s3cret", "--burst", "3")

    assert table(done.stdout)["events failed"] == "1"
    assert "failed: 1 with answered 500" in done.stdout
    assert len(hook.got) == 3
    for headers, body in hook.got:
        assert headers["X-GitHub-Event"] == "pull_request"
        assert len(headers["X-GitHub-Delivery"]) == 36
        expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={expected}" == sign("s3cret", body)


def test_nobody_listens(folder: Path, hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.server_port + 1 if hook.server_port < 65535 else 1}/hook"
    done = simulate(folder, "--webhook-url", url, "--count", "1")

    assert table(done.stdout)["events failed"] == "1"
    assert "no connection" in done.stdout


def test_the_pace_and_the_end(folder: Path, hook: Hook) -> None:
    """Two events at once, and the next one two seconds later, which is too late."""
    url = f"http://127.0.0.1:{hook.server_port}/hook"
    started = time.monotonic()

    done = simulate(folder, "--webhook-url", url, "--burst", "2", "--rate", "60", "--seconds", "1")

    assert table(done.stdout)["events sent"] == "2 of 3"
    assert time.monotonic() - started < 5


@pytest.mark.slow
def test_a_command_that_hangs_is_ended(folder: Path) -> None:
    words = shlex.join(["sh", "-c", "sleep 60 & echo $! > $RUNNER_TEMP/pid; sleep 60"])

    done = simulate(folder, "--command", words, "--count", "1", "--seconds", "2", "--output", str(folder / "out"))

    assert "failed: 1 with stopped: the time was up" in done.stdout
    (pid,) = (path.read_text().strip() for path in folder.glob("out/*/pid"))
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z", "what it started has ended too"


def test_only_served(folder: Path) -> None:
    out = folder / "out"

    done = simulate(folder, "--output", str(out), "--seconds", "1", "--burst", "9")

    assert len(list(out.glob("*/event.json"))) == 3
    assert "the stand-in is at http://127.0.0.1:" in done.stderr


# -- the command as a process --------------------------------------------------------------------------------


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "training", "simulate", "--snapshots", str(folder / "snapshots"), *words],
        env=clean_environment(PYTHONPATH=str(ROOT), PYTHONWARNINGS="error"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_ctrl_c_ends_it_with_the_table(folder: Path) -> None:
    process = start(folder, "--command", "sleep 60", "--count", "1")
    assert process.stderr is not None
    assert "the stand-in is at" in process.stderr.readline()
    time.sleep(0.5)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert table(out)["events failed"] == "1"
    assert err.endswith("Stopped.\n")


@pytest.mark.parametrize(("words", "code", "said"), [
    ([], 2, "Nobody receives the events."),
    (["--command", "x", "--webhook-url", "http://x"], 2, "two receivers"),
    (["--command", "'"], 2, "--command cannot be read"),
    (["--webhook-url", "x.example"], 2, "is no address"),
    (["--command", "true", "--snapshots", "nowhere"], 6, "There is no folder nowhere."),
    (["--command", "true", "--published", "nowhere.jsonl"], 6, "There is no file nowhere.jsonl."),
])  # fmt: skip
def test_mistakes_are_told(words: list[str], code: int, said: str, folder: Path) -> None:
    done = simulate(folder, *words)

    error = done.exception
    assert getattr(error, "exit_code", None) == code
    assert said in str(error)


def test_nothing_to_play(tmp_path: Path) -> None:
    SnapshotStore(tmp_path / "snapshots").save(replace(SNAPSHOTS[3]))
    done = simulate(tmp_path, "--command", "true")

    assert "No pull request can be played. 1: there is no diff" in str(done.exception)


# -- real ones -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_burst_of_real_pull_requests_through_the_action(tmp_path: Path) -> None:
    """Ten real diffs at once through the three steps of the action, with a model server beside it."""
    data = Path(__file__).parents[2].parent / "shared" / "data" / "prs-bitcoin-gui.jsonl.gz"
    if not data.is_file():
        pytest.skip("the shared data is not here")
    steps = "; ".join(
        f'"{sys.executable}" -P -m action.entry {step} || exit 1' for step in ("collect", "infer", "post")
    )
    with ModelServer() as model:
        environment = {"PYTHONPATH": str(ROOT), "GLOSSATOR_ENDPOINT_URL": model.url}
        assigned = " ".join(f"{name}={value}" for name, value in environment.items())
        words = shlex.join(["env", *shlex.split(assigned), "sh", "-c", steps])
        done = subprocess.run(
            [sys.executable, "-m", "training", "simulate", "--published", str(data), "--command", words,
             "--burst", "10", "--count", "10", "--jobs", "4", "--output", str(tmp_path / "out"), "--seconds", "250"],
            cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    logs = "\n".join(path.read_text() for path in sorted(tmp_path.glob("out/*/log.txt")))
    shown = table(done.stdout)
    assert (shown["events sent"], shown["events failed"]) == ("10 of 10", "0"), done.stdout + logs[-3000:]
    assert shown["schema violations"] == "0"
    assert int(shown["comments posted"]) >= 10, "at least one summary each"
    assert done.returncode == 0
