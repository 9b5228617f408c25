# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The regions whose hosts are published. A login never goes to a host that was only guessed.

Sources: the endpoint pages of Open Telekom Cloud, and the regions in the vendor's SDK 3.1.219.
"""

from __future__ import annotations

from ..._job.errors import configuration_error

_DOMAINS = {
    "otc.t-systems.com": "eu-de eu-nl",
    "myhuaweicloud.eu": "eu-west-101",
    "myhuaweicloud.com": """
        ae-ad-1 af-north-1 af-south-1
        ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
        cn-east-2 cn-east-3 cn-east-4 cn-east-5
        cn-north-1 cn-north-2 cn-north-4 cn-north-9 cn-north-11 cn-north-12
        cn-south-1 cn-south-2 cn-south-4 cn-southwest-2 cn-southwest-3
        eu-west-0 la-north-2 la-south-2 me-east-1 my-kualalumpur-1 na-mexico-1
        ru-moscow-1 ru-northwest-2 sa-brazil-1 tr-west-1
    """,
}
DOMAIN_OF = {region: domain for domain, regions in _DOMAINS.items() for region in regions.split()}


def base_url(service: str, region: str) -> str:
    """The published base URL of a service (``drs``, ``iam``). Raises :class:`DrsError` for a region that is not known."""
    domain = DOMAIN_OF.get(region)
    if domain is None:
        raise configuration_error(
            f"region: {region!r} is not a known region. Set endpoint (and auth_url) for regions of other clouds."
        )
    return f"https://{service}.{region}.{domain}"
