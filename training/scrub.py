"""Take secrets and personal data out of a comment. What is code stays code: a name is only looked for in prose.

Names become the hash that their other comments go by. What a secret looks like says `training.secret_formats`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from training.authors import is_bot
from training.phones import PHONES, is_phone, is_phone_in_code
from training.secret_formats import find_secrets
from training.snapshot import hash_name

USER_INFO: Final = re.compile(
    r"(?<=://)[^\s/@:`'\"<>{}$]+:[^\s/@`'\"<>{}$]+@(?=[\w.-]+)(?!localhost|127\.|(?:[\w-]+\.)*example\.)"
)
SENTRY: Final = re.compile(
    r"(?<=://)[0-9A-Fa-f]{32}(?=@(?!localhost|127\.|(?:[\w-]+\.)*example\.)[\w.-]+(?::\d{1,5})?"
    r"/(?:[\w-]{1,64}/){0,4}\d{1,19}(?![\w-]))"
)
"""The key of a Sentry address: 32 hexadecimal digits, a host, the number of a project."""
EMAIL: Final = re.compile(
    r"(?<![\w.+/-])(?P<who>[\w.+-]{1,64})@(?P<host>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?P<top>[^\W\d_]{2,24}))(?![\w@])"
    r"(?P<goes_on>[(/=])?"
)
RESERVED: Final = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local)(?:\.(?:com|org|net))?$|^users\.noreply\.github\.com$"
)
NO_TOP_LEVEL: Final = frozenset(
    {"c", "cc", "cpp", "css", "gif", "go", "h", "html", "java", "jpeg", "jpg", "js", "json", "md", "mjs", "png", "py"}
    | {"rb", "rs", "sh", "svg", "ts", "tsx", "txt"}
)
COMMON_TOP_LEVEL: Final = frozenset({"com", "de", "edu", "fr", "io", "net", "org", "uk"})
"""Where an address ends although a path or an argument seems to follow."""
ADDRESS: Final = re.compile(r"(?<![\w.:/#-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w)")
ADDRESS_6: Final = re.compile(r"(?<![\w.:/#-])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,34}(?<!:)(?![\w:-]|\.\w)")
DOCUMENTED: Final = IPv6Network("2001:db8::/32")
CODE: Final = re.compile(
    r"^(?P<mark>`{3,}|~{3,}).*?(?:^(?P=mark)|\Z)|(?<!`)(?P<ticks>`{1,3})[^`\n](?:[^\n]*?[^`\n])?(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)
_LOGIN: Final = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?:_[A-Za-z0-9]{2,16})?"
MENTION: Final = re.compile(
    rf"(?:(?<![\w/`.@:-])|(?<=\W_)|(?<=^_)|(?<=\W-)|(?<=^-)|(?<=\w:))@{_LOGIN}(?:/@{_LOGIN})*"
    r"(?![A-Za-z0-9]|_\w|[(@=]|/[^@\s]|-[\w-]|:[^\s*_)]|\.\w)",
    re.MULTILINE,
)
"""One login, or several with `/` between them; `@scope/package`, `@name(` and `@name.attribute` are code."""
NAMED_IN_CODE: Final = re.compile(r"@([\w-]+)")
WORD: Final = re.compile(r"(?<![\w@/.-])[A-Za-z0-9][A-Za-z0-9-]{2,38}(?![\w/-])")
HASHED: Final = re.compile(r"user-[0-9a-f]{10}")
TAGS: Final = frozenset(
    {
        "abstract", "all", "alpha", "author", "autowired", "bean", "beta", "brief", "canary", "channel", "charset",
        "classmethod", "component", "const", "copyright", "dataclass", "default", "deprecated", "details", "diff",
        "else", "enum", "event", "everyone", "example", "experimental", "extends", "file", "fires", "font-face",
        "for", "here", "if", "ignore", "implements", "import", "inheritdoc", "inject", "input", "interface",
        "internal", "keyframes", "latest", "license", "link", "listens", "main", "mainactor", "memberof", "method",
        "mixin", "module", "name", "namespace", "next", "note", "notnull", "nullable", "observable", "output",
        "override", "package", "param", "parameter", "private", "property", "protected", "public", "published",
        "readonly", "return", "returns", "section", "see", "since", "state", "static", "staticmethod", "summary",
        "suppress", "synchronized", "test", "this", "throws", "time", "todo", "ts-expect-error", "ts-ignore",
        "ts-nocheck", "type", "typedef", "typeparam", "version",
    }
)  # fmt: skip
"""What follows an `@` in documentation, annotations and package versions: no people."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A text without secrets and personal data, and how many of each kind were taken out."""

    text: str
    removed: dict[str, int]


def scrub(text: str, hunk: str = "", people: frozenset[str] = frozenset(), salt: str = "") -> Scrubbed:
    """Take out secrets, e-mail addresses, public IP addresses and phone numbers; hash mentions and logins.

    Args:
        text: A comment, in Markdown.
        hunk: The code that it is about: an `@name` that stands there is no person.
        people: Hashed names of those who take part; their logins are hashed wherever they stand as words in prose.
        salt: What names are hashed with.
    """
    removed: Counter[str] = Counter()
    for secret in sorted(set(find_secrets(text)), key=lambda found: (-len(found), found)):
        removed["secret"] += text.count(secret)
        text = text.replace(secret, "[secret]")
    if "@" in text:
        text = _replace(USER_INFO, "secret", removed, text, "[secret]@")
        text = _replace(SENTRY, "secret", removed, text, "[secret]")
        text = _replace(EMAIL, "e-mail", removed, text, _hide_email)
    text = _replace(ADDRESS, "address", removed, text, _hide_address)
    text = _replace(ADDRESS_6, "address", removed, text, _hide_address_6)
    in_prose, in_code = (partial(_hide_phones, is_one=one, removed=removed) for one in (is_phone, is_phone_in_code))
    text = _map_parts(text, in_prose, in_code)
    names = partial(_hide_names, hunk=hunk, people=people, salt=salt, removed=removed)
    return Scrubbed(_map_parts(text, names), dict(sorted(removed.items())))


Hide = Callable[[re.Match[str]], str | None]


def _replace(pattern: re.Pattern[str], kind: str, removed: Counter[str], text: str, hide: Hide | str) -> str:
    def put(found: re.Match[str]) -> str:
        other = hide if isinstance(hide, str) else hide(found)
        if other is None:
            return found[0]
        removed[kind] += 1
        return other

    return pattern.sub(put, text)


def _hide_email(found: re.Match[str]) -> str | None:
    """None for what is none: `git@host`, an image's `@2x.png`, an address of a reserved domain, `x@module.name(`."""
    top, goes_on = found["top"].lower(), found["goes_on"] or ""
    if found["who"] == "git" or top in NO_TOP_LEVEL or RESERVED.search(found["host"].lower()):
        return None
    return None if goes_on and top not in COMMON_TOP_LEVEL else f"[e-mail]{goes_on}"


def _hide_address(found: re.Match[str]) -> str | None:
    """None for addresses of no machine of anybody's: private, reserved, for documentation, and made-up patterns."""
    parts = found[0].split(".")
    if any(int(part) > 255 or part != str(int(part)) for part in parts) or len(set(parts)) == 1:  # noqa: PLR2004 - a byte
        return None
    address = IPv4Address(found[0])
    plain = not address.is_global or address.is_multicast or all(int(part) < 32 for part in parts)  # noqa: PLR2004 - versions
    return None if plain else "[address]"


def _hide_address_6(found: re.Match[str]) -> str | None:
    try:
        address = IPv6Address(found[0])
    except ValueError:
        return None
    return "[address]" if address.is_global and address not in DOCUMENTED else None


def _hide_phones(text: str, *, is_one: Callable[[re.Match[str]], bool], removed: Counter[str]) -> str:
    for pattern in PHONES:
        text = _replace(pattern, "phone", removed, text, lambda found: "[phone]" if is_one(found) else None)
    return text


def _map_parts(text: str, prose: Callable[[str], str], code: Callable[[str], str] = str) -> str:
    """The text with what stands between pieces of code changed, and the code if that is given."""
    pieces, at = [], 0
    for found in CODE.finditer(text):
        pieces += [prose(text[at : found.start()]), code(found[0])]
        at = found.end()
    return "".join([*pieces, prose(text[at:])])


def _hide_names(prose: str, *, hunk: str, people: frozenset[str], salt: str, removed: Counter[str]) -> str:
    in_code = frozenset(NAMED_IN_CODE.findall(hunk)) if "@" in prose else frozenset()

    def hide_mention(found: re.Match[str]) -> str | None:
        names = found[0].removeprefix("@").split("/@")
        people_named = [name for name in names if _is_person(name, in_code)]
        if not people_named:
            return None
        removed["mention"] += len(people_named) - 1
        return "/".join(f"@{_hash(name, salt) if name in people_named else name}" for name in names)

    def hide_login(found: re.Match[str]) -> str | None:
        name = _hash(found[0], salt)
        return name if name in people else None

    if "@" in prose:
        prose = _replace(MENTION, "mention", removed, prose, hide_mention)
    return _replace(WORD, "login", removed, prose, hide_login) if people else prose


def _is_person(name: str, in_code: frozenset[str]) -> bool:
    """Whether a mention may be somebody's. Nobody says what kind of account it is: `@claude` may be a person."""
    return not (name.lower() in TAGS or HASHED.fullmatch(name) or is_bot(name, "User") or name in in_code)


@lru_cache(maxsize=65_536)
def _hash(login: str, salt: str) -> str:
    return hash_name(login, salt)
