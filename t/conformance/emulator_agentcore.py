"""Drives the stand-in's AgentCore runtimes with boto3 as it is, and prints TAP. Started by
emulator-agentcore.t.

usage: emulator_agentcore.py http://127.0.0.1:PORT
"""
import json
import socket

import boto3
from botocore.config import Config
from botocore.exceptions import (ClientError, ConnectionClosedError, ReadTimeoutError,
                                 ResponseStreamingError)

from emulator_tap import ENDPOINT, calls, control, is_, ok, raised, run, wait_for

KEY = {"aws_access_key_id": "AKIAEMULATOREXAMPLE0",
       "aws_secret_access_key": "emulator-secret-key-for-local-use-only00"}
ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/chat_agent-AbCdEf0123"
SESSION = "session-of-33-characters-or-more-1"
MODELLED = {
    "ValidationException": 400, "ServiceQuotaExceededException": 402, "AccessDeniedException": 403,
    "ResourceNotFoundException": 404, "RetryableConflictException": 409, "RuntimeClientError": 424,
    "ThrottlingException": 429, "InternalServerException": 500,
}
STOP_MODELLED = dict(MODELLED, UnauthorizedException=401, ConflictException=409)


def client(**settings):
    settings.setdefault("retries", {"total_max_attempts": 1})
    return boto3.client("bedrock-agentcore", endpoint_url=ENDPOINT, region_name="us-east-1",
                        config=Config(**settings), **KEY)


def invoke(prompt, by=None, arn=ARN, session=SESSION, payload=None, **more):
    if session is not None:
        more["runtimeSessionId"] = session
    return (by or default).invoke_agent_runtime(
        agentRuntimeArn=arn, payload=payload or json.dumps({"prompt": prompt}).encode(), **more)


def body(*args, **kw):
    return invoke(*args, **kw)["response"].read().decode()


def text(*args, **kw):
    return json.loads(body(*args, **kw))["response"]


def data(*args, **kw):
    """The data of the events, by the rules of server-sent events."""
    found, lines = [], []
    for line in body(*args, accept="text/event-stream", **kw).splitlines():
        name, _, value = line.partition(":")
        if line == "" and lines:
            found.append(json.loads("\n".join(lines)))
            lines = []
        elif name == "data":
            lines.append(value[1:] if value.startswith(" ") else value)
    return found


def error_of(call):
    try:
        call()
    except ClientError as error:
        return (error.response["Error"]["Code"],
                error.response["ResponseMetadata"].get("HTTPStatusCode"))
    return None


def conversation():
    is_(text("My name is Ada"), "Nice to meet you, Ada.", "the runtime's agent takes a name")
    is_(text("What is my name?"), "Your name is Ada.", "and remembers it")
    for other in ({"session": SESSION + "x"}, {"qualifier": "2"},
                  {"arn": ARN.replace("chat", "other")}):
        is_(text("What is my name?", **other), "You have not told me your name yet.",
            f"not with another {next(iter(other))}")
    is_(text("What is my name?", qualifier="DEFAULT"), "Your name is Ada.",
        "the default qualifier can be named")
    is_(text("How many messages?"), "This is message 4 of our conversation.", "turns are counted")
    turns = control("GET", "sessions/" + SESSION)["sessions"]
    ok(any(len(s["turns"]) == 4 for s in turns), "and can be looked at")


def head():
    answer = invoke("hi you", traceId="Root=1-67891233-abcdef012345678912345678",
                    traceParent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    traceState="a=b", baggage="c=d", runtimeUserId="user-7",
                    accept="application/json", contentType="application/json")
    is_((answer["statusCode"], answer["runtimeSessionId"], answer["contentType"]),
        (200, SESSION, "application/json"), "status, session and content type")
    headers = calls("InvokeAgentRuntime")[-1]["headers"]
    is_({name: headers.get(name) for name in (
        "x-amzn-trace-id", "traceparent", "tracestate", "baggage",
        "x-amzn-bedrock-agentcore-runtime-user-id", "accept")},
        {"x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
         "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         "tracestate": "a=b", "baggage": "c=d",
         "x-amzn-bedrock-agentcore-runtime-user-id": "user-7", "accept": "application/json"},
        "the headers that came are in the journal")
    ok(len(invoke("x", session=None)["runtimeSessionId"]) >= 33, "a session id is made up")


def forms():
    is_(body("{{form result}}{{echo}}grüße"), '{"result":"grüße"}', "a document with a result")
    is_(json.loads(body("{{form message}}{{echo}}x"))["result"]["content"], [{"text": "x"}],
        "with a message")
    is_(json.loads(body("{{form string}}{{echo}}x")), "x", "a JSON string")
    is_(body("{{form text}}{{words 3}}"), "word1 word2 word3", "plain text, by command")
    answer = invoke("{{words 3}}", accept="text/plain")
    is_((answer["contentType"], answer["response"].read()),
        ("text/plain; charset=utf-8", b"word1 word2 word3"), "by Accept")
    answer = invoke("{{words 2}}", accept="text/event-stream, application/json")
    is_((answer["contentType"], list(answer["response"].iter_lines())),
        ("text/event-stream", [b'data: "word1"', b"", b'data: " word2"', b""]), "events")
    is_(len(data("{{words 64}}")), 64, "word by word")
    is_("".join(data("{{unicode}}")), "Grüße, 日本語, 😀🚀!", "whole characters")
    is_(data("{{comments}}{{words 5}}"), ["word1", " word2", " word3", " word4", " word5"],
        "comments and fields that a reader skips")
    raw = body("{{comments}}{{words 5}}", accept="text/event-stream")
    ok(all(piece in raw for piece in (": a comment\n", "retry: 3000\n", "data:\"", "\r\n")),
       "are there, and both line ends")
    is_(data("{{unknown-event}}{{words 3}}"),
        ["word1", {"note": "an event of a later version"}, " word2", " word3"], "another event")
    is_(data("{{empty}}"), [], "no event at all")
    is_(text("{{show prompt}}"), "{{show prompt}}", "what came can be shown")
    is_("".join(data("{{delay 20}}{{chunk-delay 5}}{{split 3}}{{words 3}}")),
        "word1 word2 word3", "slowly, in small writes")
    is_(len(text("{{bytes 2500000}}")), 2500000, "a long answer")


def errors():
    for name, status in MODELLED.items():
        is_(error_of(lambda: invoke(f"{{{{error {name}}}}}")), (name, status), f"{name} answers")
    unchecked = client(parameter_validation=False)
    is_(error_of(lambda: invoke("x", session="short", by=unchecked)),
        ("ValidationException", 400), "a session id that is too short")
    is_(error_of(lambda: invoke("x", session="x" * 257, by=unchecked)),
        ("ValidationException", 400), "or too long")
    is_(error_of(lambda: invoke("x", arn="chat_agent")), ("ValidationException", 400), "no ARN")
    is_(error_of(lambda: invoke("x", qualifier="a-b")), ("ValidationException", 400),
        "a qualifier that cannot be")
    is_(error_of(lambda: invoke("x", arn=ARN.replace("chat", "NOTFOUND"))),
        ("ResourceNotFoundException", 404), "an unknown runtime")
    for payload in (b"not JSON", b"[]", b'{"message": "x"}', b'{"prompt": 1}'):
        is_(error_of(lambda: invoke("", payload=payload)), ("RuntimeClientError", 424),
            f"the runtime refuses {payload.decode()}")
    is_(error_of(lambda: invoke("{{form nonsense}}")), ("ValidationException", 400),
        "an unknown form")
    is_(data("{{stream-error ValueError 2}}{{words 5}}"),
        ["word1", " word2", {"error": "This error was asked for.", "error_type": "ValueError",
                             "message": "An error occurred during streaming"}],
        "an error behind two words")
    is_(len(data("{{stream-error ValueError}}{{words 5}}")), 1, "as the first event")
    is_(data("{{stream-error-code KeyError no key}}{{echo}}x")[-1]["error"], "no key", "as the last")
    control("PUT", "switches", {"conflicts": True})
    waiting = invoke("{{chunk-delay 5000}}{{words 3}}", accept="text/event-stream")
    is_(error_of(lambda: invoke("x")), ("RetryableConflictException", 409), "a session in use")
    waiting["response"]._raw_stream._connection.sock.shutdown(socket.SHUT_RDWR)
    control("DELETE", "switches")


def stop(by=None, arn=ARN, session=SESSION, **more):
    return (by or default).stop_runtime_session(agentRuntimeArn=arn, runtimeSessionId=session,
                                                **more)


def end_of_session():
    text("My name is Ada")
    text("My name is Bob", qualifier="2")
    answer = stop()
    is_((answer["statusCode"], answer["runtimeSessionId"]), (200, SESSION), "a session is stopped")
    call = calls("StopRuntimeSession")[-1]
    is_((call["session"], call["signature"], call["outcome"]), (SESSION, "ok", "answered"),
        "as the journal knows")
    is_(text("What is my name?"), "You have not told me your name yet.", "it is forgotten")
    is_(text("What is my name?", qualifier="2"), "Your name is Bob.",
        "not that of another qualifier")
    stop(qualifier="2", clientToken="A" + "-" * 31 + "z")
    is_(error_of(lambda: stop(qualifier="2")), ("ResourceNotFoundException", 404),
        "one that has ended is not found")
    unchecked = client(parameter_validation=False)
    for what, wrong in {
            "a session id that is too short": {"session": "short"}, "no ARN": {"arn": "chat_agent"},
            "a qualifier that cannot be": {"qualifier": "a-b"},
            "a token that is too short": {"clientToken": "x" * 32},
            "a token that ends with a hyphen": {"clientToken": "x" * 40 + "-"},
            "other characters in it": {"clientToken": "x" * 40 + "_x"}}.items():
        is_(error_of(lambda: stop(by=unchecked, **wrong)), ("ValidationException", 400), what)
    is_(error_of(lambda: stop(arn=ARN.replace("chat", "NOTFOUND"))),
        ("ResourceNotFoundException", 404), "an unknown runtime")
    stranger = boto3.client("bedrock-agentcore", endpoint_url=ENDPOINT, region_name="us-east-1",
                            aws_access_key_id=KEY["aws_access_key_id"],
                            aws_secret_access_key="another secret")
    is_(error_of(lambda: stop(by=stranger)), ("InvalidSignatureException", 403),
        "a wrong signature is refused")
    text("My name is Ada")
    for name, status in STOP_MODELLED.items():
        control("PUT", "faults", [{"operation": "StopRuntimeSession",
                                   "commands": f"{{{{error {name}}}}}"}])
        is_(error_of(stop), (name, status), f"{name} answers")
    control("DELETE", "faults")
    is_(text("What is my name?"), "Your name is Ada.", "and nothing is forgotten")


def violence():
    broken = (ConnectionClosedError, ResponseStreamingError, ReadTimeoutError)
    impatient = client(read_timeout=0.3)
    stream = {"accept": "text/event-stream"}
    ok(raised(lambda: body("{{bad-crc}}{{words 5}}") and data("{{bad-crc}}{{words 5}}"),
              json.JSONDecodeError), "an event that is no JSON")
    ok(raised(lambda: body("{{reset-after 60}}{{words 50}}", **stream), *broken), "a reset")
    ok(raised(lambda: body("{{cut-hard 60}}{{words 50}}", **stream), *broken), "a cut")
    ok(raised(lambda: body("{{stream-error X 2}}{{form text}}{{words 5}}"), *broken),
       "plain text that ends with the connection")
    ok(raised(lambda: body("{{hang-after 2}}{{words 5}}", by=impatient, **stream), *broken),
       "silence after two words")
    ok(raised(lambda: body("{{hang-after 2}}{{form text}}{{words 5}}", by=impatient), *broken),
       "also in plain text")
    ok(raised(lambda: invoke("{{hang}}", by=impatient), *broken), "no answer at all")
    ok(raised(lambda: invoke("{{reset}}", by=impatient), *broken), "nor a connection")


def books():
    return control("GET", "state")["operations"]["InvokeAgentRuntime"]


def cancelled():
    wait_for(lambda: not books()["in_progress"])
    control("DELETE", "state")
    for form, length in (("sse", 14), ("text", 5)):
        for _ in range(10):
            stream = invoke(f"{{{{chunk-delay 10000}}}}{{{{form {form}}}}}{{{{words 5}}}}")
            ok(b"word1" in stream["response"].read(length),
               "a stream begins")
            stream["response"]._raw_stream._connection.sock.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: books()["cancelled"] == 20)
    is_((books()["calls"], books()["cancelled"], books()["in_progress"]), (20, 20, 0),
        "every client that left is counted")
    last = calls("InvokeAgentRuntime")[-1]
    is_((last["session"], last["signature"], last["outcome"]), (SESSION, "ok", "cancelled"),
        "and in the journal")


default = client()
run(conversation, head, forms, errors, end_of_session, violence, cancelled)
