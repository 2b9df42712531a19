"""Decodes and encodes OTLP requests with Google's protobuf: a line of JSON in, a line of JSON out.

{"signal": "profiles", "bytes": "<base64>"}  ->  {"json": {...}} (protobuf's JSON form), {"error": "..."}
{"signal": "profiles", "json": {...}}        ->  {"bytes": "<base64>"}, {"error": "..."}
"""
import base64
import json
import sys

from google.protobuf import json_format
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


def answer(question):
    message = REQUESTS[question["signal"]]()
    if "bytes" in question:
        message.ParseFromString(base64.b64decode(question["bytes"]))
        return {"json": json_format.MessageToDict(message, use_integers_for_enums=True)}
    json_format.ParseDict(question["json"], message)
    return {"bytes": base64.b64encode(message.SerializeToString(deterministic=True)).decode()}


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:  # Whatever it is, the test that asked must hear of it.
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
