"""Signatures made by botocore, to compare ours with.

A case is a dict: url, method, headers (list of pairs), body, token, params, s3, unsigned, time,
access_key_id, secret_access_key, region, service. sign() gives the request as t/conformance/signer
reads it and the Authorization that botocore gives it.
"""

import datetime
import random
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

DEFAULTS = {
    "method": "GET",
    "headers": [],
    "body": "",
    "token": None,
    "params": None,
    "s3": False,
    "unsigned": False,
    "time": 1440938160,
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region": "us-east-1",
    "service": "bedrock",
}


def host_header(url):
    """What a client sends as Host: no user, no default port, lower case."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return host[: -len(default)] if host.endswith(default) else host


def loosely(text):
    """Percent-encoded, but with other characters left alone and other digits than AWS's."""
    return urllib.parse.quote(text, safe="!'()*:@/").replace("%2C", "%2c").replace("%3D", "%3d")


def wire_query(case, parts):
    """botocore takes parameters apart from the URL; on the wire they are a query, here one that is
    encoded differently from the canonical form."""
    if not case["params"]:
        return parts.query
    return "&".join(f"{loosely(name)}={loosely(value)}" for name, value in case["params"])


def sign(case):
    case = {**DEFAULTS, **case}
    request = botocore.awsrequest.AWSRequest(
        method=case["method"], url=case["url"], data=case["body"].encode(), params=case["params"]
    )
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    request.context["timestamp"] = datetime.datetime.fromtimestamp(
        case["time"], datetime.timezone.utc
    ).strftime(botocore.auth.SIGV4_TIMESTAMP)
    request.context["payload_signing_enabled"] = not case["unsigned"]
    if case["s3"] and case["unsigned"]:
        request.headers.add_header("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")
    credentials = botocore.credentials.Credentials(
        case["access_key_id"], case["secret_access_key"], case["token"]
    )
    make = botocore.auth.S3SigV4Auth if case["s3"] else botocore.auth.SigV4Auth
    signer = make(credentials, case["service"], case["region"])
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]

    parts = urllib.parse.urlsplit(case["url"])
    wire = {key: case[key] for key in DEFAULTS if key not in ("headers", "token", "params")}
    wire["path"] = parts.path
    wire["query"] = wire_query(case, parts)
    wire["headers"] = [[name, value] for name, value in request.headers.items()]
    if "host" not in [name.lower() for name, _ in wire["headers"]]:
        wire["headers"].insert(0, ["Host", host_header(case["url"])])
    return wire, canonical, authorization


TEXT = "abcXYZ019-._~/:%+ =&,;!'()*@$[]\"\\<>{}|^`?#\u00e9\u1234\U0001f600"


def some_text(rng, alphabet, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(most)))


def random_path(rng):
    label = urllib.parse.quote(some_text(rng, TEXT, 12), safe="")
    some = ["", ".", "..", "a", "%3A", label]
    return "/" + "/".join(rng.choice(some) for _ in range(rng.randrange(7)))


def random_headers(rng):
    names = ["Content-Type", "x-amz-target", "X-Amz-Meta-A", "x-amz-meta-a", "X-AMZ-META-B",
             "User-Agent", "Expect", "X-Amzn-Trace-Id", "My-Header1", "x-amz-source-arn"]
    alphabet = "abcXYZ019 \t  -,;\"=/%"
    return [
        (name, some_text(rng, alphabet, 40))
        for name in rng.sample(names, rng.randrange(len(names)))
        for _ in range(rng.choice([1, 1, 1, 2, 3]))
    ]


def random_case(rng):
    scheme = rng.choice(["http", "https"])
    hosts = ["Example.amazonaws.com", "localhost:8000", "h:443", "h:80", "[::1]:8001", "u:p@h"]
    params = [(some_text(rng, TEXT, 6), some_text(rng, TEXT, 8)) for _ in range(rng.randrange(5))]
    s3 = rng.random() < 0.3
    return {
        "url": f"{scheme}://{rng.choice(hosts)}{random_path(rng)}",
        "method": rng.choice(["GET", "POST", "PUT", "DELETE"]),
        "headers": random_headers(rng),
        "body": some_text(rng, TEXT, 300),
        "token": some_text(rng, "abcXYZ/+=", 900) or None if rng.random() < 0.5 else None,
        "params": params,
        "s3": s3,
        "unsigned": scheme == "https" and rng.random() < 0.2,
        "time": rng.randrange(0, 4102444800),
        "access_key_id": "AKID" + some_text(rng, "ABCDEF234567", 17),
        "secret_access_key": some_text(rng, "abcXYZ019/+", 70),
        "region": rng.choice(["us-east-1", "eu-central-1", "us-gov-west-1"]),
        "service": "s3" if s3 else rng.choice(["bedrock", "dynamodb", "monitoring", "sts"]),
    }


def random_cases(seed, count):
    rng = random.Random(seed)
    return [random_case(rng) for _ in range(count)]
