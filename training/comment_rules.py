"""Rules on a comment's words: why it teaches nothing about the lines that it stands on. Each is a pattern and a limit.

A rule that could take a good comment with it only holds for short prose without code: whoever writes three sentences
and a suggestion has said something, whatever else the words are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from training.filtered import FilterReason

FENCE: Final = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
QUOTED: Final = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
HIDDEN: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
IMAGE: Final = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)|<img\b[^>]*>")
LABELLED: Final = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
LINK: Final = re.compile(r"<?https?://\S+>?")
HASH: Final = re.compile(r"\b(?=\w*\d)[0-9a-f]{7,40}\b")
WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
SPAN: Final = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True, slots=True)
class CommentText:
    """A comment taken apart: `prose` is what is neither code, quote nor hidden; code in a line stands in it still."""

    body: str
    prose: str
    words: tuple[str, ...]
    """Of the prose without links, hashes and code, in lower case."""
    code: str
    """What its fenced blocks hold, their first lines with the language included."""
    has_suggestion: bool

    @property
    def has_code(self) -> bool:
        """Whether code stands in it, in a block or in a line."""
        return bool(self.code.strip()) or bool(SPAN.search(self.prose))


def read_text(body: str) -> CommentText:
    """Take a comment's Markdown apart."""
    blocks = [found[2] for found in FENCE.finditer(body)]
    prose = HIDDEN.sub(" ", QUOTED.sub("", FENCE.sub("\n", body))).strip()
    plain = LINK.sub(" ", LABELLED.sub(r" \1 ", IMAGE.sub(" ", SPAN.sub(" ", prose))))
    words = tuple(word.lower().replace("\u2019", "'") for word in WORD.findall(HASH.sub(" ", plain)))
    suggested = any(block.lstrip().startswith("suggestion") for block in blocks)
    return CommentText(body, prose, words, "".join(blocks), suggested)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AGENT: Final = _any(
    r"🤖\s*(?:generated|written|addressed|prompt)",
    r"generated (?:with|by) \[?(?:claude|codex|copilot|cursor|devin|gemini)",
    r"co-authored-by: (?:claude|codex|copilot|cursor)",
    r"<!-- (?:bugbot|devin|fingerprinting|greptile|suggestion_start|this is an auto)",
    r"prompt for (?:ai agents|all review comments)|📝 committable suggestion|suggestion importance\[1-10\]",
    r"_(?:⚠️|🛠️|🧹|💡|🔒|🎯)[^_\n]{0,40}_|codereviewagent/|img\.shields\.io/badge/p\d",
    r"(?:was this helpful\? )?react (?:with )?👍 (?:/|or) 👎|reviewed by cursor|spotted by (?:diamond|graphite)",
    r"actionable comments posted|\bas an ai (?:language )?model\b",
    r"\A\s*\*\*\[(?:blocker|critical|major|minor|nit|suggestion|warning)\][^\n]{0,120}?\*\*",
    r"\A\s*\*\*(?:critical|high|major|medium|minor)\b[^*\n]{0,120}\*\*",
    r"\A\s*\*\*(?:issue|nitpick|question|suggestion) \((?:bug_risk|code-\w+|complexity|llm|performance|security|testing"
    r"|typo)\):",
)
"""What review programs write, whatever account they write with: signatures, hidden markers, layouts."""
LINTER: Final = _any(
    r"\A(?:[\w./\\-]+: in [^\n]*\n)?[\w./\\-]+:\d+(?::\d+)?: (?:fatal |runtime )?"
    r"(?:error|note|style|warning|[CEFRW]\d{3,4})\b",
    r"\A\[?(?:clang-tidy|cppcheck|eslint|flake8|golint|hadolint|pylint|rubocop|shellcheck|stylelint)\]?"
    r"(?: found| reported)?[:\]]",
    r"\A\[(?:error|info|warn|warning)\] ",
)

ACKNOWLEDGING: Final = _words(
    "ack acked acknowledged added addressed adjusted agree agreed amazing applied awesome beautiful brilliant catch"
    " changed cheers concur cool corrected done excellent fantastic fixed good great implemented impressive indeed lgtm"
    " love lovely merged nack neat nice ok okay oops oopsies perfect pushed reasonable removed renamed resolved"
    " reverted right sense sgtm smart sorry sounds super sweet thank thanks thx tnx true ty updated utack welcome"
    " wonderful wow yeah yep yes yup"
)
FILLING: Final = _words(
    "a about absolutely actually again all also am and are as be been but can changes completely concept definitely"
    " did do exactly fair feedback for from glad going guess haha have here hey hi hm hmm how i i'd i'll i'm i've idea"
    " in is it it's job just know like likes looks looking lot made makes me much my nevermind never nit nits nope not"
    " now of oh on out pr really review reviewed reviewing see seems so solution sure tested that that's the there"
    " this to too totally up us very was we well will with work works would you your"
)
MAX_ACKNOWLEDGEMENT: Final = 25
"""Words of an acknowledgement, at most."""

PROCESS: Final = _any(
    r"\b(?:re-?bas(?:e|ed|es|ing)|squash(?:ed|ing)?|fix-?up commits?|force[- ]push(?:ed)?|cherry[- ]pick(?:ed)?)\b",
    r"\b(?:merge|the|this|fix) conflicts?\b|\bsign(?:ed)?[- ]?off\b|\b(?:dco|cla)\b|\bback-?port(?:ed)?\b",
    r"\b(?:same|separate|different|another|other|previous|earlier|next|later|first|second|third|last|final|own|single"
    r"|one|two|which|wrong|that) commits?\b|\bcommit (?:message|title|history|description)s?\b",
    r"\b(?:separate|different|another|follow-?up|own) (?:pr|pull request)s?\b|\bpr (?:description|title|body)\b",
    r"\b(?:open|create|file|raise)(?:e?d)? (?:an?|another|the) (?:follow-?up )?(?:issue|ticket|pr)\b",
    r"\b(?:from|on|with) (?:the )?latest (?:main|master|changes?)\b|\b(?:changelog|release notes?) entry\b",
    r"\bretrigger|\bre-?run (?:the )?(?:ci|checks?)\b",
    r"\b(?:ci|build|pipeline|checks?) (?:is|are|seems?|still|keeps?) (?:fail\w*|red|broken)\b",
)
PROCESS_WORDS: Final = 25
COMMIT_WORDS: Final = 90
"""The same for a comment that begins with the commit that it is about."""
IN_COMMIT: Final = re.compile(r"\A\s*(?:re:? )?in (?:commit )?[\"“`]?[^\n]*[0-9a-f]{7,40}\)?:?", re.IGNORECASE)

ELSEWHERE: Final = _any(
    r"\b(?:ditto|idem|likewise)\b",
    r"\bsame (?:here|there|as (?:above|below|before|previous)|comment|concern|issue|nit|question|remark|thing)\b",
    r"\bas (?:above|before|discussed|mentioned|noted|said)\b|\b(?:again|also|and) here\b|\bhere (?:too|also|as well)\b",
    r"(?:\A|[.,;(:] ?)(?:see|per|cf\.?) (?:my |the )?(?:\w+ ){0,2}(?:above|below|comments?|discussion|thread)\b",
    r"\b(?:my|the) (?:above|earlier|last|other|previous) (?:comment|question|remark|suggestion)\b",
)
ELSEWHERE_WORDS: Final = 6

ENGLISH: Final = _words(
    "a an and are as at be but by can could do does for from have here how i if in is it just like make me more need"
    " nit not of on one or please should so than that the then there these this to use was we what when where which"
    " why will with would you"
)
ENGLISH_FROM: Final = 8
"""Words from which one of the commonest must be among them."""
LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
LATIN_SHARE: Final = 0.8


def is_agent(text: CommentText) -> bool:
    """Whether it has a mark that review programs leave."""
    return bool(AGENT.search(text.body))


def is_linter(text: CommentText) -> bool:
    """Whether it is the output of a compiler or a linter."""
    return bool(LINTER.search(text.body.strip().lstrip("`\r\n")))


def is_links_only(text: CommentText) -> bool:
    """Whether nothing but a link or a picture stands there."""
    return not text.words and not text.has_code and bool(LINK.search(text.prose) or IMAGE.search(text.prose))


def is_acknowledgement(text: CommentText) -> bool:
    """Whether nothing but thanks, praise, assent or "done" is said."""
    words = set(text.words)
    brief = len(text.words) <= MAX_ACKNOWLEDGEMENT and not text.has_code and "?" not in text.prose
    return brief and bool(words & ACKNOWLEDGING) and words <= ACKNOWLEDGING | FILLING


def is_process(text: CommentText) -> bool:
    """Whether it is about commits, branches, checks or the pull request's own words, and not about the lines."""
    headed = IN_COMMIT.match(text.prose)
    prose = text.prose[headed.end() :] if headed else text.prose
    brief = len(text.words) <= (COMMIT_WORDS if headed else PROCESS_WORDS) and not (
        text.code if headed else text.has_code
    )
    return brief and bool(PROCESS.search(prose))


def is_about_elsewhere(text: CommentText) -> bool:
    """Whether it says no more than that something said elsewhere holds here too."""
    return len(text.words) <= ELSEWHERE_WORDS and not text.has_code and bool(ELSEWHERE.search(text.prose))


RULES: Final[tuple[tuple[FilterReason, Callable[[CommentText], bool]], ...]] = (
    (FilterReason.AGENT, is_agent),
    (FilterReason.LINTER, is_linter),
    (FilterReason.LINKS, is_links_only),
    (FilterReason.ACKNOWLEDGEMENT, is_acknowledgement),
    (FilterReason.PROCESS, is_process),
    (FilterReason.ELSEWHERE, is_about_elsewhere),
)


def find_reason(text: CommentText) -> FilterReason | None:
    """The first rule that says why a comment is no example; None when none does."""
    return next((reason for reason, holds in RULES if holds(text)), None)


def is_english(text: CommentText) -> bool:
    """Whether the prose may be English: Latin letters, and in longer texts some of the commonest words."""
    letters = "".join(text.words)
    if len(LATIN.findall(letters)) < LATIN_SHARE * len(letters):
        return False
    return len(text.words) < ENGLISH_FROM or any(word in ENGLISH for word in text.words)
