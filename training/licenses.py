"""Which licences of a repository let its code be learned from: permissive ones, by SPDX identifier."""

from __future__ import annotations

from typing import Literal

LicenseRule = Literal["permissive", "any"]

PERMISSIVE = frozenset(
    {
        "0BSD",
        "AFL-3.0",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "Artistic-2.0",
        "BlueOak-1.0.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-2-Clause-Patent",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "BSL-1.0",
        "CC0-1.0",
        "curl",
        "ECL-2.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MulanPSL-2.0",
        "NCSA",
        "PostgreSQL",
        "PSF-2.0",
        "Python-2.0",
        "Unicode-3.0",
        "Unlicense",
        "UPL-1.0",
        "W3C",
        "X11",
        "Zlib",
    }
)
"""Licences that ask for no more than a notice, and exceptions to them, which only allow more.

What asks for the same licence back (GPL, MPL, EPL) is not here.
"""
_SPELLING = frozenset(name.lower() for name in PERMISSIVE)


def is_permissive(spdx: str) -> bool:
    """Whether an SPDX expression, in any case, is permissive: `A OR B` when one is, `A AND B` when both are."""
    choices = [choice.split(" AND ") for choice in spdx.replace("(", " ").replace(")", " ").split(" OR ")]
    return any(all(part.strip().lower() in _SPELLING for part in choice) for choice in choices)


def refuse_license(spdx: str, rule: LicenseRule) -> str:
    """Why a repository is left out, or nothing. `NOASSERTION` is what GitHub says of a text that it does not know."""
    if rule == "any" or is_permissive(spdx):
        return ""
    if spdx in {"", "NONE"}:
        return "no licence"
    return "an unknown licence" if spdx == "NOASSERTION" else f"the licence {spdx}"
