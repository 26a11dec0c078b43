"""Reads what dashdeploy writes for Azure, as Azure's own tools would, and prints what it read as JSON.

    azure.py bicep SPECS FILE     a template: two parsers of Bicep, names, circles, Azure's types and ARM's schemas
    azure.py parameters FILE      a file of parameters
    azure.py app SPECS FILE       a Container App's YAML against ARM's schema

Any fault is a line on stderr, and exit code 1. Bicep's compiler is not to be had from a package registry of Python or
Node.js; what it would find is looked for here: syntax, names, unused names, circles, unknown and missing properties.
"""

import copy
import json
import re
import sys
from pathlib import Path

FAULTS = []
# Functions and namespaces of Bicep that the templates use.
FUNCTIONS = {
    "resourceGroup", "subscriptionResourceId", "guid", "union", "concat", "empty", "json", "split", "environment",
    "readEnvironmentVariable",
}
ESCAPES = {"\\\\": "\\", "\\'": "'", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\$": "$"}


def fault(text):
    FAULTS.append(text)


class Code(str):
    """An expression that only Azure can work out."""


# --- Bicep -----------------------------------------------------------------------------------------------------------


def tree_of(path, source=None):
    import tree_sitter
    import tree_sitter_bicep

    source = Path(path).read_bytes() if source is None else source
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
    root = parser.parse(source).root_node
    if root.has_error:
        stack = [root]
        while stack:
            node = stack.pop()
            if node.type == "ERROR" or node.is_missing:
                line = source.splitlines()[node.start_point[0]].decode()
                fault(f"{path}:{node.start_point[0] + 1}: syntax: {line.strip()}")
            stack.extend(node.children)
        fault(f"{path}: syntax")
    return root, source


class Template:
    def __init__(self, path):
        self.root, self.source = tree_of(path)
        self.path = path
        self.names = {}
        self.parameters, self.variables, self.resources, self.outputs = {}, {}, {}, {}
        decorators = []
        for node in self.root.named_children:
            if node.type == "decorators":
                decorators = [self.text(one) for one in node.named_children]
                continue
            self.declaration(node, decorators)
            decorators = []

    def text(self, node):
        return self.source[node.start_byte : node.end_byte].decode()

    def declare(self, name, kind):
        if name.lower() in self.names:
            fault(f"{self.path}: `{name}` is declared twice")
        self.names[name.lower()] = (name, kind)

    def declaration(self, node, decorators):
        parts = [part for part in node.named_children if part.type != "comment"]
        if node.type == "parameter_declaration":
            name = self.text(parts[0])
            self.declare(name, "parameter")
            default = parts[2] if len(parts) > 2 else None
            self.parameters[name] = {
                "type": self.text(parts[1]),
                "secure": "@secure()" in decorators,
                "described": any(one.startswith("@description(") for one in decorators),
                "default": None if default is None else self.value(default),
                "has_default": default is not None,
            }
        elif node.type == "variable_declaration":
            name = self.text(parts[0])
            self.declare(name, "variable")
            self.variables[name] = parts[1]
        elif node.type == "resource_declaration":
            name = self.text(parts[0])
            self.declare(name, "resource")
            kind, _, version = self.string(parts[1]).partition("@")
            body = parts[2]
            if body.type == "if_statement":
                body = [part for part in body.named_children if part.type == "object"][0]
            self.resources[name] = {"type": kind, "version": version, "node": node, "body": body}
        elif node.type == "output_declaration":
            self.outputs[self.text(parts[0])] = parts[2]

    def string(self, node):
        """The text of a string, or its code where it is put together."""
        if any(part.type == "interpolation" for part in node.named_children):
            return Code(self.text(node))
        raw = self.text(node)[1:-1]
        return re.sub(r"\\u\{([0-9a-fA-F]+)\}|\\[\\'nrt$]", lambda m: chr(int(m[1], 16)) if m[1] else ESCAPES[m[0]], raw)

    def value(self, node):
        """A value as far as it is known: both branches of a choice, all parts of a list put together."""
        parts = [part for part in node.named_children if part.type != "comment"]
        if node.type == "string":
            return self.string(node)
        if node.type in ("number", "boolean"):
            return json.loads(self.text(node))
        if node.type == "null":
            return None
        if node.type == "array":
            return [self.value(part) for part in parts]
        if node.type == "object":
            return {self.key(part.named_children[0]): self.value(part.named_children[-1]) for part in parts}
        if node.type == "parenthesized_expression":
            return self.value(parts[0])
        if node.type == "ternary_expression":
            chosen = [self.value(part) for part in parts[-2:]]
            if all(isinstance(one, list) for one in chosen):
                return chosen[0] + chosen[1]
            return Code(self.text(node))
        if node.type == "call_expression":
            return self.call(node, parts)
        if node.type == "identifier" and self.text(node) in self.variables:
            known = self.value(self.variables[self.text(node)])
            return known if isinstance(known, (dict, list)) else Code(self.text(node))
        if self.text(node) in ("true", "false"):
            return self.text(node) == "true"
        return Code(self.text(node))

    def call(self, node, parts):
        name = self.text(parts[0])
        given = [self.value(one) for one in parts[1].named_children] if len(parts) > 1 else []
        if name == "concat" and all(isinstance(one, list) for one in given):
            return [item for one in given for item in one]
        if name == "union" and all(isinstance(one, dict) for one in given):
            return {key: value for one in given for key, value in one.items()}
        if name == "json" and isinstance(given[0], str):
            return json.loads(given[0])
        return Code(self.text(node))

    def key(self, node):
        return self.string(node) if node.type == "string" else self.text(node)

    def used(self, node, found=None):
        """The names that an expression uses. A key of an object and a property behind a dot are none."""
        found = set() if found is None else found
        for at, part in enumerate(node.children):
            if part.type == "property_identifier" and node.parent.type == "call_expression":
                if node.parent.children[0] == node and self.text(part) != "listKeys":
                    fault(f"{self.path}: no function `{self.text(part)}`")
            elif part.type == "identifier":
                is_key = node.type == "object_property" and at == 0
                is_called = node.type == "call_expression" and at == 0
                is_declared = node.type.endswith("_declaration") and part == node.named_children[0]
                if is_called and self.text(part) not in FUNCTIONS:
                    fault(f"{self.path}: no function `{self.text(part)}`")
                if not (is_key or is_called or is_declared):
                    found.add(self.text(part))
            else:
                self.used(part, found)
        return found

    def without_comments_and_escapes(self):
        """The text for the second parser: it counts quotes in comments, and takes an escaped backslash for no escape."""
        text, stack = bytearray(self.source), [self.root]
        cuts = []
        while stack:
            node = stack.pop()
            if node.type == "comment":
                cuts.append((node.start_byte, node.end_byte, b""))
            elif node.type == "string" and "\\" in self.text(node):
                cuts.append((node.start_byte, node.end_byte, b"'x'"))
            else:
                stack.extend(node.children)
        for start, end, new in sorted(cuts, reverse=True):
            text[start:end] = new
        return text.decode()

    def check_names(self):
        uses = {}
        for node in self.root.named_children:
            if node.type == "decorators" or node.type == "comment":
                continue
            uses[node.start_byte] = self.used(node)
        everywhere = set().union(*uses.values()) - {"string", "resourceGroup"}
        known = {name for name, _ in self.names.values()}
        for name in sorted(everywhere - known):
            fault(f"{self.path}: `{name}` is not declared")
        for name, kind in self.names.values():
            if kind != "resource" and name not in everywhere:
                fault(f"{self.path}: {kind} `{name}` is not used")
        for name, parameter in self.parameters.items():
            if not parameter["described"]:
                fault(f"{self.path}: parameter `{name}` has no description")

    def check_circles(self):
        graph = {name: self.used(resource["node"]) for name, resource in self.resources.items()}
        graph.update({name: self.used(node) for name, node in self.variables.items()})
        done, path = set(), []

        def visit(name):
            if name in path:
                fault(f"{self.path}: a circle: {' -> '.join(path + [name])}")
                return
            if name in done or name not in graph:
                return
            path.append(name)
            for other in sorted(graph[name]):
                visit(other)
            path.pop()
            done.add(name)

        for name in sorted(graph):
            visit(name)


def plain(value):
    """A value for a schema: what only Azure can work out stands as ARM writes it."""
    if isinstance(value, Code):
        return "[expression()]"
    if isinstance(value, dict):
        return {("[expression()]" if isinstance(key, Code) else key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and value.startswith("["):
        return "[" + value
    return value


# --- Azure's types of Bicep -------------------------------------------------------------------------------------------


class Types:
    def __init__(self, path):
        self.all = json.loads(Path(path).read_text())

    def of(self, kind, version):
        wanted = f"{kind}@{version}".lower()
        for one in self.all:
            if one.get("$type") == "ResourceType" and one["name"].lower() == wanted:
                return self.at(one["body"])
        return None

    def at(self, reference):
        return self.all[int(reference["$ref"].rsplit("/", 1)[1])]

    def check(self, value, kind, where):
        if isinstance(value, Code):
            return
        what = kind["$type"]
        if what == "ObjectType":
            self.check_object(value, kind, where)
        elif what == "ArrayType":
            if not isinstance(value, list):
                fault(f"{where}: no list")
                return
            for at, item in enumerate(value):
                self.check(item, self.at(kind["itemType"]), f"{where}[{at}]")
        elif what == "StringType" and not isinstance(value, str):
            fault(f"{where}: no text: {value!r}")
        elif what == "IntegerType" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            fault(f"{where}: no number: {value!r}")
        elif what == "BooleanType" and not isinstance(value, bool):
            fault(f"{where}: no truth value: {value!r}")
        elif what == "UnionType":
            options = [self.at(one) for one in kind["elements"]]
            literals = [one["value"] for one in options if one["$type"] == "StringLiteralType"]
            # Azure's lists of words are open to the type checker; what we write is one of those that are known.
            if literals and value not in literals:
                fault(f"{where}: {value!r} is none of {literals}")
        elif what == "StringLiteralType" and value != kind["value"]:
            fault(f"{where}: {value!r} is not {kind['value']!r}")

    def check_object(self, value, kind, where):
        if not isinstance(value, dict):
            fault(f"{where}: no object: {value!r}")
            return
        properties = kind.get("properties", {})
        for key, item in value.items():
            if key in properties:
                if properties[key].get("flags", 0) & 2:
                    fault(f"{where}.{key}: only read")
                self.check(item, self.at(properties[key]["type"]), f"{where}.{key}")
            elif kind.get("additionalProperties") is None:
                fault(f"{where}.{key}: no such property")
            else:
                self.check(item, self.at(kind["additionalProperties"]), f"{where}.{key}")
        for key, described in properties.items():
            if described.get("flags", 0) & 1 and key not in value:
                fault(f"{where}.{key}: missing")


# --- ARM's schemas ----------------------------------------------------------------------------------------------------


class Schemas:
    def __init__(self, folder):
        self.documents = {}
        for path in sorted(Path(folder).glob("azure-armschema-*.json")):
            document = json.loads(path.read_text())
            if "Microsoft.App-" in path.name:
                for definition in document["definitions"].values():
                    # Processors are a number here, and Azure takes parts of them.
                    cpu = definition.get("properties", {}).get("cpu")
                    if isinstance(cpu, dict):
                        definition["properties"]["cpu"] = {"type": "number"}
            self.documents[document["id"].rstrip("#")] = document

    def find(self, kind, version):
        for document in self.documents.values():
            for definition in document.get("resourceDefinitions", {}).values():
                properties = definition.get("properties", {})
                kinds = properties.get("type", {}).get("enum", [])
                versions = properties.get("apiVersion", {}).get("enum", [])
                if kind.lower() in [one.lower() for one in kinds] and version in versions:
                    return document, definition
        return None, None

    def resolve(self, document, schema):
        while "$ref" in schema:
            base, _, pointer = schema["$ref"].partition("#")
            document = self.documents[base] if base else document
            schema = document
            for part in pointer.strip("/").split("/"):
                schema = schema[part.replace("~1", "/").replace("~0", "~")]
        return document, schema

    def validate(self, body, where):
        from jsonschema import Draft4Validator
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT4

        document, definition = self.find(body["type"], body["apiVersion"])
        if definition is None:
            return False
        pairs = [(uri, Resource(contents=one, specification=DRAFT4)) for uri, one in self.documents.items()]
        registry = Registry().with_resources(pairs)
        base = document["id"].rstrip("#")
        name = [key for key, one in document["resourceDefinitions"].items() if one is definition][0]
        pointer = name.replace("~", "~0").replace("/", "~1")
        schema = {"$ref": f"{base}#/resourceDefinitions/{pointer}"}
        for error in Draft4Validator(schema, registry=registry).iter_errors(body):
            deepest = max(error.context, key=lambda one: len(one.absolute_path), default=error)
            fault(f"{where}: {'/'.join(map(str, deepest.absolute_path))}: {deepest.message[:300]}")
        self.unknown(body, document, definition, where)
        return True

    def shapes(self, document, schema):
        """Every object and list that a schema allows."""
        document, schema = self.resolve(document, schema)
        found = []
        for choice in schema.get("oneOf", []) + schema.get("anyOf", []) + schema.get("allOf", []):
            found.extend(self.shapes(document, choice))
        if "properties" in schema or "items" in schema or "additionalProperties" in schema:
            found.append((document, schema))
        return found

    def unknown(self, value, document, schema, where):
        """Properties that no shape has: the schemas themselves let them pass."""
        shapes = self.shapes(document, schema)
        if isinstance(value, dict) and shapes:
            for key, item in value.items():
                homes = [(home, shape["properties"][key]) for home, shape in shapes if key in shape.get("properties", {})]
                free = any(isinstance(shape.get("additionalProperties"), dict) for _, shape in shapes)
                if not homes and not free and any("properties" in shape for _, shape in shapes):
                    fault(f"{where}.{key}: no such property in ARM's schema")
                for home, inner in homes[:1]:
                    self.unknown(item, home, inner, f"{where}.{key}")
        if isinstance(value, list):
            for home, shape in [one for one in shapes if isinstance(one[1].get("items"), dict)][:1]:
                for at, item in enumerate(value):
                    self.unknown(item, home, shape["items"], f"{where}[{at}]")


# --- The three readings -----------------------------------------------------------------------------------------------


def parents(template, resource, body):
    """The whole type's name segments, as ARM wants them: `parent/child`."""
    name = body.get("name")
    parent = body.pop("parent", None)
    if parent is None:
        return name
    above = template.resources[str(parent)]
    return f"{parents(template, above, copy.copy(template.value(above['body'])))}/{name}"


def read_bicep(specs, path):
    import pycep

    template = Template(path)
    try:
        pycep.BicepParser().parse(text=template.without_comments_and_escapes())
    except Exception as error:  # the second parser says what it does not like in its own way
        fault(f"{path}: pycep: {str(error)[:400]}")
    if FAULTS:
        return {}
    template.check_names()
    template.check_circles()
    types = [Types(one) for one in sorted(Path(specs).glob("azure-biceptypes-*.json"))]
    schemas = Schemas(specs)
    read = {}
    unchecked = []
    for symbol, resource in template.resources.items():
        body = template.value(resource["body"])
        read[symbol] = {"type": resource["type"], "body": plain_strings(body)}
        checked = False
        without = {key: value for key, value in body.items() if key not in ("parent", "scope", "dependsOn")}
        for known in types:
            kind = known.of(resource["type"], resource["version"])
            if kind is not None:
                checked = True
                known.check(without, kind, symbol)
        body = dict(body)
        body["name"] = parents(template, resource, body)
        for key in ("scope", "dependsOn"):
            body.pop(key, None)
        arm = plain(body) | {"type": resource["type"], "apiVersion": resource["version"]}
        checked = schemas.validate(arm, symbol) or checked
        if not checked:
            unchecked.append(resource["type"])
    for one in sorted(set(unchecked) - {"Microsoft.Network/virtualNetworks", "Microsoft.Insights/diagnosticSettings"}):
        fault(f"{path}: no schema for {one}")
    return {
        "parameters": template.parameters,
        "resources": read,
        "outputs": {name: plain_strings(template.value(node)) for name, node in template.outputs.items()},
    }


def plain_strings(value):
    """For the test: code stands as `=code`, and text as it is."""
    if isinstance(value, Code):
        return {"code": str(value)}
    if isinstance(value, dict):
        return {str(key): plain_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_strings(item) for item in value]
    return value


def read_parameters(path):
    text = Path(path).read_text()
    # The grammar knows no `param NAME = VALUE`; a variable is written in the same way.
    tree_of(path, re.sub(r"^param (\w+) =", r"var \1 =", text, flags=re.M).encode())
    lines = {}
    pattern = r"^param (\w+) = readEnvironmentVariable\('((?:[^'\\]|\\.)*)'(?:, '((?:[^'\\]|\\.)*)')?\)$"
    for name, variable, default in re.findall(pattern, text, re.M):
        lines[name] = {"variable": variable, "default": default}
    declared = len(re.findall(r"^param ", text, re.M))
    if declared != len(lines):
        fault(f"{path}: {declared} parameters, and {len(lines)} of them are read from the shell")
    using = re.findall(r"^using '(.*)'$", text, re.M)
    if len(using) != 1:
        fault(f"{path}: no template is named")
    return {"using": using[0] if using else None, "parameters": lines}


def read_app(specs, path):
    import yaml

    body = yaml.safe_load(Path(path).read_text())
    whole = copy.deepcopy(body) | {"apiVersion": "2025-07-01", "location": "westeurope"}
    if not Schemas(specs).validate(escaped(whole), path):
        fault(f"{path}: no schema")
    for one in sorted(Path(specs).glob("azure-biceptypes-microsoft.app-*.json")):
        types = Types(one)
        body.pop("type")
        types.check(body | {"location": "westeurope"}, types.of("Microsoft.App/containerApps", "2025-07-01"), "app")
    return body


def escaped(value):
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return "[" + value if isinstance(value, str) and value.startswith("[") else value


def main():
    match sys.argv[1:]:
        case ["bicep", specs, path]:
            answer = read_bicep(specs, path)
        case ["parameters", path]:
            answer = read_parameters(path)
        case ["app", specs, path]:
            answer = read_app(specs, path)
        case _:
            sys.exit(__doc__)
    print(json.dumps(answer))
    for line in FAULTS:
        print(line, file=sys.stderr)
    sys.exit(1 if FAULTS else 0)


main()
