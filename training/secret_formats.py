"""The formats of secrets: those that detect-secrets knows and nothing else looks like, and some that it does not know.

Its entropy and keyword plugins are not used: in review comments they find commit hashes and test vectors, no secrets.
Every pattern here takes a time that grows no faster than the text: whatever may be long is bounded, or can begin only
where nothing of its kind stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final

PLUGINS: Final = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "mailchimp": "MailchimpDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
"""Modules below detect_secrets.plugins and their classes. OpenAI's is not among them: on `sk-sk-sk-...` its time grows
with the square of the length."""
TOKEN: Final = re.compile(
    r"github_pat_\w{60,}|\bnpm_[A-Za-z0-9]{36}|(?<=_authToken=)[\w-]{36}|\bdckr_pat_[\w-]{20,}|\bAIza[\w-]{35}"
    r"|sk-(?:ant|proj|svcacct)-[\w-]{30,}|sk-or-v1-[0-9a-f]{64}|sk-[\w-]{20,200}?T3BlbkFJ[\w-]{20,}"
    r"|(?<![\w-])sk-(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{32,}(?![\w-])"
    r"|\bhf_[A-Za-z0-9]{30,}|\bgsk_[A-Za-z0-9]{50,}|\bxai-[A-Za-z0-9]{70,}"
    r"|\bhv[bs]\.(?=[A-Za-z_-]{0,60}\d)[\w-]{24,}|\bya29\.[\w-]{30,}|\bdo[opr]_v1_[0-9a-f]{64}"
    r"|\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|\bAT[AC]TT3[\w-]{50,}(?:=\w{1,16})?|\bwhsec_[A-Za-z0-9+/]{24,}=*"
    r"|\blin_api_[A-Za-z0-9]{32,}|\bsntrys_eyJ[\w+/=-]{40,}|\bsntryu_[0-9a-f]{64}"
    r"|https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{17,20}/[\w-]{60,}"
    r"|\beyJ[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{10,}"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]+-----|\Z)",
    re.DOTALL,
)
"""In order: GitHub, npm, Docker, Google; OpenAI, Anthropic, OpenRouter and others whose keys begin with `sk-`;
Hugging Face, Groq, xAI; Vault, Google's OAuth, DigitalOcean, Shopify, Atlassian, Stripe's webhooks, Linear, Sentry,
Discord's webhooks; JSON Web Tokens; private keys."""
NAMED: Final = re.compile(
    r"\bauthorization[\"']?[ ]?[:=][ ]?[\"']?bearer[ ]+(?=[\w.~+/-]{0,200}\d)([\w.~+/-]{20,}=*)"
    r"|\baws_?secret_?(?:access_?)?key[\"']?[ ]?[:=][ ]?[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
    r"|(?<=[?&;])sig=((?:[A-Za-z0-9/+]|%[0-9A-F]{2}){40,}=?)",
    re.IGNORECASE,
)
"""Secrets that nothing but the name before them tells from other words; the last is the signature of a link to Azure's
storage."""
MIN_SECRET: Final = 16
LONG: Final = re.compile(r"[\w-]{20}|-----BEGIN|\bwhsec_")
"""What every token has in it: texts without it need no closer look."""


def find_secrets(text: str) -> Iterator[str]:
    """All secrets of a text, one as often as it stands there."""
    yield from (found[found.lastindex or 0] for found in NAMED.finditer(text))
    if not LONG.search(text):
        return
    yield from TOKEN.findall(text)
    for plugin in _load_plugins():
        yield from (_choose_secret(found) for pattern in plugin.denylist for found in pattern.finditer(text))


def _choose_secret(found: re.Match[str]) -> str:
    """The part in brackets where a plugin's pattern has the secret there, as in `aws_key = "(...)"`, else all of it."""
    inner = max((group for group in found.groups() if group), key=len, default="")
    return inner if len(inner) >= MIN_SECRET else found[0]


@cache
def _load_plugins() -> tuple[Any, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{name}"), kind)() for name, kind in PLUGINS.items())
