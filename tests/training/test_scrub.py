import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.comment_rules import find_reason, is_english, read_text
from training.quality import score_quality
from training.scrub import scrub
from training.snapshot import Snapshot, SnapshotComment, hash_name
from training.store import SnapshotStore

GITHUB_TOKEN = "ghp_" + "a1B2" * 9
SLACK_TOKEN = "xoxb-" + "123456789012-" * 2 + "abcdefghijklmnopqrstuvwx"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc=\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

DSN_KEY = "0a1b2c3d" * 4
DSN_HOSTS = (
    "o123.ingest.sentry.io/45",
    "o9.ingest.us.sentry.io/4509028819664896",
    "errors.corp.net:9000/sub/7",
    "s.io/1.",
)
US_PHONES = (
    *("(555) 123-4567", "555-123-4567", "555.123.4567", "(415)555-2671", "(415)-555-2671"),
    *("1-800-555-2671", "1 (415) 555-2671", "1.415.555.2671"),
)
SECRETS = (
    *("sk-" + "a1B2" * 5 + "T3BlbkFJ" + "a1B2" * 5, "sk-proj-" + "a-1_" * 9 + "T3BlbkFJ" + "a-1_" * 9),
    *("sk-" + "0a1b" * 8, "sk-" + "a1B2" * 12, "sk-or-v1-" + "0a" * 32, "gsk_" + "a1B2" * 13, "xai-" + "a1B2" * 20),
    *("hvs.CAESI" + "a1B2" * 20, "hvb.AAAAAQ" + "a1B2" * 20, "ya29.a0AfH6SMB" + "a1-_" * 20, "dop_v1_" + "0a" * 32),
    *("shpat_" + "0a" * 16, "ATATT3xFfGF0" + "aB3_" * 40 + "=0A1B2C3D", "whsec_" + "aB3" * 11, "whsec_" + "aB3/" * 8),
    *("lin_api_" + "aB3d" * 10, "sntrys_eyJ" + "pYXQ" * 20 + "_" + "aB3/" * 10, "sntryu_" + "0a" * 32),
    "https://discord.com/api/webhooks/123456789012345678/" + "aB3_" * 17,
)
AMPS = ("&", "&amp;")
PHONES = (
    *("+91 9876543210", "+1 4155552671", "+86 13812345678", "+49 30 1234567", "+44 (0)20 7946 0958", "+4917112345678"),
    *("+33 (0)1 23 45 67 89", "+33 1 23 45 67 89", "+49 (0) 171 1234567", "+61 412 345 678", "+1 (415) 555-2671"),
    *("+49(0)171 1234567", "+49 (30) 1234567", "+1-800-555-0199", "+1.415.555.2671", "+7 916 123-45-67"),
    "+353 1 234 5678",
)
CODED_PHONES = (
    *('TEL = "+14155552671"', "TEL = '+1-800-555-0199'", '<a href="tel:+4917112345678">', "<b>+91 9876543210</b>"),
    *("# call +49 30 1234567", "# call +1 (415) 555-2671", "# call 415-555-2671"),
)
"""How they stand in code where nobody takes them for a sum."""
AROUND = [("", ": what?"), ("", ":\n  x"), ("'", "'"), ('"', '"'), ("-", ""), ("_", "_ hi"), ("cc:", ""), ("", "- ok")]
"""What may stand before and behind a mention."""


@pytest.mark.parametrize(
    ("text", "clean", "kind"),
    [
        (f"I used {GITHUB_TOKEN} here", "I used [secret] here", "secret"),
        (f"`token = {SLACK_TOKEN}`", "`token = [secret]`", "secret"),
        (f"key:\n{PRIVATE_KEY}\nok", "key:\n[secret]\nok", "secret"),
        (f"![x](https://a.b/c.png?jwt={JWT})", "![x](https://a.b/c.png?jwt=[secret])", "secret"),
        ("AKIAIOSFODNN7EXAMPLE works", "[secret] works", "secret"),
        ("see https://bob:hunter2@db.corp.net/x", "see https://[secret]@db.corp.net/x", "secret"),
        ("ask jane.doe+x@corp.co.uk, please", "ask [e-mail], please", "e-mail"),
        ('```suggestion\nAUTHOR = "jane@corp.io"\n```', '```suggestion\nAUTHOR = "[e-mail]"\n```', "e-mail"),
        ("it listens on 93.184.216.34 now", "it listens on [address] now", "address"),
        ("call +49 (30) 1234 5678.", "call [phone].", "phone"),
        ("cc @bob-k, thanks", f"cc @{hash_name('bob-k')}, thanks", "mention"),
        ("(@Bob)", f"(@{hash_name('bob')})", "mention"),
        ("@claude, why?", f"@{hash_name('claude')}, why?", "mention"),
        *((f"{before}@bob{after}", f"{before}@{hash_name('bob')}{after}", "mention") for before, after in AROUND),
        ("@bob_microsoft, see", f"@{hash_name('bob_microsoft')}, see", "mention"),
        ("[mail](mailto:bob@corp.com)", "[mail](mailto:[e-mail])", "e-mail"),
        ("Email:bob@corp.com", "Email:[e-mail]", "e-mail"),
        ("to bob@corp.com/", "to [e-mail]/", "e-mail"),
        ("x=bob@corp.com(me)", "x=[e-mail](me)", "e-mail"),
        ("ask bob@b\u00fccher.de", "ask [e-mail]", "e-mail"),
        (f"docker login -p dckr_pat_{'a1B2' * 6}abc", "docker login -p [secret]", "secret"),
        (f"Authorization: Bearer {'0a1b' * 8}", "Authorization: Bearer [secret]", "secret"),
        (f"aws_secret_access_key = wJal/XU+{'a1B2' * 8}", "aws_secret_access_key = [secret]", "secret"),
        ("call +14155552671.", "call [phone].", "phone"),
        ("It is 2a00:1450:4001:81b::200e.", "It is [address].", "address"),
        ("It is 93.184.216.34.", "It is [address].", "address"),
        *((f"at https://{DSN_KEY}@{host}", f"at https://[secret]@{host}", "secret") for host in DSN_HOSTS),
        *((f"`KEY={secret}` leaks", "`KEY=[secret]` leaks", "secret") for secret in SECRETS),
        *((f"it is {secret}, he said", "it is [secret], he said", "secret") for secret in SECRETS),
        *((f"![x](c?sv=1{amp}sig={'aB3%2F' * 10}%3D)", f"![x](c?sv=1{amp}sig=[secret])", "secret") for amp in AMPS),
        *((f"call {phone}.", "call [phone].", "phone") for phone in US_PHONES),
        *((f"call {phone}, or not", "call [phone], or not", "phone") for phone in PHONES),
        ("tel:555-123-4567, day or night", "tel:[phone], day or night", "phone"),
        ('`phone="(555) 123-4567"`', '`phone="[phone]"`', "phone"),
    ],
)
def test_takes_out_secrets_and_personal_data(text: str, clean: str, kind: str) -> None:
    scrubbed = scrub(text)
    assert (scrubbed.text, scrubbed.removed) == (clean, {kind: 1})


@pytest.mark.parametrize(
    "text",
    [
        "In 28cd645cfd1842720594e1a8998843ce8ca7a850: nit",
        "0x79BE667E F9DCBBAC 79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798",
        "```suggestion\n    static const unsigned char key[32] = {0x01, 0x23};\n```",
        "`@angular/core` and @angular/core stay",
        "```java\n@Override\nvoid run();\n```",
        "use `@property` or @property here",
        "see @user-0123456789",
        "@dependabot rebase",
        "icon@2x.png, git@github.com:a/b.git, bob@example.com, 1@users.noreply.github.com",
        "decorate it with @pytest.mark.slow and @wraps(function)",
        "127.0.0.1, 10.0.0.1, 192.168.1.7, 0.0.0.0, 8.8.8.8, 300.1.2.3, version 1.2.3.4, section 4.10.3.2",
        "redis://user:password@localhost:6379 and https://user:pw@example.com/",
        "a + 12 34 56, +1, 1.5e+10 100 200",
        "postgres://${USER}:${PASSWORD}@db.corp.net/",
        "import '@scope/pkg', \"@scope/pkg\" and @scope/pkg: from packages/@scope/pkg, npm:@scope/pkg@1.2.3",
        "a foo_@bar, x-@y, @click=go, @foo(1), @on:click, @a.b, Foo::@bar, user@2x and obj@pytest.fixture(x)",
        "std::move, a::b, 12:30:45, 00:1b:44:11:3a:b7, ::1, fe80::1, 2001:db8::1, dead:beef::1, 2024:10:11",
        "Authorization: Bearer <token>, Authorization: Bearer $TOKEN, aws_secret_access_key = os.environ, +100000",
        f"https://{DSN_KEY}, {DSN_KEY}@v1, git+https://{DSN_KEY}@github.com/a/b.git, https://{DSN_KEY}@localhost/1",
        f"https://{DSN_KEY}0@a.io/1, https://key@o0.ingest.sentry.io/0, https://PUBLIC_KEY@sentry.example.com/1",
        "versions 555.123.456, 200.300.40000, 2.300.400.5000, 555.123.4567.1, v555.123.4567 and 255.255.255.255",
        "sizes (256-512-1024), 384-768-3072, 224-448-1000, 200.300.4000, 300-600-1200 and +256 512 1024",
        "x +86400000000, y +10000000000, +1 2024-01-02, +1 20240102, +1700000000000, +3 312345678 and +1 2 3 4 5 6 7 8",
        "```suggestion\nx = y +86412345678\nz = y +10-2145-31237 +44 1234567890\n```",
        "`n +4917112345678`, `a[:+4917112345678]` and `x ? y :+33-1234-5678-9`, 0171 1234567, 5551234567, 555 123 4567",
        "lines 200-300, 555-1234, 300-400-500, 555-123.4567 and 5551234567; a.py:555-123, #555-123-4567",
        "2024-01-02, 2024-123-4567, 20240102-123-4567, 12:30:45.123.4567, 021-123-4567 and 155-123-4567",
        "3d6f0a2e-555-123-4567, a-555-123-4567-b, https://a.b/555-123-4567, f(555) 123-4567, (555) 123, (55) 123-4567",
        "0xFFFFFFFF-555-123-45678, 2100000000000000, 0x1d00ffff, 486604799, 7FFFFFFF-FFFF-4567, secp256k1-555-123-4567",
        "sk-learn, eyJ, AKIA, ghp_short and hf_hub_download",
        f"task-{'0a1b' * 8}, sk-{'abcd' * 12}, sk-or-v1-key, gsk_{'a' * 30}, xai-grok-2, whsec_your_webhook_secret",
        f"hvs.{'readSecretVersionFrom' * 2}, ya29.expires, dop_v1_token, shpat_header, lin_api_key, ATATT3_token",
        "https://discord.com/api/webhooks/1/x, https://a.b/c?sig=none&config=1, sig=abc, sntrys_token, sntryu_0a",
    ],
)
def test_leaves_code_and_numbers_alone(text: str) -> None:
    scrubbed = scrub(text)
    assert (scrubbed.text, scrubbed.removed) == (text, {})


@pytest.mark.parametrize("line", CODED_PHONES)
@pytest.mark.parametrize("around", ["```suggestion\n{}\n```", "`{}`"])
def test_a_phone_number_in_code_goes_where_it_is_no_number(line: str, around: str) -> None:
    scrubbed = scrub(around.format(line))
    assert scrubbed.removed == {"phone": 1}
    assert not any(map(str.isdigit, scrubbed.text))


def test_a_name_that_stands_in_the_code_is_no_person() -> None:
    assert scrub("What is @Token for?", hunk="+  @Token\n+  Foo foo;").text == "What is @Token for?"
    assert scrub("What is @Tokem for?", hunk="+  @Token\n+  Foo foo;").removed == {"mention": 1}


def test_a_longer_name_in_the_code_spares_no_person() -> None:
    assert scrub("ask @ann", hunk="+ @annotation @ann-b x@ann_c").text == f"ask @{hash_name('ann')}"


def test_each_of_several_mentions_is_hashed_and_counted() -> None:
    scrubbed = scrub("ask @ann/@bob/@user-0123456789")
    assert scrubbed.text == f"ask @{hash_name('ann')}/@{hash_name('bob')}/@user-0123456789"
    assert scrubbed.removed == {"mention": 2}


def test_logins_of_those_who_take_part_are_hashed_in_prose_only() -> None:
    people = frozenset({hash_name("ann-z", "pepper")})
    scrubbed = scrub("As Ann-Z said, `ann-z` and ann-z/repo", people=people, salt="pepper")
    assert scrubbed.text == f"As {hash_name('ann-z', 'pepper')} said, `ann-z` and ann-z/repo"
    assert scrubbed.removed == {"login": 1}


def test_mentions_are_hashed_with_the_salt() -> None:
    assert scrub("@bob?", salt="pepper").text == f"@{hash_name('bob', 'pepper')}?"


def test_each_occurrence_is_counted() -> None:
    scrubbed = scrub(f"{GITHUB_TOKEN} {GITHUB_TOKEN} @bob @carol a@b.io")
    assert scrubbed.removed == {"e-mail": 1, "mention": 2, "secret": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "`" * 60_000,
        "`" * 10_000 + "a" * 10_000,
        "`a ``b " * 8_000,
        "![" * 30_000,
        "[a](" * 15_000,
        "<img " * 12_000,
        "<!-- " * 12_000,
        "-eyJaaaaaaaaaaa" * 4_000,
        "//" * 30_000,
        "://a:" * 12_000,
        "a@a." * 15_000,
        "a." * 5_000 + "@" + "a." * 5_000,
        "@a" * 30_000,
        "@a/" * 20_000,
        "authorization: bearer " * 3_000,
        "2000:" * 12_000,
        "_@a-" * 15_000,
        "-----BEGIN A " * 5_000,
        "+1 22 " * 10_000,
        "(555) 123-" * 6_000,
        "555-123-" * 8_000,
        f"://{'0' * 32}@a.b/" * 1_500,
        f"://{'0' * 32}@" + "a/" * 30_000,
        "1.2.3." * 10_000,
        "```\n" * 15_000,
        "> " * 30_000,
        "in commit " + "0123456789abcdef" * 4_000,
        "i have " * 9_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.timeout(10)
def test_a_hostile_text_costs_little_time(text: str) -> None:
    text = text[:20_000]
    begin = time.process_time()
    plain = read_text(text)
    find_reason(plain)
    is_english(plain)
    score_quality(plain)
    scrub(text, text, frozenset({"user-0123456789"}))
    assert time.process_time() - begin < 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "prefix",
    [
        *("sk-", "sk-a", " sk-aaaaaaaaaaaaaaaaaaaa", "sk-" + "a" * 20 + "T3BlbkFJ ", "sk-a" * 50 + "T3BlbkFJ "),
        *("sk-or-v1-0", "sk-ant-", "-gsk_a", "-xai-a", "-hvs.a", "-ya29.a", "-whsec_a", "-ATATT3", "-lin_api_a"),
        *("ATATT3" + "a" * 50 + "=", "-sntrys_eyJ", "?sig=%2F", "-eyJaaaaaaaaaa.", "-----BEGIN A "),
        *("https://discord.com/api/webhooks/1", "https://hooks.slack.com/services/T" + "a" * 400 + "/B", "xoxb-1-"),
        *("awskey", "aws" + "a" * 20 + "key", "AccountKey=", "MaaaaaaaaaaaaaaaaaaaaaaaA.", "glpat-", "glcbt-0a_"),
        *("glagent-" + "a" * 1100 + " ", "pypi-AgEIcHlwaS5vcmc", "SG.a", "0a", "12345678:", "-dckr_pat_a"),
        *("://a:", "a@a.", "a" * 64 + "@", "1.2.3.", "2000:a", "+1 22 ", "+1(22)", "+33 1 22 ", "+1 (0)", "+11"),
        *("(555) 123-", "555-123-", "_@a-", "@a/", "`a ``b ", "```a", "aws_secret_access_key=", "bearer a"),
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.timeout(20)
def test_the_worst_beginning_of_a_pattern_costs_little_time(prefix: str) -> None:
    """As long as GitHub lets a description be."""
    text = (prefix * (65_536 // len(prefix) + 1))[:65_536]
    begin = time.process_time()
    scrub(text)
    assert time.process_time() - begin < 3


def test_twice_is_once() -> None:
    once = scrub(f"{GITHUB_TOKEN} @bob a@b.io 93.184.216.34 +49 30 1234 5678").text
    assert scrub(once).text == once


def test_what_is_found_in_a_store_is_counted(tmp_path: Path) -> None:
    from bench.filter_labels import render_scrubbed

    store = SnapshotStore(tmp_path)
    said = (SnapshotComment(1, "a.c", "@bob and @ann", author_type="User"), SnapshotComment(2, "a.c", "@bob, a@b.io"))
    store.save(Snapshot("octo/demo", 1, comments=(*said, SnapshotComment(3, "a.c", "@eve", author_type="Bot"))))
    assert render_scrubbed(store) == "2 comments: 3 mention, 1 e-mail"


@given(st.text(st.characters(exclude_characters="`~"), max_size=80))
def test_what_stands_in_a_code_block_is_never_taken_for_a_name(code: str) -> None:
    text = f"```suggestion\n@bob {code}\n```"
    assert "mention" not in scrub(text).removed
