"""Excerpts of the trackers' published API descriptions: the operations that we use, the schemas they name, no prose.

In: a whole OpenAPI 3 document (JSON or YAML) and its entry in sources.toml. Out: OpenAPI 3.1 as JSON, in a
fixed order, and with one dialect of JSON Schema (2020-12) to validate with. To make one again, or a newer one:

    python -m tests.report.deliver.apis.excerpt github WHOLE_DOCUMENT [JSON_SCHEMA...]
"""

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
Node = dict[str, Any]

WORDS = ("type", "format", "enum", "const", "required", "pattern", "minLength", "maxLength", "minimum", "maximum",
         "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties",
         "maxProperties", "readOnly", "writeOnly")
"""Keywords of a schema that are facts by themselves."""
PARAMETER = ("name", "in", "required", "style", "explode", "x-multi-segment")
ONE, MANY, NAMED = ("items", "additionalProperties", "not"), ("allOf", "anyOf", "prefixItems"), ("properties",)
"""Keywords that hold a schema, a list of schemas, schemas by name."""
SCHEMAS = "#/components/schemas/"


def sources() -> dict[str, Node]:
    """What each excerpt was made from, by its name: see sources.toml."""
    return tomllib.loads((HERE / "sources.toml").read_text("utf-8"))


def excerpt(whole: Node, operations: list[str], corrections: Mapping[str, Node], definitions: Node) -> Node:
    """Only these operations ("GET /user") of a document.

    `corrections` are merge patches (RFC 7396) by operation or name of a schema, for what the vendor's pages say and the
    document does not. `definitions` are more schemas that they may name.
    Raises ValueError for an operation that the document does not have.
    """
    paths: dict[str, Node] = {}
    for name in operations:
        method, path = name.split(" ")
        item = whole["paths"].get(path, {})
        if method.lower() not in item:
            raise ValueError(f"The document has no operation {name}.")
        found = operation(whole, item, item[method.lower()])
        paths.setdefault(path, {})[method.lower()] = patched(found, corrections.get(name, {}))
    named = whole.get("components", {}).get("schemas", {}) | definitions
    named |= {name: patched(schema(named[name]), corrections[name]) for name in corrections.keys() & named.keys()}
    return {"openapi": "3.1.0", "info": {key: str(whole["info"][key]) for key in ("title", "version")},
            "servers": servers(whole), "paths": paths, "components": {"schemas": reached(paths, named)}}


def servers(node: Node) -> list[Node]:
    return [{"url": server["url"]} for server in node.get("servers", [])]


def resolved(whole: Node, node: Node) -> Node:
    """The node itself, or what it refers to. Source: RFC 6901."""
    while "$ref" in node:
        place: Any = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part.replace("~1", "/").replace("~0", "~")]
        node = place
    return node


def operation(whole: Node, item: Node, found: Node) -> Node:
    """One operation with everything in its place but the schemas, which stay references."""
    listed = [resolved(whole, node) for holder in (item, found) for node in holder.get("parameters", [])]
    parameters = {(one["name"], one["in"]): one for one in listed}
    kept: Node = {
        "operationId": found.get("operationId", ""),
        "parameters": [parameter(one) for _, one in sorted(parameters.items())],
        "responses": {str(status): {"description": "", "content": content(resolved(whole, answer))}
                      for status, answer in found["responses"].items()},
    }
    if "requestBody" in found:
        body = resolved(whole, found["requestBody"])
        kept["requestBody"] = {"required": bool(body.get("required")), "content": content(body)}
    return kept | ({"servers": servers(found)} if "servers" in found else {})


def parameter(found: Node) -> Node:
    kept = {word: found[word] for word in PARAMETER if word in found}
    return kept | {"schema": schema(found.get("schema", {}))}


def content(holder: Node) -> Node:
    return {kind: {"schema": schema(media["schema"])} if "schema" in media else {}
            for kind, media in holder.get("content", {}).items()}


def schema(found: Any) -> Any:
    """The facts of a schema, in the words of JSON Schema 2020-12.

    null is a type, an open limit a number, a list of single items has its own word. oneOf becomes anyOf: vendors list
    kinds of which several fit, and take them.
    """
    if isinstance(found, bool):
        return found
    if "oneOf" in found:
        found = found | {"anyOf": found["oneOf"]}
    if isinstance(found.get("items"), list):
        found = found | {"prefixItems": found["items"], "items": found.get("additionalItems", True)}
    if "$ref" in found:
        kept = {"$ref": found["$ref"].replace("#/definitions/", SCHEMAS)}
    else:
        kept = {word: found[word] for word in WORDS if word in found}
        kept |= {word: schema(found[word]) for word in ONE if word in found}
        kept |= {word: [schema(one) for one in found[word]] for word in MANY if word in found}
        kept |= {word: {name: schema(one) for name, one in found[word].items()} for word in NAMED if word in found}
    for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(kept.get(word), bool) and kept.pop(word):
            kept[word] = kept.pop(limit)
    return or_null(kept) if found.get("nullable") else kept


def or_null(kept: Node) -> Node:
    """The same schema, but null fits too."""
    if "type" not in kept:
        return {"anyOf": [kept, {"type": "null"}]}
    more = {"enum": [*kept["enum"], None]} if None not in kept.get("enum", [None]) else {}
    return kept | {"type": [kept["type"], "null"]} | more


def references(node: Any) -> Iterator[str]:
    """The names of all schemas that are named anywhere in it."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(SCHEMAS)
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from references(one)


def reached(paths: Node, named: Node) -> Node:
    """Every schema that is needed, and those that they need."""
    kept: Node = {}
    waiting = set(references(paths))
    while waiting:
        name = waiting.pop()
        kept[name] = schema(named[name])
        waiting |= set(references(kept[name])) - kept.keys()
    return kept


def patched(target: Any, patch: Any) -> Any:
    """A merge patch applied. Source: RFC 7396; TOML has no null, so the empty string takes a member away."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        merged[name] = patched(merged.get(name), value)
    return {name: value for name, value in merged.items() if patch.get(name) != ""}


def written(document: Node) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: str, expected: str) -> Node:
    """A whole document. Ends with a sentence if it is not the one in sources.toml."""
    raw = Path(path).read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        sys.exit(f"{path} is not the document of sources.toml: its SHA-256 is {found}.")
    document: Node = json.loads(raw) if raw.lstrip().startswith(b"{") else yaml.load(raw, yaml.CSafeLoader)
    return document


def main(name: str, path: str, *schemas: str) -> None:
    """Writes the excerpt of that name; `schemas` are the files under `schemas` in sources.toml, in their order."""
    source = sources()[name]
    definitions = {word: one for file, described in zip(schemas, source.get("schemas", []), strict=True)
                   for word, one in read(file, described["sha256"])["definitions"].items()}
    whole = read(path, source.get("sha256", ""))
    document = excerpt(whole, source["operations"], source.get("corrections", {}), definitions)
    (HERE / f"{name}.json").write_text(written(document), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
