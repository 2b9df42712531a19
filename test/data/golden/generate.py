"""Writes the golden requests beside this file with Google's protobuf and the published OTLP messages.

pip install opentelemetry-proto==1.45.2 && python3 generate.py

Each message gets every field it has, each member of a oneof in a message of its own. NAME.bin is the request, NAME.jsonl the
same as OTLP/JSON; descriptors.txt has the fields of all messages.
"""
import base64
import json
import pathlib

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as F
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
    "profiles": ExportProfilesServiceRequest,
}
IDENTIFIERS = {"traceId": 16, "spanId": 8, "parentSpanId": 8, "profileId": 16}
HERE = pathlib.Path(__file__).parent
counter = 0
is_profiles = False


def number():
    global counter
    counter += 1
    return counter


def scalar(field):
    n = number()
    if field.name.endswith(("_index", "_indices")) or (is_profiles and field.name.endswith("_strindex")):
        # Every table of the dictionary has an entry 2; a KeyValue with an index has no name beside it.
        return 1 + n % 2
    if field.json_name in IDENTIFIERS:
        return bytes([n % 256] * IDENTIFIERS[field.json_name])
    if field.type == F.TYPE_STRING:
        return f"{field.name} {n} ü"
    if field.type == F.TYPE_BYTES:
        return bytes([n % 256, 255, 0])
    if field.type == F.TYPE_BOOL:
        return True
    if field.type == F.TYPE_ENUM:
        return 1 + n % (len(field.enum_type.values) - 1)
    if field.type == F.TYPE_DOUBLE:
        return n * -0.3
    if field.type in (F.TYPE_FIXED64, F.TYPE_UINT64):
        return 2**64 - n
    if field.type in (F.TYPE_SFIXED64, F.TYPE_INT64):
        return -(2**63) + n
    if field.type in (F.TYPE_UINT32, F.TYPE_FIXED32):
        return 2**32 - n
    return -n


def fill(message, depth, chosen=None):
    """Sets every field; of a oneof only the member at index `chosen`."""
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        is_choice = oneof is not None and len(oneof.fields) > 1
        if is_choice and (chosen is None or oneof.fields[chosen % len(oneof.fields)] is not field):
            continue
        if is_profiles and field.full_name.endswith("KeyValue.key"):
            continue
        if field.name.endswith("_table"):
            add_zero_value(getattr(message, field.name))
        if field.message_type is None:
            if field.is_repeated:
                getattr(message, field.name).extend(scalar(field) for _ in range(2))
            else:
                setattr(message, field.name, scalar(field))
        elif field.is_repeated:
            for index in range(variants(field.message_type) if depth > 0 else 0):
                fill(getattr(message, field.name).add(), depth - cost(field), index)
        elif depth > 0:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), depth - cost(field), number())


def add_zero_value(table):
    """The first entry of each table of the dictionary means `not set`."""
    if hasattr(table, "add"):
        table.add()
    else:
        table.append("")


def cost(field):
    """Only values that hold values count towards the depth."""
    return 1 if field.message_type.name in ("ArrayValue", "KeyValueList") else 0


def variants(descriptor):
    """How many elements a list gets: one for each member of a oneof; a single scope in each of two resources."""
    if descriptor.name.startswith("Scope"):
        return 1
    return max([2] + [len(oneof.fields) for oneof in descriptor.oneofs if len(oneof.fields) > 1])


def otlp_json(value):
    if isinstance(value, list):
        return [otlp_json(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(inner).hex() if name in IDENTIFIERS else otlp_json(inner)
        for name, inner in value.items()
    }


def describe(descriptor, lines):
    """One line a field: message, number, name, JSON name, type, list or not, presence, embedded message, names of an enum."""
    prefix = descriptor.full_name + " "
    if any(line.startswith(prefix) for line in lines):
        return
    for field in sorted(descriptor.fields, key=lambda field: field.number):
        kind = next(key[5:].lower() for key in dir(F) if key.startswith("TYPE_") and getattr(F, key) == field.type)
        names = ",".join(value.name for value in field.enum_type.values) if field.enum_type else "-"
        words = [field.number, field.name, field.json_name, kind, "list" if field.is_repeated else "one"]
        words += ["presence" if field.has_presence else "-", field.message_type.full_name if field.message_type else "-"]
        lines.append(prefix + " ".join(map(str, words + [names])))
    for field in descriptor.fields:
        if field.message_type:
            describe(field.message_type, lines)


descriptors = []
for signal, request in REQUESTS.items():
    counter = 0
    is_profiles = signal == "profiles"
    message = request()
    fill(message, 1)
    (HERE / f"{signal}.bin").write_bytes(message.SerializeToString(deterministic=True))
    as_json = json_format.MessageToDict(message, use_integers_for_enums=True)
    (HERE / f"{signal}.jsonl").write_text(json.dumps(otlp_json(as_json), ensure_ascii=False) + "\n")
    describe(request.DESCRIPTOR, descriptors)
(HERE / "descriptors.txt").write_text("\n".join(descriptors) + "\n")
