# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret in any form, inside any text, is in no output; what is no secret stays."""

from __future__ import annotations

import html
import json
import re
import shlex
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor

MASK = "********"


def numbered(template: str) -> Callable[[str], str]:
    """Spell each character by its number."""
    return lambda text: "".join(template.format(ord(char)) for char in text)


def escaped_in_json(text: str) -> str:
    """As an encoder that escapes whatever it may, such as Go's with HTML escaping."""
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def base64_of(text: str) -> str:
    return b64encode(text.encode()).decode()


def with_user(text: str, user: str = "demo") -> str:
    return base64_of(f"{user}:{text}")


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "URL": quote,
    "URL without slashes": lambda text: quote(text, safe=""),
    "URL in small letters": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "form": quote_plus,
    "URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, all escaped": escaped_in_json,
    "JSON of a URL": lambda text: json.dumps(quote_plus(text))[1:-1],
    "URL of JSON": lambda text: quote(json.dumps(text)[1:-1], safe=""),
    "HTML": html.escape,
    "HTML, named": lambda text: html.escape(text).replace("=", "&equals;").replace("/", "&sol;"),
    "HTML by numbers": numbered("&#{0};"),
    "HTML by hexadecimal numbers": numbered("&#x{0:X};"),
    "HTML in JSON": lambda text: html.escape(text).replace("&", "\\u0026"),
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "base64": base64_of,
    "base64 of a URL": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "base64 with a user": with_user,
    "base64 with a user of another length": lambda text: with_user(text, "joe"),
    "base64 with one more": lambda text: with_user(text, "somebody"),
    "base64 in a URL": lambda text: quote(with_user(text), safe=""),
    "quoted by a shell": shlex.quote,
    "quoted by Python": lambda text: repr(text)[1:-1],
}
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=64) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=8, max_size=64
).filter(lambda text: text == text.strip())
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    ["\\", "\\u00", "&", "&amp;", "&#", "%", "%2", "password=", "Basic ", "{'a': '", "://u:", "MASK", "********"]
)


def revealed(output: str, secret: str, echo: str) -> bool:
    """Whether an output has 16 characters of the echo, or a secret that is shorter in full, in any reading."""
    enough = min(16, len(echo))
    readings = {output, unquote(output), unquote_plus(output), html.unescape(output), output.replace("\\", "")}
    if any(secret in reading for reading in readings):
        return True
    return len(echo) >= 16 and any(echo[:enough] in reading for reading in readings)


@given(secret=SECRETS, form=st.sampled_from(sorted(FORMS)), before=TEXTS, after=TEXTS)
@example(secret="aaaaaaaa", form="as it is", before="aaa", after="aaa")
@example(secret="\\n\\n\\n\\n\\", form="JSON", before="\\", after="\\")
@example(secret="0000000\U00012544", form="quoted by Python", before="", after="")
@example(secret="u003du003d", form="as it is", before="\\", after="")
def test_a_secret_in_any_form_inside_any_text_is_in_no_output(secret: str, form: str, before: str, after: str) -> None:
    echo = FORMS[form](secret)
    output = Redactor(secret).text(before + echo + after)
    assert MASK in output
    if secret not in before + after:
        assert not revealed(output, secret, echo)


@pytest.mark.parametrize("echo", ["a long pass+word", "a+long+pass+word", "a+long pass+word", "a+long+pass%2Bword"])
def test_a_space_that_a_form_spells_is_the_secret_too(echo: str) -> None:
    assert Redactor("a long pass+word").text(f"+30s {echo} 63%") == f"+30s {MASK} 63%"


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        (r"pass\\word", r"pass\word", MASK),
        ("a password\\\\", "of a password\\", f"of {MASK}"),
        ("a password\\\\", "+30s a password\\", f"+30s {MASK}"),
    ],
)
def test_two_backslashes_that_come_back_as_one_are_the_secret_too(secret: str, text: str, masked: str) -> None:
    redact = Redactor(secret)
    assert redact.needed(text)
    assert redact.text(text) == masked


@given(secret=SECRETS, form=st.sampled_from(sorted(FORMS)), before=TEXTS, after=TEXTS, at=st.integers(16, 64))
def test_sixteen_characters_of_a_secret_are_enough(secret: str, form: str, before: str, after: str, at: int) -> None:
    """A server may cut what it quotes, here before it spells it."""
    cut = secret[:at]
    if len(cut) < 16:
        return
    echo = FORMS[form](cut)
    output = Redactor(secret).text(f"{before}{echo} {after}")
    assert MASK in output
    assert not revealed(output, cut, echo)


@given(secret=SECRETS, form=st.sampled_from(["base64", "base64 with a user", "URL", "JSON"]), before=TEXTS)
def test_a_form_that_is_cut_is_masked_too(secret: str, form: str, before: str) -> None:
    echo = FORMS[form](secret)
    # Enough of the secret is left, wherever its form begins.
    cut = echo[: max(len(echo) - 4, 0)]
    whole = with_user(secret) if "base64" in form else secret
    if len(secret) < 24 or len(cut) < len(whole) * 3 // 4:
        return
    assert MASK in Redactor(secret).text(before + cut)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (r"token\u003dMIIF\/tail-of-it", r"token\u003d********"),
        ("token&#x3D;MIIF&#x2F;tail-of-it&amp;next", "token&#x3D;********&amp;next"),
        ("token%3DMIIF%2Ftail-of-it&next", "token%3D********&next"),
        ("Basic ZGVwbG95Ok1JSUYvdGFpbC1vZi1pdA== was refused", "Basic ******** was refused"),
    ],
)
def test_only_the_secret_is_masked(text: str, masked: str) -> None:
    assert Redactor("MIIF/tail-of-it").text(text) == masked


def test_a_line_end_after_a_secret_is_no_part_of_it() -> None:
    assert Redactor("Pa55w0rd\n").text("wrong password 'Pa55w0rd'") == f"wrong password '{MASK}'"


def test_fewer_than_sixteen_characters_of_a_secret_are_harmless_text() -> None:
    assert Redactor("migration-of-orders-2026").text("migration") == "migration"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "jdbc:mysql://10.0.0.1:3306/shop?user=drs&password=hunter2&useSSL=true",
            "jdbc:mysql://10.0.0.1:3306/shop?user=drs&password=********&useSSL=true",
        ),
        (
            "jdbc:sqlserver://h;user=sa;Password=hunter2;encrypt=true",
            "jdbc:sqlserver://h;user=sa;Password=********;encrypt=true",
        ),
        (r"url=jdbc:x?password\u003dhunter2", r"url=jdbc:x?password\u003d********"),
        ('password="hunter 2" refused', "password=******** refused"),
        ("trustStorePassword=hunter2", "trustStorePassword=********"),
        ("mongodb://drs:hunter2@10.0.0.1:27017/admin", "mongodb://drs:********@10.0.0.1:27017/admin"),
    ],
)
def test_the_login_of_a_database_is_masked_though_it_is_not_known(text: str, masked: str) -> None:
    redact = Redactor()
    assert redact.needed(text)
    assert redact.text(text) == masked
    assert redact.text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "The password is wrong.",
        "https://drs.example.com:443/v3/jobs",
        "9a470239-2308-4bb5-a6bc-1040402fjb21",
        "Progress 94%, 5 % + 3 & more",
        'Basic realm="the proxy"',
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert Redactor("simulated-password", "a token of some length").text(text) == text


def test_what_base64_holds_is_what_the_fuzz_says() -> None:
    assert b64decode(FORMS["base64 with a user"]("Pa55w0rd")) == b"demo:Pa55w0rd"
