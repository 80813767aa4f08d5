"""Takes credentials from every source of the stand-in with boto3, and prints TAP. Started by
emulator-credentials.t.

usage: emulator_credentials.py http://127.0.0.1:PORT
"""
import base64
import email.utils
import json
import os
import re
import socket
import tempfile
import time
import urllib.error

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError, CredentialRetrievalError, NoCredentialsError
from botocore.parsers import ResponseParserError
from botocore.utils import ContainerMetadataFetcher, IMDSRegionProvider

from emulator_tap import (ENDPOINT, Environment, calls, control, fetch, is_, ok, raised, run, skip,
                          wait_for)

KEY = {"aws_access_key_id": "AKIAEMULATOREXAMPLE0",
       "aws_secret_access_key": "emulator-secret-key-for-local-use-only00"}
USER = "arn:aws:iam::123456789012:user/emulator"
ROLE = "arn:aws:iam::123456789012:role/path/chat"
TASK = "arn:aws:sts::123456789012:assumed-role/web/emulator-task"
INSTANCE = "arn:aws:sts::123456789012:assumed-role/emulator-role/i-0123456789abcdef0"
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": ENDPOINT + "/v2/credentials/web"}
METADATA = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": ENDPOINT, "AWS_EC2_METADATA_DISABLED": "false"}
VERSION = tuple(int(part) for part in botocore.__version__.split(".")[:2])
KNOWS_AGENTS = "bedrock-agent-runtime" in boto3.Session().get_available_services()
ContainerMetadataFetcher.SLEEP_TIME = 0
time.sleep = lambda seconds: None  # before a repetition


def client(service="sts", session=None, key=None, attempts=1, **more):
    settings = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, **more)
    return (session or boto3.Session()).client(service, endpoint_url=ENDPOINT,
                                               region_name="us-east-1", config=settings,
                                               **(key or {}))


def key_of(found):
    """Credentials of an STS answer, or of a session, as arguments for client()."""
    if isinstance(found, dict):
        found = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), found))


def arn(**more):
    return client(**more).get_caller_identity()["Arn"]


def error_of(call):
    """Code and status of the error that the call raises."""
    try:
        call()
    except ClientError as error:
        return (error.response["Error"]["Code"],
                error.response["ResponseMetadata"].get("HTTPStatusCode"))
    return None


def say(text, session="s-1", **more):
    answer = client("bedrock-agent-runtime", **more).invoke_agent(
        agentId="AGENT12345", agentAliasId="TSTALIASID", sessionId=session, inputText=text)
    return b"".join(event["chunk"]["bytes"] for event in answer["completion"]).decode()


def switches(**values):
    return control("PUT", "switches", values)


def rules(*faults):
    return control("PUT", "faults", list(faults))


def issued(source):
    return control("GET", "state")["credentials"]["issued"][source]


def reset():
    control("DELETE", "state")


def container():
    reset()
    with Environment(**CONTAINER):
        session = boto3.Session()
        by = client(session=session)
        is_([by.get_caller_identity()["Arn"] for _ in range(3)], [TASK] * 3, "a task's role signs")
        is_(issued("container"), 1, "with one set of credentials")
        switches(container_lifetime=3)
        by = client(session=boto3.Session())
        is_([by.get_caller_identity()["Arn"] for _ in range(3)], [TASK] * 3, "short-lived ones too")
        ok(issued("container") > 3, "are fetched again and again")
        is_(calls("ContainerCredentials")[0]["message"], "web", "which is in the journal")
        is_(fetch("GET", "/v2/credentials/a%2Fb")[0], 404, "an id that cannot be is not found")


def container_token():
    reset()
    switches(container_token="Basic secret")
    with Environment(**CONTAINER):
        ok(raised(arn, CredentialRetrievalError), "without the token there are no credentials")
    with Environment(AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic wrong", **CONTAINER):
        ok(raised(arn, CredentialRetrievalError), "nor with a wrong one")
    with Environment(AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic secret", **CONTAINER):
        is_(arn(), TASK, "with the right one there are")
    if VERSION < (1, 33):
        skip("a token from a file", f"botocore {botocore.__version__} reads none")
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("Basic secret")
        file.flush()
        with Environment(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=file.name, **CONTAINER):
            is_(arn(), TASK, "from a file too")


def container_faults():
    reset()
    with Environment(**CONTAINER):
        rules({"operation": "ContainerCredentials", "commands": "{{status 500}}", "times": 2})
        is_(arn(), TASK, "two failures are survived")
        is_([call["status"] for call in calls("ContainerCredentials")], [500, 500, 200],
            "by two repetitions")
        rules({"operation": "ContainerCredentials", "commands": "{{error throttling}}"})
        ok(raised(arn, CredentialRetrievalError), "not when they go on")
        status, _, body = fetch("GET", "/v2/credentials/web")
        is_((status, json.loads(body)),
            (429, {"Code": "ThrottlingException", "Message": "This error was asked for."}),
            "errors are of its own form")


def expired():
    reset()
    with Environment(**CONTAINER):
        switches(container_lifetime=-60)
        found = json.loads(fetch("GET", "/v2/credentials/web")[2])
    key = key_of((found["AccessKeyId"], found["SecretAccessKey"], found["Token"]))
    is_(error_of(lambda: arn(key=key)), ("ExpiredToken", 403), "STS refuses an expired set")
    if KNOWS_AGENTS:
        is_(error_of(lambda: say("x", key=key)), ("ExpiredTokenException", 403), "Bedrock too")
    else:
        skip("Bedrock too", "this boto3 does not know bedrock-agent-runtime")
    is_(control("GET", "state")["credentials"]["refused_expired"], 1 + KNOWS_AGENTS,
        "which is counted")
    switches(credentials_grace_ms=600000)
    is_(arn(key=key), TASK, "within the grace it is taken")
    is_(error_of(lambda: arn(key=dict(key, aws_session_token="other"))),
        ("InvalidClientTokenId", 403), "with another token it is not known")
    is_(error_of(lambda: arn(key=dict(key, aws_secret_access_key="other"))),
        ("SignatureDoesNotMatch", 403), "with another secret nothing is signed")


def metadata():
    reset()
    with Environment(**METADATA):
        by = client(session=boto3.Session())
        is_(by.get_caller_identity()["Arn"], INSTANCE, "an instance's role signs")
        is_([(call["operation"], call["status"]) for call in calls()],
            [("IMDSToken", 200), ("IMDSRole", 200), ("IMDSCredentials", 200),
             ("GetCallerIdentity", 200)], "by way of a session token")
        is_(IMDSRegionProvider(boto3.Session()._session).provide(), "us-east-1",
            "the zone tells the region")
        switches(imds_zone="eu-central-1b")
        is_(IMDSRegionProvider(boto3.Session()._session).provide(), "eu-central-1", "any region")


def metadata_switched():
    for name, value, why in (("imds_role", "", "without a role"),
                             ("imds_disabled", True, "switched off"),
                             ("imds_code", "AssumeRoleUnauthorizedAccess", "with another Code")):
        reset()
        switches(**{name: value})
        with Environment(**METADATA):
            ok(raised(arn, NoCredentialsError), f"{why} there are no credentials")
    reset()
    switches(imds_lifetime=-60)
    with Environment(**METADATA):
        is_(error_of(arn), ("ExpiredToken", 403), "expired credentials are handed out on demand")
        is_(issued("imds"), 1, "once")
    reset()
    switches(imds_v1=True)
    rules({"operation": "IMDSToken", "commands": "{{error Forbidden 403}}"})
    with Environment(**METADATA):
        is_(arn(), INSTANCE, "version 1 answers when it is allowed")
    switches(imds_v1=False)
    with Environment(**METADATA):
        ok(raised(arn, NoCredentialsError), "and is refused else")


def metadata_to_the_letter():
    reset()
    role = "/latest/meta-data/iam/security-credentials/"
    ttl = "x-aws-ec2-metadata-token-ttl-seconds"
    for headers, status, what in (({}, 400, "no lifetime"), ({ttl: "0"}, 400, "a lifetime of 0"),
                                  ({ttl: "21601"}, 400, "one over six hours"),
                                  ({ttl: "x"}, 400, "one that is no number"),
                                  ({ttl: "60", "X-Forwarded-For": "10.0.0.1"}, 403, "a proxy"),
                                  ({ttl: "60"}, 200, "60 seconds")):
        is_(fetch("PUT", "/latest/api/token", headers)[0], status, f"a token for {what}")
    is_(fetch("GET", "/latest/api/token")[0], 405, "a token is not for GET")
    is_(fetch("GET", role)[0], 401, "no token")
    is_(fetch("GET", role, {"x-aws-ec2-metadata-token": "x"})[0], 401, "an unknown token")
    _, headers, token = fetch("PUT", "/latest/api/token", {ttl: "60"})
    given = {"x-aws-ec2-metadata-token": token.decode()}
    is_((headers[ttl], len(token)), ("60", 56), "a token says its lifetime")
    is_(fetch("GET", role, given)[2], b"emulator-role", "and opens the role's name")
    is_(fetch("GET", role + "other", given)[0], 404, "another role is not attached")
    is_(fetch("GET", "/latest/meta-data/nothing", given)[0], 404, "other metadata is not there")
    switches(imds_token_ttl=0)
    _, _, token = fetch("PUT", "/latest/api/token", {ttl: "60"})
    is_(fetch("GET", role, {"x-aws-ec2-metadata-token": token.decode()})[0], 401,
        "an expired token")
    switches(imds_hang=True)
    host, port = ENDPOINT.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=0.2) as sock:
        sock.sendall(f"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n{ttl}: 60\r\n\r\n".encode())
        ok(raised(lambda: sock.recv(1), socket.timeout), "no answer at all")


def assume(by=None, **more):
    given = {"RoleArn": ROLE, "RoleSessionName": "chat@host", **more}
    return (by or client(key=KEY, parameter_validation=False)).assume_role(**given)


def roles():
    reset()
    is_(arn(key=KEY), USER, "a configured key is a user's")
    answer = assume(DurationSeconds=900)
    is_(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/chat/chat@host",
        "a role is assumed")
    left = answer["Credentials"]["Expiration"].timestamp() - time.time()
    ok(890 <= left <= 901, f"for as long as was asked: {left:.0f} s")
    key = key_of(answer["Credentials"])
    is_(arn(key=key), answer["AssumedRoleUser"]["Arn"], "and signs")
    is_(client(key=key).get_caller_identity()["UserId"],
        answer["AssumedRoleUser"]["AssumedRoleId"], "as itself")
    chained = client(key=key, parameter_validation=False)
    is_(assume(chained)["AssumedRoleUser"]["Arn"], answer["AssumedRoleUser"]["Arn"],
        "roles are chained")
    is_(error_of(lambda: assume(chained, DurationSeconds=7200)), ("ValidationError", 400),
        "for an hour at most")
    switches(sts_lifetime=-60)
    key = key_of(assume()["Credentials"])
    is_(error_of(lambda: arn(key=key)), ("ExpiredToken", 403), "for less than was asked, on demand")
    is_(issued("sts"), 3, "every set is counted")


def role_refusals():
    reset()
    for more, expected, what in (
            ({"RoleArn": ROLE + "/DENIED1"}, ("AccessDenied", 403), "a role for nobody"),
            ({"RoleArn": "arn:aws:iam::1:user/chat"}, ("ValidationError", 400), "a user"),
            ({"RoleArn": "x"}, ("ValidationError", 400), "an ARN that is none"),
            ({"RoleSessionName": "a b"}, ("ValidationError", 400), "a session name with a blank"),
            ({"RoleSessionName": "a"}, ("ValidationError", 400), "one of a single character"),
            ({"RoleSessionName": "a" * 65}, ("ValidationError", 400), "one of 65"),
            ({"DurationSeconds": 899}, ("ValidationError", 400), "less than 15 minutes"),
            ({"DurationSeconds": 43201}, ("ValidationError", 400), "more than 12 hours")):
        is_(error_of(lambda: assume(**more)), expected, f"{what} is refused")
    switches(sts_external_id="outside&<")
    is_(error_of(assume), ("AccessDenied", 403), "an external id must be given")
    is_(error_of(lambda: assume(ExternalId="inside")), ("AccessDenied", 403), "and be right")
    is_(error_of(lambda: assume(ExternalId="outside&<")), None, "then the role is assumed")
    is_(error_of(lambda: arn(key=dict(KEY, aws_secret_access_key="x"))),
        ("SignatureDoesNotMatch", 403), "a wrong secret")
    is_(error_of(lambda: arn(key={"aws_access_key_id": "AKIAX", "aws_secret_access_key": "x"})),
        ("InvalidClientTokenId", 403), "an unknown key")


def jwt(**claims):
    parts = ({"alg": "none"}, {"iss": "https://oidc.example", "aud": "sts.amazonaws.com",
                               "sub": "chat?>~", "exp": int(time.time()) + 3600, **claims})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
             for part in parts]
    return ".".join(texts + ["sign"])


def web_identity():
    reset()
    by = client(parameter_validation=False)

    def federate(token, role=ROLE):
        return by.assume_role_with_web_identity(RoleArn=role, RoleSessionName="pod",
                                                WebIdentityToken=token)

    answer = federate(jwt())
    is_((answer["SubjectFromWebIdentityToken"], answer["Audience"], answer["Provider"]),
        ("chat?>~", "sts.amazonaws.com", "https://oidc.example"), "the token's claims are told")
    is_(arn(key=key_of(answer["Credentials"])),
        "arn:aws:sts::123456789012:assumed-role/chat/pod", "the role signs")
    is_(calls("AssumeRoleWithWebIdentity")[0]["signature"], None, "the call itself was unsigned")
    for token, expected, what in (
            ("no-token", ("InvalidIdentityToken", 400), "no token"),
            ("aaaa.bbbb", ("InvalidIdentityToken", 400), "half a token"),
            (jwt(exp=None), ("InvalidIdentityToken", 400), "one without an end"),
            (jwt(exp=1000), ("ExpiredTokenException", 400), "one that has expired"),
            ("x" * 20001, ("ValidationError", 400), "one too long")):
        is_(error_of(lambda: federate(token)), expected, f"{what} is refused")
    is_(error_of(lambda: federate(jwt(), ROLE + "/DENIED")), ("AccessDenied", 403), "a wrong role")
    rules({"operation": "AssumeRoleWithWebIdentity", "times": 1,
           "commands": "{{error IDPCommunicationError}}"})
    is_(error_of(lambda: federate(jwt())), ("IDPCommunicationError", 400),
        "an identity provider that is away")


def profiles():
    """The sources that call STS on their own."""
    if VERSION < (1, 31):
        skip("profiles", f"botocore {botocore.__version__} has no AWS_ENDPOINT_URL_STS")
        return
    reset()
    with tempfile.TemporaryDirectory() as directory:
        config, token = os.path.join(directory, "config"), os.path.join(directory, "token")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[profile base]\naws_access_key_id={KEY['aws_access_key_id']}\n"
                       f"aws_secret_access_key={KEY['aws_secret_access_key']}\n"
                       f"[profile chat]\nrole_arn={ROLE}\nsource_profile=base\n"
                       "role_session_name=by-profile\nexternal_id=outside\n")
        with open(token, "w", encoding="utf-8") as file:
            file.write(jwt())
        switches(sts_external_id="outside")
        with Environment(AWS_CONFIG_FILE=config, AWS_PROFILE="chat", AWS_ENDPOINT_URL_STS=ENDPOINT,
                         AWS_DEFAULT_REGION="us-east-1"):
            is_(arn(), "arn:aws:sts::123456789012:assumed-role/chat/by-profile",
                "a profile assumes its role")
        with Environment(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN=ROLE,
                         AWS_ROLE_SESSION_NAME="by-token", AWS_ENDPOINT_URL_STS=ENDPOINT,
                         AWS_DEFAULT_REGION="us-east-1"):
            is_(arn(), "arn:aws:sts::123456789012:assumed-role/chat/by-token",
                "a token's file assumes one")


def retries():
    reset()
    rules({"operation": "GetCallerIdentity", "commands": "{{status 503}}", "times": 2})
    is_(arn(key=KEY, attempts=3), USER, "two failures are survived")
    attempts, attempt = calls("GetCallerIdentity"), re.compile(r"attempt=\d")
    is_([(call["status"], attempt.search(call["headers"]["amz-sdk-request"])[0]) for call in attempts],
        [(503, "attempt=1"), (503, "attempt=2"), (200, "attempt=3")], "each attempt says its number")
    is_(len({call["headers"]["amz-sdk-invocation-id"] for call in attempts}), 1, "in one invocation")
    is_({call["access_key"] for call in attempts}, {KEY["aws_access_key_id"]}, "by one key")
    for commands, expected, what in (
            ("{{status 500}}", "500", "an empty body"), ("{{html 502}}", "502", "an error page"),
            ("{{error Throttling}}", "Throttling", "a modelled error"),
            ("{{error made-up 418}}", "made-up", "an error that does not exist")):
        rules({"operation": "*", "commands": commands})
        is_(error_of(lambda: arn(key=KEY))[0], expected, f"{what} is an error")
    for count in (0, 40):
        rules({"operation": "*", "commands": f"{{{{error AccessDenied}}}}{{{{cut {count}}}}}"})
        ok(raised(lambda: arn(key=KEY), ResponseParserError), f"so is a body cut to {count} bytes")


def heads():
    reset()
    rules({"operation": "ContainerCredentials", "commands":
           "{{amz-retry-after 1500}}{{retry-after Fri, 31 Dec 2027 23:59:59 GMT}}{{header Age 7}}"})
    headers = fetch("GET", "/v2/credentials/web")[1]
    is_((headers["x-amz-retry-after"], headers["Retry-After"], headers["Age"]),
        ("1500", "Fri, 31 Dec 2027 23:59:59 GMT", "7"), "headers on demand")
    rules({"operation": "GetCallerIdentity", "commands": "{{no-request-id}}{{no-date}}"})
    headers = client(key=KEY).get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    is_((headers.get("x-amzn-requestid"), headers.get("date")), (None, None), "headers left out")
    rules({"operation": "GetCallerIdentity", "commands": "{{date-offset -3600}}"})
    is_(offset_of(client(key=KEY).get_caller_identity()), -3600, "a Date that lies")


def offset_of(answer):
    """Of the Date header from our clock, to the minute."""
    date = email.utils.parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return round((date.timestamp() - time.time()) / 60) * 60


def clocks():
    reset()
    for offset in (3600, -3600):
        switches(clock_offset=offset)
        try:
            client(key=KEY).get_caller_identity()
        except ClientError as error:
            found = error.response
            is_(found["Error"]["Code"], "SignatureDoesNotMatch", f"a clock off by {offset} s")
            is_(offset_of(found), offset, "which the Date says")
            ok(("expired" if offset > 0 else "not yet current") in found["Error"]["Message"],
               "and the message explains")
        else:
            ok(False, f"a clock off by {offset} s")
        found = json.loads(fetch("GET", "/v2/credentials/web")[2])["Expiration"]
        expires = time.mktime(time.strptime(found, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        ok(abs(expires - time.time() - offset - 21600) < 60, "credentials expire by that clock")
    switches(clock_offset=200)
    is_(arn(key=KEY), USER, "under five minutes nothing is refused")


def connections():
    reset()
    by = client(key=KEY)
    for _ in range(5):
        by.get_caller_identity()
    state = control("GET", "state")
    is_((state["connections"]["used"], state["operations"]["GetCallerIdentity"]["new_connections"]),
        (1, 1), "five calls on one connection")
    is_([call["reused"] for call in calls()], [False] + [True] * 4, "new, then reused")
    is_(len({call["connection"] for call in calls()}), 1, "by its number")
    rules({"operation": "*", "commands": "{{drop}}", "times": 1})
    for _ in range(3):
        by.get_caller_identity()
    is_(control("GET", "state")["connections"]["used"], 2, "a dropped one is replaced")


def sessions():
    if not KNOWS_AGENTS:
        skip("sessions", "this boto3 does not know bedrock-agent-runtime")
        return
    reset()
    switches(conflicts=True)
    answer = client("bedrock-agent-runtime", key=KEY).invoke_agent(
        agentId="AGENT12345", agentAliasId="TSTALIASID", sessionId="busy",
        inputText="{{hang-after 0}}")
    is_(error_of(lambda: say("x", "busy", key=KEY)), ("ConflictException", 409), "a busy session")
    is_(error_of(lambda: say("x", "other", key=KEY)), None, "is no other's business")
    answer["completion"].close()
    wait_for(lambda: control("GET", "state")["operations"]["InvokeAgent"]["in_progress"] == 0)
    is_(error_of(lambda: say("x", "busy", key=KEY)), None, "and free when the call has ended")
    reset()
    say("My name is Ada", key=KEY)
    is_(say("What is my name?", key=KEY), "Your name is Ada.", "a session remembers")
    switches(session_idle_ms=1)
    is_(say("What is my name?", key=KEY), "You have not told me your name yet.",
        "until it was idle for too long")


def settings():
    def status(body):
        try:
            control("PUT", "switches", body)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        return 200

    before = switches(imds_role="a")
    is_([status(body) for body in ({"no_such": 1}, {"conflicts": 1}, {"clock_offset": "x"},
                                   {"imds_lifetime": 99999999}, {"imds_role": "a\nb"}, [])],
        [400] * 6, "what is no switch, or no value of it, is refused")
    is_(status({"imds_role": "b", "no_such": 1}), 400, "as a whole")
    is_(control("GET", "switches"), before, "and nothing is changed")
    control("DELETE", "switches")
    is_(control("GET", "switches")["imds_role"], "emulator-role", "the defaults come back")


run(container, container_token, container_faults, expired, metadata, metadata_switched,
    metadata_to_the_letter, roles, role_refusals, web_identity, profiles, retries, heads, clocks,
    connections, sessions, settings)
