"""Drives the stand-in's CloudWatch with boto3 as it is, and prints TAP. Started by
emulator-cloudwatch.t.

usage: emulator_cloudwatch.py http://127.0.0.1:PORT
"""
import datetime
import gzip
import json
import struct
import urllib.parse

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError

from emulator_tap import ENDPOINT, calls, control, fetch, is_, ok, raised, run, skip

KEY = ("AKIAEMULATOREXAMPLE0", "emulator-secret-key-for-local-use-only00")
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
HOUR = datetime.timedelta(hours=1)
MINUTE = NOW.replace(second=0) - HOUR
TARGET = "GraniteServiceVersion20100801."


def client(attempts=1, secret=KEY[1], **more):
    return boto3.client("cloudwatch", endpoint_url=ENDPOINT, region_name="us-east-1",
                        aws_access_key_id=KEY[0], aws_secret_access_key=secret,
                        config=Config(retries={"total_max_attempts": attempts}, **more))


default = client()


def put(*data, name_space="test", by=None):
    (by or default).put_metric_data(Namespace=name_space, MetricData=list(data))


def error_of(call, *args, **kw):
    try:
        call(*args, **kw)
    except ClientError as error:
        return (error.response["Error"]["Code"], error.response["Error"]["Message"],
                error.response["ResponseMetadata"]["HTTPStatusCode"])
    return None, "", None


def statistics(name, dimensions=(), start=MINUTE, end=NOW + HOUR, period=60, name_space="test", **kw):
    answer = default.get_metric_statistics(
        Namespace=name_space, MetricName=name, StartTime=start, EndTime=end, Period=period,
        Dimensions=[{"Name": n, "Value": v} for n, v in dimensions],
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"], **kw)
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return [tuple(point[part] for part in ("SampleCount", "Sum", "Average", "Minimum", "Maximum"))
            + (point["Unit"],) for point in points]


def metric(name, **dimensions):
    """The sums of what came in, as the stand-in's own paths show them."""
    for one in control("GET", "metrics")["metrics"]:
        if one["name"] == name and one["dimensions"] == dimensions:
            return one["count"], one["sum"], one["minimum"], one["maximum"], one["unit"]
    return None


def values():
    put({"MetricName": "single", "Value": 1.5, "Unit": "Milliseconds"})
    put({"MetricName": "single", "Value": -2, "Unit": "Milliseconds"})
    is_(metric("single"), (2, -0.5, -2, 1.5, "Milliseconds"), "single values add up")
    put({"MetricName": "several", "Values": [1, 2.25, 1e10], "Counts": [1, 3, 2]},
        {"MetricName": "several", "Values": [7]})
    is_(metric("several"), (7, 20000000014.75, 1, 1e10, "None"), "values with their counts")
    put({"MetricName": "set", "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1,
                                                  "Maximum": 5}, "Unit": "Count/Second"})
    is_(metric("set"), (4, 10, 1, 5, "Count/Second"), "a set of statistics")
    put({"MetricName": "dim", "Value": 1, "Dimensions": [{"Name": "B", "Value": "2 & <3>"},
                                                         {"Name": "A", "Value": "1"}]},
        {"MetricName": "dim", "Value": 2, "Dimensions": [{"Name": "A", "Value": "1"},
                                                         {"Name": "B", "Value": "2 & <3>"}]},
        {"MetricName": "dim", "Value": 4, "Dimensions": [{"Name": "A", "Value": "1"}]})
    is_(metric("dim", A="1", B="2 & <3>"), (2, 3, 1, 2, "None"), "the order of dimensions is nothing")
    is_(metric("dim", A="1"), (1, 4, 4, 4, "None"), "fewer of them are another metric")


def reading():
    for at, value in ((0, 1), (10, 5), (59, 3), (60, 10), (600, 20)):
        put({"MetricName": "timed", "Value": value, "Unit": "Count",
             "Timestamp": MINUTE + datetime.timedelta(seconds=at)})
    is_(statistics("timed"), [(3, 9, 3, 1, 5, "Count"), (1, 10, 10, 10, 10, "Count"),
                              (1, 20, 20, 20, 20, "Count")], "minutes")
    is_(statistics("timed", period=300), [(4, 19, 4.75, 1, 10, "Count"),
                                          (1, 20, 20, 20, 20, "Count")], "five of them")
    is_(statistics("timed", end=MINUTE + datetime.timedelta(seconds=60)), [(3, 9, 3, 1, 5, "Count")],
        "the end is not in it")
    is_(statistics("timed", Unit="Seconds"), [], "no data of another unit")
    is_(statistics("timed", [("A", "1")]), [], "nor of other dimensions")
    is_([p[1] for p in statistics("dim", [("B", "2 & <3>"), ("A", "1")], period=3600)], [3],
        "those that it has")
    listed = default.list_metrics(Namespace="test", Dimensions=[{"Name": "A"}])["Metrics"]
    is_([m["Dimensions"] for m in listed],
        [[{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2 & <3>"}],
         [{"Name": "A", "Value": "1"}]], "metrics are listed")
    many = [{"MetricName": f"m{n}", "Value": n} for n in range(750)]
    put(*many, name_space="many")
    pages = [len(page["Metrics"]) for page in
             default.get_paginator("list_metrics").paginate(Namespace="many")]
    is_(pages, [500, 250], "in pages")
    is_(default.list_metrics(Namespace="many", MetricName="m7")["Metrics"],
        [{"Namespace": "many", "MetricName": "m7", "Dimensions": []}], "one of them")


def validation():
    def refused(what, code, part, datum, name_space="test", by=None):
        got = error_of(put, *(datum if isinstance(datum, list) else [datum]), name_space=name_space,
                       by=by)
        ok(got[0] == code and part in got[1] and got[2] == 400, f"{what}: {got[:2]}")

    value, missing, both = "InvalidParameterValue", "MissingParameter", "InvalidParameterCombination"
    loose = client(parameter_validation=False)
    one = {"MetricName": "no", "Value": 1}
    before = control("GET", "metrics")["data"]
    refused("1001 data", value, "size greater than 1000", [one] * 1001)
    refused("151 values", value, "size greater than 150", {"MetricName": "no",
                                                           "Values": list(range(151))})
    refused("counts of another length", value, "same size", {"MetricName": "no", "Values": [1, 2],
                                                             "Counts": [1]})
    refused("a count of nothing", value, "greater than 0", {"MetricName": "no", "Values": [1],
                                                            "Counts": [0]})
    refused("31 dimensions", value, "Dimensions must not have", {
        **one, "Dimensions": [{"Name": f"d{n}", "Value": "x"} for n in range(31)]})
    refused("a dimension twice", value, "more than once", {
        **one, "Dimensions": [{"Name": "d", "Value": "x"}, {"Name": "d", "Value": "y"}]})
    refused("a dimension without a value", value, "between 1 and 1024", {
        **one, "Dimensions": [{"Name": "d", "Value": ""}]}, by=loose)
    refused("a dimension not in ASCII", value, "is invalid", {
        **one, "Dimensions": [{"Name": "d", "Value": "ü"}]})
    for name in ("AWS/test", ":test", "x" * 256, ""):
        refused(f"the namespace {name[:9]!r}", value, "Namespace", one, name, loose)
    refused("no name", missing, "MetricName is required", {"Value": 1}, by=loose)
    refused("a long name", value, "between 1 and 255", {"MetricName": "x" * 256, "Value": 1},
            by=loose)
    for number in (float("nan"), float("inf"), float("-inf"), 2.0 ** 361, -2.0 ** 361):
        refused(f"the value {number}", value, "is invalid", {"MetricName": "no", "Value": number})
    for offset, part in ((15 * 24, "in the past"), (-3, "in the future")):
        refused(f"a time {offset} hours ago", value, part, {**one, "Timestamp": NOW - offset * HOUR})
    refused("a unit", value, "must be a value in the set [Seconds, ", {**one, "Unit": "Meters"},
            by=loose)
    refused("part of a unit's name", value, "in the set", {**one, "Unit": "Second"}, by=loose)
    refused("a resolution", value, "must be 1 or 60", {**one, "StorageResolution": 30})
    refused("two kinds of values", both, "mutually exclusive", {**one, "Values": [1]})
    refused("three kinds", both, "mutually exclusive", {"MetricName": "no", "Values": [1],
            "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}})
    refused("no value", both, "At least one", {"MetricName": "no"})
    refused("half a set", missing, "StatisticValues.Maximum is required", {
        "MetricName": "no", "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1}}, by=loose)
    refused("a bad one behind a good one", value, "MetricData.member.2.Value",
            [one, {"MetricName": "no", "Value": float("nan")}])
    refused("nothing", missing, "MetricData is required", [])
    is_(control("GET", "metrics")["data"], before, "none of it was taken")
    put({**one, "Timestamp": NOW - 13 * 24 * HOUR}, {**one, "Timestamp": NOW + HOUR},
        {"MetricName": "n" * 255, "Value": 2.0 ** 360, "StorageResolution": 1,
         "Dimensions": [{"Name": f"d{n}", "Value": "x" * 1024} for n in range(30)]})
    is_(control("GET", "metrics")["data"], before + 3, "what is just allowed is")


def send(headers, body, path="/"):
    """A request that botocore's signer signed; its status, headers and body."""
    request = AWSRequest("POST", ENDPOINT + path, data=body, headers=headers)
    SigV4Auth(Credentials(*KEY), "monitoring", "us-east-1").add_auth(request)
    return fetch("POST", path, dict(request.headers), body)


FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": TARGET + "PutMetricData"}
CBOR = {"Content-Type": "application/cbor", "Accept": "application/cbor",
        "smithy-protocol": "rpc-v2-cbor"}
CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/"


def form(**more):
    return urllib.parse.urlencode({"Action": "PutMetricData", "Version": "2010-08-01",
                                   "Namespace": "raw", **more}).encode()


def cbor(value):
    """What CBOR has for it; a tuple is a time, a list of indefinite length."""
    def head(major, count):
        if count < 24:
            return bytes([major << 5 | count])
        return bytes([major << 5 | 25]) + struct.pack(">H", count)

    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    if isinstance(value, list):
        return b"\x9f" + b"".join(map(cbor, value)) + b"\xff"
    if isinstance(value, tuple):
        return b"\xc1" + b"\xfb" + struct.pack(">d", value[0])
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return value
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    return head(0, value) if value >= 0 else head(1, -1 - value)


def protocols():
    control("DELETE", "metrics")
    datum = {"MetricData.member.1.MetricName": "q", "MetricData.member.1.Values.member.1": "1.5",
             "MetricData.member.1.Values.member.2": "2", "MetricData.member.1.Counts.member.1": "2",
             "MetricData.member.1.Counts.member.2": "1", "MetricData.member.1.Unit": "Count/Second",
             "MetricData.member.1.Dimensions.member.1.Name": "a b",
             "MetricData.member.1.Dimensions.member.1.Value": "c+d"}
    status, headers, body = send(FORM, form(**datum))
    is_((status, headers["content-type"]), (200, "text/xml"), "a form")
    ok(b"<PutMetricDataResponse xmlns=" in body, "is answered in XML")
    is_(send({**FORM, "Content-Encoding": "gzip"}, gzip.compress(form(**datum)))[0], 200,
        "one that is compressed too")
    is_(metric("q", **{"a b": "c+d"}), (6, 10, 1.5, 2, "Count/Second"), "and both are taken")
    parameters = {"Namespace": "raw", "MetricData": [
        {"MetricName": "j", "Value": 3, "Timestamp": NOW.timestamp()}]}
    status, headers, body = send(JSON, json.dumps(parameters).encode())
    is_((status, headers["content-type"], body), (200, "application/x-amz-json-1.0", b"{}"), "JSON")
    is_(send({**JSON, "Content-Encoding": "gzip"},
             gzip.compress(json.dumps(parameters).encode()))[0], 200, "compressed")
    is_(metric("j"), (2, 6, 3, 3, "None"), "is taken")
    half, single, negative = b"\xf9\x3e\x00", b"\xfa" + struct.pack(">f", 0.25), -3
    packed = cbor({"Namespace": "raw", "MetricData": [
        {"MetricName": "c", "Timestamp": (NOW.timestamp(),), "Values": [half, single, negative]}]})
    status, headers, body = send(CBOR, packed, CBOR_PATH + "PutMetricData")
    is_((status, headers["smithy-protocol"], body), (200, "rpc-v2-cbor", b"\xbf\xff"), "CBOR")
    is_(metric("c"), (3, -1.25, -3, 1.5, "None"), "is taken")
    is_({k: v for k, v in control("GET", "metrics").items() if k != "metrics"},
        {"calls": {"query": 2, "json": 2, "cbor": 1}, "compressed": 2, "data": 5}, "all are counted")


def protocol_errors():
    status, headers, body = send(FORM, form())
    ok(status == 400 and b"<Code>MissingParameter</Code>" in body and b"<Type>Sender</Type>" in body,
       "an error in XML")
    status, headers, body = send(JSON, b'{"Namespace": "raw"}')
    is_((status, headers["x-amzn-query-error"]), (400, "MissingParameter;Sender"), "one in JSON")
    is_(json.loads(body)["__type"],
        "com.amazonaws.cloudwatch.v2010_08_01#MissingRequiredParameterException", "by its shape")
    status, headers, body = send(CBOR, cbor({"Namespace": "raw"}), CBOR_PATH + "PutMetricData")
    is_((status, headers["x-amzn-query-error"]), (400, "MissingParameter;Sender"), "one in CBOR")
    ok(b"MissingRequiredParameterException" in body, "by its shape")
    nan = cbor({"Namespace": "raw", "MetricData": [{"MetricName": "x", "Value": float("nan")}]})
    ok(b"InvalidParameterValue" in send(CBOR, nan, CBOR_PATH + "PutMetricData")[2], "NaN in CBOR")
    for what, headers, content, path in (
            ("broken JSON", JSON, b'{"Namespace": ', "/"),
            ("no object", JSON, b"[]", "/"),
            ("broken CBOR", CBOR, b"\xa1\x69Name", CBOR_PATH + "PutMetricData"),
            ("deep CBOR", CBOR, b"\x81" * 1000 + b"\x00", CBOR_PATH + "PutMetricData"),
            ("long CBOR", CBOR, cbor({"Namespace": "raw"}) + b"\x00", CBOR_PATH + "PutMetricData"),
            ("a value that has parts", FORM, form(a="1", **{"a.b": "2"}), "/"),
            ("no gzip", {**JSON, "Content-Encoding": "gzip"}, b"{}", "/"),
            ("half a gzip", {**JSON, "Content-Encoding": "gzip"}, gzip.compress(b"{}" * 99)[:-9], "/"),
            ("another operation", {**JSON, "X-Amz-Target": TARGET + "DeleteAlarms"}, b"{}", "/"),
            ("another action", FORM, form(Action="DeleteAlarms"), "/")):
        is_(send(headers, content, path)[0], 400, what)
    is_(send(JSON, b" " * (1024 * 1024 + 1))[0], 413, "over a megabyte")
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    is_(send({**JSON, "Content-Encoding": "gzip"}, bomb)[0], 400, "a bomb in little gzip")
    is_(error_of(put, {"MetricName": "x", "Value": 1}, by=client(secret="wrong"))[0] in
        ("SignatureDoesNotMatch", "InvalidSignatureException"), True, "a wrong secret")


def compression():
    put(*[{"MetricName": f"compressed{n}", "Value": n, "Unit": "Count"} for n in range(400)])
    if "request_min_compression_size_bytes" in Config.OPTION_DEFAULTS:
        is_(control("GET", "metrics")["compressed"] > 2, True, "boto3 compresses a large request")
    else:
        skip("boto3 compresses a large request", "this boto3 cannot")
    is_(metric("compressed399"), (1, 399, 399, 399, "Count"), "which is taken")


def faults():
    def rule(commands):
        control("PUT", "faults", {"operation": "PutMetricData", "commands": commands, "times": 1})

    one = {"MetricName": "fault", "Value": 1}
    rule("{{error throttling}}")
    is_(error_of(put, one)[0], "Throttling", "throttled")
    rule("{{error InternalServiceError}}")
    is_(error_of(put, one)[2], 500, "an error of the service")
    rule("{{status 503}}")
    is_(error_of(put, one)[2], 503, "a status")
    is_(metric("fault"), None, "none of it was taken")
    rule("{{act}}{{reset}}")
    ok(raised(lambda: put(one), ConnectionClosedError), "a reset behind the deed")
    is_(metric("fault"), (1, 1, 1, 1, "None"), "which was done")
    rule("{{act}}{{error InternalServiceError}}")
    put(one, by=client(2))
    is_(metric("fault"), (3, 3, 1, 1, "None"), "tried again, it counts twice")
    control("DELETE", "faults")
    last = calls("PutMetricData")[-1]
    is_((last["message"], last["status"]), ("test", 200), "the books have the namespace")
    control("DELETE", "state")
    is_(control("GET", "metrics")["metrics"], [], "a reset forgets all")


run(values, reading, validation, protocols, protocol_errors, compression, faults)
