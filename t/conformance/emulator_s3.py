"""Drives the stand-in for S3 with boto3 as it is, and prints TAP. Started by emulator-s3.t, with the
bucket demo-files configured.

usage: emulator_s3.py http://127.0.0.1:PORT
"""
import base64
import hashlib
import io
import socket
import zlib

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (ClientError, ConnectionClosedError, IncompleteReadError,
                                 ReadTimeoutError, ResponseStreamingError)
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as SilentBody

from emulator_tap import ENDPOINT, calls, control, fetch, is_, ok, raised, run, wait_for

KEY = ("AKIAEMULATOREXAMPLE0", "emulator-secret-key-for-local-use-only00")
MODELLED = {"BadDigest": 400, "InvalidRequest": 400, "RequestTimeout": 400, "AccessDenied": 403,
            "RequestTimeTooSkewed": 403, "NoSuchBucket": 404, "NoSuchKey": 404,
            "PreconditionFailed": 412, "InternalError": 500, "SlowDown": 503,
            "ServiceUnavailable": 503}


def client(key=KEY, region="us-east-1", **settings):
    settings.setdefault("retries", {"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=ENDPOINT, region_name=region, aws_access_key_id=key[0],
                        aws_secret_access_key=key[1], config=Config(**settings))


def put(key, body=b"content", bucket="files", by=None, **more):
    return (by or s3).put_object(Bucket=bucket, Key=key, Body=body, **more)


def get(key, bucket="files", by=None, **more):
    return (by or s3).get_object(Bucket=bucket, Key=key, **more)


def read(key, **more):
    return get(key, **more)["Body"].read()


def error_of(call):
    try:
        call()
    except ClientError as error:
        return (error.response["Error"]["Code"],
                error.response["ResponseMetadata"].get("HTTPStatusCode"))
    return None


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def buckets():
    is_(error_of(lambda: s3.head_bucket(Bucket="demo-files")), None, "the configured bucket")
    is_(s3.create_bucket(Bucket="files")["Location"], "/files", "a bucket is made")
    is_(error_of(lambda: s3.create_bucket(Bucket="files")), ("BucketAlreadyOwnedByYou", 409),
        "not twice")
    is_(error_of(lambda: s3.head_bucket(Bucket="no-such")), ("404", 404), "one that is not there")
    for call in (lambda: put("k", bucket="no-such"), lambda: get("k", bucket="no-such"),
                 lambda: s3.list_objects_v2(Bucket="no-such"),
                 lambda: s3.delete_object(Bucket="no-such", Key="k")):
        is_(error_of(call), ("NoSuchBucket", 404), "holds nothing")
    s3.create_bucket(Bucket="short-lived")
    put("k", bucket="short-lived")
    is_(error_of(lambda: s3.delete_bucket(Bucket="short-lived")), ("BucketNotEmpty", 409),
        "a bucket with an object stays")
    s3.delete_object(Bucket="short-lived", Key="k")
    s3.delete_bucket(Bucket="short-lived")
    is_(error_of(lambda: s3.head_bucket(Bucket="short-lived")), ("404", 404), "an empty one goes")


def objects():
    stored = put("a/b.txt", b"hello", ContentType="text/plain", Metadata={"who": "ada"})
    etag = '"%s"' % hashlib.md5(b"hello").hexdigest()
    is_(stored["ETag"], etag, "an object is stored")
    found = get("a/b.txt")
    is_((found["Body"].read(), found["ContentType"], found["Metadata"], found["ETag"],
         found["ContentLength"]), (b"hello", "text/plain", {"who": "ada"}, etag, 5), "and fetched")
    headers = found["ResponseMetadata"]
    ok(headers["RequestId"] and headers["HostId"], "with S3's request ids")
    found = s3.head_object(Bucket="files", Key="a/b.txt")
    is_((found["ContentLength"], found["ContentType"]), (5, "text/plain"), "its head")
    is_(error_of(lambda: get("nothing")), ("NoSuchKey", 404), "a key that is not there")
    is_(error_of(lambda: s3.head_object(Bucket="files", Key="nothing")), ("404", 404), "nor its head")
    put("a/b.txt", b"")
    is_(read("a/b.txt"), b"", "an empty object replaces it")
    put("default")
    is_(get("default")["ContentType"], "binary/octet-stream", "without a type")
    big = bytes(range(256)) * 20000
    put("big", big)
    is_(read("big"), big, "five megabytes")
    put("stream", io.BytesIO(big))
    is_(read("stream"), big, "from a file")
    for key in ("grüße 日本.txt", "a//b", "a/../b", "./x", "plus+and space", "per%cent", "q?a=b&c#d",
                "~tilde*(')!"):
        put(key, key.encode())
        is_(read(key), key.encode(), f"the key {key}")
    s3.delete_object(Bucket="files", Key="big")
    is_(error_of(lambda: get("big")), ("NoSuchKey", 404), "a deleted object is gone")
    is_(error_of(lambda: s3.delete_object(Bucket="files", Key="big")), None, "twice is fine")
    is_(error_of(lambda: put("x" * 1025)), ("KeyTooLongError", 400), "a key that is too long")
    found = put("kms", ServerSideEncryption="aws:kms", SSEKMSKeyId="k-1") and get("kms")
    is_((found["ServerSideEncryption"], found["SSEKMSKeyId"]), ("aws:kms", "k-1"), "encryption")


def conditions():
    put("range", b"0123456789")
    for what, expected in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"),
                           ("bytes=5-99", b"56789")):
        found = get("range", Range=what)
        is_((found["ResponseMetadata"]["HTTPStatusCode"], found["Body"].read()), (206, expected),
            f"the range {what}")
    is_(get("range", Range="bytes=2-4")["ContentRange"], "bytes 2-4/10", "which is said")
    is_(error_of(lambda: get("range", Range="bytes=10-")), ("InvalidRange", 416), "one outside")
    etag = get("range")["ETag"]
    is_(error_of(lambda: get("range", IfNoneMatch=etag)), ("304", 304), "not modified")
    is_(read("range", IfNoneMatch='"x"'), b"0123456789", "or modified")
    is_(error_of(lambda: get("range", ExpectedBucketOwner="000000000000")), ("AccessDenied", 403),
        "another owner is expected")
    is_(error_of(lambda: get("range", ExpectedBucketOwner="123456789012")), None, "this one")
    only_new = client()
    only_new.meta.events.register("before-sign.s3.PutObject", lambda request, **kw:
                                  request.headers.add_header("If-None-Match", "*"))
    is_(error_of(lambda: put("new", by=only_new)), None, "If-None-Match: * makes an object")
    is_(error_of(lambda: put("new", by=only_new)), ("PreconditionFailed", 412), "but once")


def checksums():
    header = {"ChecksumCRC32": crc32(b"content")}
    stored = put("sum", **header)
    is_(stored["ChecksumCRC32"], header["ChecksumCRC32"], "a checksum that is right")
    found = get("sum", ChecksumMode="ENABLED")
    is_((found["Body"].read(), found["ChecksumCRC32"]), (b"content", header["ChecksumCRC32"]),
        "comes back")
    is_(error_of(lambda: put("sum", b"other", **header)), ("BadDigest", 400), "one that is wrong")
    is_(error_of(lambda: put("sum", ChecksumCRC32="AAAA")), ("InvalidRequest", 400), "or is none")
    md5 = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    is_(error_of(lambda: put("sum", ContentMD5=md5)), None, "an MD5 that is right")
    is_(error_of(lambda: put("sum", b"other", ContentMD5=md5)), ("BadDigest", 400), "or wrong")
    is_(error_of(lambda: put("sum", ContentMD5="AAAA")), ("InvalidDigest", 400), "or none")
    is_(read("sum"), b"content", "what was refused changed nothing")


def raw(method, path, body, headers):
    """The answer to a request that botocore signed with these headers."""
    headers = {"Content-Type": "text/plain", **headers}
    request = AWSRequest(method=method, url=ENDPOINT + path, data=body, headers=headers)
    signer = S3SigV4Auth(Credentials(*KEY), "s3", "us-east-1")
    signer.payload = lambda _: headers["X-Amz-Content-SHA256"]
    signer.add_auth(request)
    status, _, answer = fetch(method, path, dict(request.headers), body)
    return status, answer.decode()


def chunked(content, *trailer, sizes=(5, 7)):
    """In the aws-chunked coding."""
    out = b""
    for size in sizes:
        piece, content = content[:size], content[size:]
        out += b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
    out += b"%x\r\n%s\r\n" % (len(content), content) if content else b""
    return out + b"0\r\n" + b"".join(line.encode() + b"\r\n" for line in trailer) + b"\r\n"


def trailers():
    content = b"twenty-one characters"
    good = "x-amz-checksum-crc32:" + crc32(content)
    head = {"X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32",
            "X-Amz-Decoded-Content-Length": str(len(content))}
    is_(raw("PUT", "/files/chunked", chunked(content, good), head)[0], 200, "an aws-chunked body")
    is_(read("chunked"), content, "is stored without its coding")
    for what, body, more, status, code in (
            ("a wrong checksum", chunked(b"TWENTY-ONE CHARACTERS", good), {}, 400, "BadDigest"),
            ("a trailer that is missing", chunked(content), {}, 400, "MalformedTrailerError"),
            ("a body cut short", chunked(content, good)[:20], {}, 400, "IncompleteBody"),
            ("no chunks at all", content, {}, 400, "IncompleteBody"),
            ("another length", chunked(content, good),
             {"X-Amz-Decoded-Content-Length": "20"}, 400, "IncompleteBody")):
        got = raw("PUT", "/files/chunked", body, {**head, **more})
        ok(got[0] == status and f"<Code>{code}</Code>" in got[1], f"{what} is refused")
        is_(read("chunked"), content, "and changes nothing")


def listings():
    s3.create_bucket(Bucket="many")
    keys = [f"d{n // 10}/k{n:03} ü" for n in range(30)] + ["top&<>"]
    for key in keys:
        put(key, key.encode(), bucket="many")
    found = s3.list_objects_v2(Bucket="many")
    is_([o["Key"] for o in found["Contents"]], keys, "every key, in order")
    is_((found["KeyCount"], found["IsTruncated"], found["Contents"][0]["Size"]), (31, False, 10),
        "their number and sizes")
    pages = list(s3.get_paginator("list_objects_v2").paginate(
        Bucket="many", PaginationConfig={"PageSize": 7}))
    is_([len(page["Contents"]) for page in pages], [7, 7, 7, 7, 3], "in pages")
    is_([o["Key"] for page in pages for o in page["Contents"]], keys, "which miss nothing")
    found = s3.list_objects_v2(Bucket="many", Prefix="d1/")
    is_([o["Key"] for o in found["Contents"]], keys[10:20], "those of a prefix")
    pages = list(s3.get_paginator("list_objects_v2").paginate(
        Bucket="many", Delimiter="/", PaginationConfig={"PageSize": 2}))
    is_([p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])],
        ["d0/", "d1/", "d2/"], "folders")
    is_([o["Key"] for page in pages for o in page.get("Contents", [])], ["top&<>"],
        "and what is in none")
    found = s3.list_objects_v2(Bucket="many", StartAfter=keys[28])
    is_([o["Key"] for o in found["Contents"]], keys[29:], "those behind a key")
    ok("Contents" not in s3.list_objects_v2(Bucket="demo-files"), "an empty bucket")


def errors():
    for name, status in MODELLED.items():
        control("PUT", "faults", {"operation": "GetObject", "commands": f"{{{{error {name}}}}}"})
        is_(error_of(lambda: get("range")), (name, status), f"{name} answers")
    control("DELETE", "faults")
    is_(error_of(lambda: get("range", by=client((KEY[0], "wrong")))), ("SignatureDoesNotMatch", 403),
        "a wrong secret")
    is_(error_of(lambda: get("range", by=client(("AKIAUNKNOWN000000000", "x")))),
        ("InvalidAccessKeyId", 403), "an unknown key")
    is_(error_of(lambda: s3.get_object_acl(Bucket="files", Key="range")), ("NotImplemented", 501),
        "what the stand-in has not")
    is_(error_of(lambda: s3.copy_object(Bucket="files", Key="x", CopySource="files/range")),
        ("NotImplemented", 501), "copies")
    for headers, code, status in (
            ({"X-Amz-Content-SHA256": "0" * 64}, "XAmzContentSHA256Mismatch", 400),
            ({"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, "XAmzContentSHA256Mismatch", 400)):
        got = raw("PUT", "/files/x", b"content", headers)
        ok(got[0] == status and f"<Code>{code}</Code>" in got[1],
           f"{headers['X-Amz-Content-SHA256'][:16]} as the body's hash is refused")
    control("PUT", "switches", {"clock_offset": 3600})
    is_(error_of(lambda: get("range")), ("RequestTimeTooSkewed", 403), "a clock that is off")
    control("DELETE", "switches")
    control("PUT", "faults", {"operation": "PutObject", "times": 2, "commands": "{{error SlowDown}}"})
    patient = client(retries={"total_max_attempts": 3, "mode": "standard"})
    is_(error_of(lambda: put("slow", by=patient)), None, "two refusals are survived")


def rule(commands, operation="GetObject"):
    control("PUT", "faults", {"operation": operation, "commands": commands})


def violence():
    put("large", b"x" * 200000)
    broken = (ConnectionClosedError, IncompleteReadError, ProtocolError, ReadTimeoutError,
              ResponseStreamingError, SilentBody)
    impatient = client(read_timeout=0.3)
    for commands in ("{{reset}}", "{{hang}}", "{{cut-hard 5000}}", "{{reset-after 5000}}",
                     "{{hang-after 2}}"):
        rule(commands)
        ok(raised(lambda: read("large", by=impatient), *broken), commands)
    rule("{{reset}}", "PutObject")
    ok(raised(lambda: put("large", by=impatient), *broken), "a reset of an upload")
    rule("{{chunk-delay 2}}")
    is_(len(read("large")), 200000, "slowly")
    rule("{{chunk-delay 10000}}")
    control("DELETE", "state")
    s3.create_bucket(Bucket="files")
    put("large", b"x" * 200000)
    rule("{{chunk-delay 10000}}")
    for _ in range(20):
        found = get("large")["Body"]
        is_(len(found.read(1000)), 1000, "a download begins")
        found._raw_stream._connection.sock.shutdown(socket.SHUT_RDWR)
    control("DELETE", "faults")
    wait_for(lambda: books()["cancelled"] == 20)
    is_((books()["calls"], books()["cancelled"]), (20, 20), "every client that left is counted")


def books():
    return control("GET", "state")["operations"]["GetObject"]


def memory():
    last = [call for call in calls("PutObject")][-1]
    is_((last["session"], last["message"], last["signature"]), ("files", "large", "ok"),
        "the journal has bucket and key")
    found = {b["name"]: b["objects"] for b in control("GET", "buckets")["buckets"]}
    is_([(o["key"], o["bytes"]) for o in found["files"]], [("large", 200000)],
        "buckets can be looked at")
    control("DELETE", "state")
    is_([b["name"] for b in control("GET", "buckets")["buckets"]], ["demo-files"],
        "the configured ones stay when all is forgotten")


s3 = client()
run(buckets, objects, conditions, checksums, trailers, listings, errors, violence, memory)
