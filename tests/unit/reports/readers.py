# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reads the reports: the schemas, the definition of JUnit, and Prometheus."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jsonschema import Draft202012Validator
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families
from referencing import Registry, Resource

from ansible_collections.cutover.drs.plugins.plugin_utils._report import write
from ansible_collections.cutover.drs.tests.unit.reports.results import wait_result

HERE = Path(__file__).parent
SCHEMAS = Path(write.__file__).parents[3] / "docs" / "schemas"


@cache
def waited(verdict: str, jobs: int) -> dict[str, Any]:
    return wait_result(verdict, jobs)


@cache
def validator(name: str) -> Draft202012Validator:
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    registry = Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in schemas])
    schema = next(schema for schema in schemas if schema["$id"].endswith(f"/{name}.schema.json"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=registry)


def junit(text: str) -> ElementTree.Element:
    etree.XMLSchema(etree.parse(HERE / "junit.xsd")).assertValid(etree.fromstring(text.encode()))
    return ElementTree.fromstring(text)


def metrics(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and labels but the title, after what Prometheus asks of names and of the file."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        assert re.fullmatch(r"drs_[a-z_]+[a-z]", family.name)
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_info", "_minutes", "_percent"))
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("title")
            # Prometheus sets these itself, and renames the ones of a target.
            assert not {"job", "instance"} & set(labels)
            key = (sample.name, *labels.values())
            assert key not in found
            found[key] = sample.value
    described = re.findall("^# (HELP|TYPE) ([a-z_]+) ", text, re.MULTILINE)
    assert sorted(described) == sorted((what, name) for name in {key[0] for key in found} for what in ("HELP", "TYPE"))
    return found
