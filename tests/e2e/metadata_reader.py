"""Reads metadata in source format and says it as an org file does: what a deployment would make of an org."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


def deployed(document: dict[str, Any], folder: Path, *, user: str | None = None) -> dict[str, Any]:
    """The org's definition with the folder's metadata in it; a user has the rights of its permission set."""
    org = copy.deepcopy(document)
    source = folder / "force-app" / "main" / "default"
    for path in sorted(source.glob("objects/*/*.object-meta.xml")):
        org["objects"].append({"name": path.parent.name, "label": _texts(path)["label"], "key_prefix": "a0r"})
    for path in sorted(source.glob("objects/*/fields/*.field-meta.xml")):
        org["fields"].append(_field(path))
    [permissions] = source.glob("permissionsets/*.permissionset-meta.xml")
    rights = ET.parse(permissions).getroot().findall(f"{NAMESPACE}objectPermissions")
    if user is not None:
        org["object_permissions"] = [_right(each, user) for each in rights]
    return org


def _texts(path: Path) -> dict[str, str]:
    return {each.tag.removeprefix(NAMESPACE): each.text or "" for each in ET.parse(path).getroot()}


def _field(path: Path) -> dict[str, Any]:
    texts = _texts(path)
    assert path.name == f"{texts['fullName']}.field-meta.xml"
    return {
        "object": path.parent.parent.name,
        "name": texts["fullName"],
        "label": texts["label"],
        "type": texts["type"],
        "length": int(texts["length"]),
        "external_id": texts["externalId"] == "true",
        "unique": texts["unique"] == "true",
        "case_sensitive": texts.get("caseSensitive") == "true",
    }


def _right(right: ET.Element, user: str) -> dict[str, Any]:
    texts = {each.tag.removeprefix(NAMESPACE): each.text for each in right}
    words = {"read": "allowRead", "create": "allowCreate", "edit": "allowEdit", "delete": "allowDelete"}
    return {"object": texts["object"], "user": user} | {
        word: texts[name] == "true" for word, name in words.items()
    }
