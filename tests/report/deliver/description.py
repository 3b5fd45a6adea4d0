"""A tracker's published API description, read: which operation a request is for, and whether request and answer fit it.

In: the excerpts under apis/. Out: `operations`, `find`, `wrong_request`, `wrong_answer`, `answer`, `documented_errors`.
Requests are held to more than the description says: a member or a query parameter that it does not name is wrong too,
as is one that is only for reading. The vendor might ignore it, but we meant something by it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs
from jsonschema import Draft202012Validator
from werkzeug.formparser import parse_form_data

Node = dict[str, Any]
APIS = Path(__file__).parent / "apis"
ALWAYS = {401, 403, 404, 409, 413, 422, 429, 500, 503}
"""Any server may answer these, whether its description says so or not."""
PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "array": [], "null": None}
PLAINLY_FILLED = ("string", "integer", "boolean")
QUICK: dict[tuple[int, str], Any] = {}
"""What `quick` has made."""
DOCUMENTS = {"#/components/schemas/doc_node"}
"""Schemas of documents, which are answered as they were given."""
FORMATS = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "uri": "https://example.com/",
           "email": "someone@example.com", "binary": ""}


@dataclass(frozen=True)
class Operation:
    """One operation of a description. `name` is "GET /user"; `host` is set if it is served by another host."""

    name: str
    host: str
    node: Node
    components: Node

    @property
    def method(self) -> str:
        return self.name.split(" ")[0]

    @property
    def parameters(self) -> list[Node]:
        return list(self.node["parameters"])

    @property
    def path(self) -> re.Pattern[str]:
        """Matches its paths, percent-encoded; its groups are the parameters in the order of `placeholders`."""
        long = {one["name"] for one in self.parameters if one.get("x-multi-segment")}
        parts = re.split(r"{(.+?)}", self.name.split(" ")[1])
        return re.compile("".join(f"({'.+' if part in long else '[^/]+'})" if odd % 2 else re.escape(part)
                                  for odd, part in enumerate(parts)))

    @property
    def placeholders(self) -> list[str]:
        return re.findall(r"{(.+?)}", self.name)

    def content(self, status: int) -> Node | None:
        """The media types of an answer, or None where the description does not have the status."""
        found = self.node["responses"].get(str(status), self.node["responses"].get("default"))
        return None if found is None else found["content"]


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. The names of `headers` are in small letters."""

    operation: str
    method: str
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        """The plain fields of a form."""
        return dict(self._parsed()[1].lists())

    @property
    def files(self) -> list[tuple[str, str, str, bytes]]:
        """Field, file name, media type and content of each file of a form."""
        return [(field, file.filename or "", file.mimetype, file.read()) for field, file in
                self._parsed()[2].items(multi=True)]

    def _parsed(self) -> Any:
        environment = {"wsgi.input": BytesIO(self.body), "CONTENT_LENGTH": str(len(self.body)),
                       "CONTENT_TYPE": self.headers.get("content-type", ""), "REQUEST_METHOD": "POST"}
        return parse_form_data(environment, stream_factory=lambda *args, **settings: BytesIO())


@cache
def operations(*apis: str) -> dict[str, Operation]:
    """Every operation of these excerpts, by its name."""
    found = {}
    for api in apis:
        document = json.loads((APIS / f"{api}.json").read_text("utf-8"))
        components = {"schemas": with_closed(document["components"]["schemas"])}
        for path, item in document["paths"].items():
            for method, node in item.items():
                host = urlsplit(node["servers"][0]["url"]).netloc if "servers" in node else ""
                name = f"{method.upper()} {path}"
                found[name] = Operation(name, host, node, components)
    return found


def documented_errors(api: str, operation: str) -> list[int]:
    """The statuses of 400 and more that the description has for an operation, and those that any server may answer."""
    described = operations(api)[operation].node["responses"]
    return sorted({int(status) for status in described if status.isdigit() and int(status) >= 400} | ALWAYS)


def find(known: Mapping[str, Operation], method: str, host: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation that a request is for, and the parameters in its path; of several the one with the fewest."""
    fits = [(operation, match) for operation in known.values() if (operation.method, operation.host) == (method, host)
            for match in [operation.path.fullmatch(path)] if match]
    if not fits:
        return None
    operation, match = min(fits, key=lambda fit: len(fit[1].groups()))
    return operation, dict(zip(operation.placeholders, map(unquote, match.groups()), strict=True))


def wrong_request(operation: Operation, seen: Seen) -> list[str]:
    """What about a request does not fit, a sentence each."""
    return [*wrong_parameters(operation, seen), *wrong_body(operation, seen)]


def wrong_parameters(operation: Operation, seen: Seen) -> Iterator[str]:
    known = {one["name"] for one in operation.parameters if one["in"] == "query"}
    yield from (f"no query parameter is named {name}" for name in seen.query if name not in known)
    for one in operation.parameters:
        name, place = one["name"], one["in"]
        values = {"query": seen.query.get(name, []), "path": [seen.parameters[name]] if name in seen.parameters else [],
                  "header": [seen.headers[name.lower()]] if name.lower() in seen.headers else []}.get(place, [])
        if not values and one.get("required"):
            yield f"the {place} parameter {name} is missing"
        if values and not any(not wrong_json(operation, reading, one["schema"]) for reading in readings(values, one)):
            yield f"the {place} parameter {name} cannot be {values}"


def readings(values: list[str], one: Node) -> Iterator[Any]:
    """What the text of a parameter can mean: text, number, truth value, or a list of them."""
    parts = values if one.get("explode", True) else [part for value in values for part in value.split(",")]
    for several, single in ((parts, values[0]), ([*map(typed, parts)], typed(values[0]))):
        yield several
        if len(values) == 1:
            yield single


def typed(text: str) -> str | int:
    return int(text) if re.fullmatch(r"-?\d+", text) else {"true": True, "false": False}.get(text, text)


def wrong_body(operation: Operation, seen: Seen) -> Iterator[str]:
    described = operation.node.get("requestBody")
    if described is None or not seen.body:
        if seen.body:
            yield "it takes no body"
        if described and described["required"]:
            yield "the body is missing"
        return
    kinds = (seen.media_type, f"{seen.media_type.partition('/')[0]}/*", "*/*")
    media = next((described["content"][kind] for kind in kinds if kind in described["content"]), None)
    if media is None:
        yield f"the body is {seen.media_type or 'of no media type'}, not {' or '.join(described['content'])}"
    elif "schema" in media:
        yield from wrong_content(operation, seen, closed(media["schema"]))


def wrong_content(operation: Operation, seen: Seen, schema: Any) -> Iterator[str]:
    if isinstance(schema, dict) and schema.get("format") == "binary":
        return  # a file, perhaps one that is JSON
    if seen.media_type.endswith("json"):
        try:
            value = seen.json
        except ValueError:
            yield "the body is not JSON"
            return
    elif seen.media_type == "multipart/form-data":
        members = merged(operation.components, schema).get("properties", {})
        value = form(seen, {name: merged(operation.components, one) for name, one in members.items()})
        files = {name for name, one in members.items() if "binary" in json.dumps(one)}
        mistaken = ({field for field, *_ in seen.files} ^ files) & value.keys()
        yield from (f"the field {name} is {'no' if name in files else 'a'} file" for name in sorted(mistaken))
    else:
        return
    yield from (f"the body: {fault}" for fault in wrong_json(operation, value, schema))


def form(seen: Seen, members: Node) -> Node:
    """A form as an object: text, empty text for a file, and a list where the description has one."""
    fields = seen.form
    for field, *_ in seen.files:
        fields.setdefault(field, []).append("")
    return {name: values if members.get(name, {}).get("type") == "array" or len(values) > 1 else values[0]
            for name, values in fields.items()}


def wrong_json(operation: Operation, value: Any, schema: Any) -> list[str]:
    if quick(operation, schema).is_valid(value):
        return []
    if isinstance(schema, dict):
        schema = schema | {"components": operation.components}
    return [f"{error.json_path} {error.message[:300]}" for error in Draft202012Validator(schema).iter_errors(value)]


def quick(operation: Operation, schema: Any) -> Any:
    """The same, a thousand times as fast with documents, and without words."""
    key = (id(operation.components), json.dumps(schema))
    if key not in QUICK:
        whole = schema | {"components": operation.components} if isinstance(schema, dict) else schema
        QUICK[key] = jsonschema_rs.Draft202012Validator(whole)
    return QUICK[key]


def wrong_answer(operation: Operation, status: int, value: Any) -> list[str]:
    """Why the vendor would not answer this, a sentence each."""
    content = operation.content(status)
    if content is None:
        return [] if status in ALWAYS else [f"it does not answer {status}"]
    schema = answer_schema(content)
    return [] if schema is None else [f"the answer: {fault}" for fault in wrong_json(operation, value, schema)]


def answer_schema(content: Node) -> Any:
    """Of the media types of an answer the one that we read."""
    return next((media.get("schema") for kind, media in content.items() if kind.endswith("json")), None)


def answer(operation: Operation, given: Any = None, status: int | None = None) -> tuple[int, Any]:
    """The status and the JSON of an answer that fits: what is given, and beside it what the description requires.

    Without a status it is the first success that the description has.
    """
    successes = [int(known) for known in operation.node["responses"] if known.startswith("2")]
    status = status or min(successes)
    schema = answer_schema(operation.content(status) or {})
    return status, given if schema is None else completed(operation.components, schema, given)


def completed(components: Node, schema: Any, given: Any = None) -> Any:
    """A value that fits a schema, with the given values in it."""
    if isinstance(given, dict) and isinstance(schema, dict) and schema.get("$ref") in DOCUMENTS:
        return given
    schema = merged(components, schema, given)
    kind = schema.get("type", "object" if "properties" in schema else "")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    if kind == "array" and isinstance(given, list):
        return [completed(components, schema.get("items", {}), one) for one in given]
    if kind == "object" and (given is None or isinstance(given, dict)):
        return completed_object(components, schema, given or {})
    if given is not None:
        return given
    fixed = [one for one in schema.get("enum", [schema["const"]] if "const" in schema else []) if one is not None]
    return fixed[0] if fixed else FORMATS.get(schema.get("format", ""), PLAIN.get(kind, {}))


def completed_object(components: Node, schema: Node, given: Node) -> Node:
    """What is required or (where vendors do not say what is) plain, and what is given; None given is null."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    loose = schema.get("additionalProperties") is not False
    filled = {name: completed(components, one) for name, one in properties.items() if name not in given
              and (name in required or (loose and merged(components, one).get("type") in PLAINLY_FILLED))}
    return filled | {name: one if one is None else completed(components, properties.get(name, {}), one)
                     for name, one in given.items()}


def merged(components: Node, schema: Any, given: Any = None) -> Node:
    """One schema without references or compositions: all of allOf, and of anyOf the one that is meant."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return merged(components, components["schemas"][schema["$ref"].rpartition("/")[2]], given)
    whole = {word: value for word, value in schema.items() if word not in ("allOf", "anyOf")}
    for one in [*schema.get("allOf", []), *meant(components, schema.get("anyOf", []), given)]:
        part = merged(components, one, given)
        both = {"properties": whole.get("properties", {}) | part.get("properties", {}),
                "required": [*whole.get("required", []), *part.get("required", [])]}
        whole = part | whole | {word: value for word, value in both.items() if value}
    return whole


def meant(components: Node, schemas: list[Any], given: Any) -> list[Any]:
    """The first of several schemas whose constants do not speak against the given members; otherwise the first."""
    def fits(schema: Any) -> bool:
        members = merged(components, schema, given).get("properties", {})
        return all(value in merged(components, members.get(name, {})).get("enum", [value])
                   for name, value in given.items())

    fitting = filter(fits, schemas) if isinstance(given, dict) else iter(schemas)
    return [next(fitting, schemas[0])] if schemas else []


def with_closed(schemas: Node) -> Node:
    """The schemas, and each of them closed, alone and as a part of another, for `closed` to refer to."""
    return (schemas | {f"closed.{name}": closed(one) for name, one in schemas.items()}
            | {f"part.{name}": closed(one, part=True) for name, one in schemas.items()})


def closed(schema: Any, part: bool = False) -> Any:
    """The schema of a request, in which every object has no other members than those that are described and writable.

    `part`: it is one of several that describe the same object together, and only the whole can be closed.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        before, _, name = schema["$ref"].rpartition("/")
        return {"$ref": f"{before}/{'part' if part else 'closed'}.{name}"}
    together = "properties" in schema or "allOf" in schema
    strict = dict(schema)
    for word in ("items", "additionalProperties"):
        if word in schema:
            strict[word] = closed(schema[word])
    for word, shared in (("prefixItems", False), ("allOf", True), ("anyOf", together or part)):
        if word in schema:
            strict[word] = [closed(one, part=shared) for one in schema[word]]
    if "properties" in schema:
        members = schema["properties"]
        strict["properties"] = {name: not read_only(one) and closed(one) for name, one in members.items()}
        strict["required"] = [name for name in schema.get("required", []) if not read_only(members.get(name))]
    whole = together and not part and "additionalProperties" not in strict
    return strict | {"unevaluatedProperties": False} if whole else strict


def read_only(schema: Any) -> bool:
    return isinstance(schema, dict) and bool(schema.get("readOnly"))
