# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any request is signed as the vendor's SDK signs it."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import AccessKeyAuth

SIGNED = ("host", "x-sdk-date", "x-project-id", "x-security-token")

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
hosts = st.sampled_from(["drs.eu-de.otc.t-systems.com", "127.0.0.1", "[::1]", "localhost"])
ports = st.sampled_from(["", ":443", ":80", ":8443", ":65535"])
# Dots alone are left out: requests resolves them before there is anything to sign.
segments = st.lists(text.filter(lambda segment: segment.strip(".") or not segment), max_size=6)
queries = st.lists(st.tuples(text.filter(bool), text), max_size=5)
bodies = st.one_of(st.binary(max_size=64), text.map(str.encode))
secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(timezone.utc))


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.sampled_from(["http", "https"]),
    *(hosts, ports, segments, queries, bodies, secrets, secrets, st.none() | secrets, st.none() | secrets, moments),
)
@example("POST", "https", "h", "", ["a", "", ""], [], b"", "a", "s", None, None, datetime(2026, 1, 1))
@example("POST", "https", "h", "", ["a/b", "c"], [], b"", "a", "s", None, None, datetime(2026, 1, 1))
@example(
    "GET",
    "https",
    "h",
    "",
    ["a%2Fb"],
    [("a", "2"), ("A", "1"), ("a", "1")],
    b"",
    "a",
    "s",
    None,
    None,
    datetime(2026, 1, 1),
)
@example("POST", "https", "h", "", ["a+b c~d*e"], [("x+y", "~* ")], b"{}", "a", "s", "t", "p", datetime(2026, 1, 1))
def test_any_request_is_signed_as_the_vendors_sdk_does(
    method: str,
    scheme: str,
    host: str,
    port: str,
    path: list[str],
    query: list[tuple[str, str]],
    body: bytes,
    access_key: str,
    secret_key: str,
    security_token: str | None,
    project_id: str | None,
    moment: datetime,
) -> None:
    encoded = "/".join(quote(segment, safe="") for segment in path)
    url = f"{scheme}://{host}{port}/{encoded}" + (f"?{urlencode(query)}" if query else "")
    auth = AccessKeyAuth(access_key, secret_key, security_token, project_id=project_id, now=lambda: moment)
    signed = requests.Request(method, url, data=body or None, auth=auth).prepare()
    headers = {name.lower(): str(value) for name, value in signed.headers.items()}
    sent = urlsplit(str(signed.url))
    again = SdkRequest(
        method=method,
        resource_path=sent.path,
        query_params=parse_qsl(sent.query, keep_blank_values=True),
        header_params={name: headers[name] for name in SIGNED if name in headers},
        body=body,
    )
    Signer(SimpleNamespace(ak=access_key, sk=secret_key)).sign(again)
    assert headers["authorization"] == again.header_params["Authorization"]
    assert headers["host"] == sent.netloc
