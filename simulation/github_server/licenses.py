"""The licence of a repository, as GitHub shows it."""

from __future__ import annotations

from typing import Any

LICENSES = {
    "MIT": ("mit", "MIT License"),
    "Apache-2.0": ("apache-2.0", "Apache License 2.0"),
    "BSD-2-Clause": ("bsd-2-clause", 'BSD 2-Clause "Simplified" License'),
    "BSD-3-Clause": ("bsd-3-clause", 'BSD 3-Clause "New" or "Revised" License'),
    "ISC": ("isc", "ISC License"),
    "Zlib": ("zlib", "zlib License"),
    "BSL-1.0": ("bsl-1.0", "Boost Software License 1.0"),
    "0BSD": ("0bsd", "BSD Zero Clause License"),
    "Unlicense": ("unlicense", "The Unlicense"),
    "CC0-1.0": ("cc0-1.0", "Creative Commons Zero v1.0 Universal"),
    "MPL-2.0": ("mpl-2.0", "Mozilla Public License 2.0"),
    "LGPL-3.0": ("lgpl-3.0", "GNU Lesser General Public License v3.0"),
    "GPL-2.0": ("gpl-2.0", "GNU General Public License v2.0"),
    "GPL-3.0": ("gpl-3.0", "GNU General Public License v3.0"),
    "AGPL-3.0": ("agpl-3.0", "GNU Affero General Public License v3.0"),
    "NOASSERTION": ("other", "Other"),
}
"""GitHub's key and name by SPDX identifier."""
FILE_NAMES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING", "COPYING.md", "UNLICENSE")
"""Where a licence's text may stand, most wanted first."""


def show_license(identifier: str | None, api: str) -> dict[str, Any] | None:
    """A licence in REST's form; None for none. `api` is the API's address."""
    if identifier is None:
        return None
    key, name = LICENSES.get(identifier, (identifier.lower(), identifier))
    url = None if key == "other" else f"{api}/licenses/{key}"
    return {"key": key, "name": name, "spdx_id": identifier, "url": url, "node_id": f"LI_{key}"}
