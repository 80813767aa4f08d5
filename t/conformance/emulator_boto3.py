"""Drives the stand-in with boto3 as it is, and prints TAP. Started by emulator-boto3.t.

usage: emulator_boto3.py http://127.0.0.1:PORT
"""
import json
import socket
import urllib.error

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (ClientError, ConnectionClosedError, EventStreamError,
                                 ReadTimeoutError, ResponseStreamingError)
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as SilentBody

from emulator_tap import ENDPOINT, calls, control, is_, ok, raised, run, skip

KEY = ("AKIAEMULATOREXAMPLE0", "emulator-secret-key-for-local-use-only00", None)
TEMPORARY = ("ASIATEMPORARY0000000", "temporary-secret", "token/of+the=session")
MODELLED = {
    "ValidationException": 400, "ServiceQuotaExceededException": 400,
    "AccessDeniedException": 403, "ResourceNotFoundException": 404, "ConflictException": 409,
    "DependencyFailedException": 424, "ModelNotReadyException": 424, "ThrottlingException": 429,
    "InternalServerException": 500, "BadGatewayException": 502,
}


def client(key=KEY, region="us-east-1", **settings):
    settings.setdefault("retries", {"total_max_attempts": 1})
    return boto3.client("bedrock-agent-runtime", endpoint_url=ENDPOINT, region_name=region,
                        aws_access_key_id=key[0], aws_secret_access_key=key[1],
                        aws_session_token=key[2], config=Config(**settings))


def invoke(text, session="s-1", agent="AGENT12345", alias="TSTALIASID", by=None, stream=False,
           **more):
    if stream:
        more["streamingConfigurations"] = {"streamFinalResponse": True}
    return (by or default).invoke_agent(agentId=agent, agentAliasId=alias, sessionId=session,
                                        inputText=text, **more)


def events(*args, **kw):
    return list(invoke(*args, **kw)["completion"])


def text(*args, **kw):
    return b"".join(e["chunk"]["bytes"] for e in events(*args, **kw) if "chunk" in e).decode()


def error_of(call):
    """Code and status of the error that the call raises."""
    try:
        call()
    except ClientError as error:
        return (error.response["Error"]["Code"],
                error.response["ResponseMetadata"].get("HTTPStatusCode"))
    return None


def conversation():
    is_(text("My name is Ada"), "Nice to meet you, Ada.", "the agent takes a name")
    is_(text("What is my name?"), "Your name is Ada.", "and remembers it")
    is_(text("What is my name?", session="s-2"), "You have not told me your name yet.",
        "another session does not know it")
    is_(text("What is my name?", agent="AGENT54321"), "You have not told me your name yet.",
        "nor does another agent")
    is_(text("How many messages?"), "This is message 3 of our conversation.", "turns are counted")
    ok(text("Hello there").startswith("Hello! I am the scripted agent"), "a greeting is answered")
    is_(text("grüße 日本"), "You said: grüße 日本", "anything else is repeated")
    is_(text("bye", endSession=True), "The session has ended.", "endSession ends the session")
    is_(text("What is my name?"), "You have not told me your name yet.", "which is forgotten then")
    turns = control("GET", "sessions/s-2")["sessions"][0]["turns"]
    is_([t["input"] for t in turns], ["What is my name?"], "the turns can be looked at")


def answer_head():
    answer = invoke("hi", session="user:42", memoryId="memory-1")
    list(answer["completion"])
    is_(answer["sessionId"], "user:42", "the session id comes back in its header")
    is_(answer["contentType"], "application/json", "the content type of the agent's answer too")
    is_(answer.get("memoryId"), "memory-1", "and the memory id")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    is_(headers["content-type"], "application/vnd.amazon.eventstream", "it is an event stream")
    is_(headers["transfer-encoding"], "chunked", "in chunks")
    is_(len(answer["ResponseMetadata"]["RequestId"]), 36, "with a request id")


def streaming():
    pieces = [e["chunk"]["bytes"].decode() for e in events("{{words 64}}", stream=True)]
    is_(len(pieces), 64, "a streamed answer comes word by word")
    is_("".join(pieces), " ".join(f"word{i}" for i in range(1, 65)), "in order")
    is_(len(events("{{words 64}}")), 1, "without streamFinalResponse in one chunk")
    pieces = [e["chunk"]["bytes"] for e in events("{{unicode}}", stream=True)]
    is_(b"".join(pieces).decode(), "Grüße, 日本語, 😀🚀!", "characters of two, three, four bytes")
    cut = 0
    for piece in pieces:
        try:
            piece.decode()
        except UnicodeDecodeError:
            cut += 1
    ok(cut >= 4, "are cut between chunks")
    is_(text("{{echo}}  as it is \n"), "  as it is \n", "{{echo}} gives the text back as it is")
    is_(text("{{echo}}{{7*7}} {{ x }} {{"), "{{7*7}} {{ x }} {{", "braces alone are text")
    is_(len(text("{{bytes 100000}}", stream=True)), 100000, "a long answer, streamed")
    is_(len(text("{{bytes 2500000}}")), 2500000, "a longer one, in chunks of a million bytes")
    big = "x" * 3_000_000
    is_(text("{{echo}}" + big), big, "a long message")
    is_(text("{{split 7}}{{words 9}}", stream=True).split()[-1], "word9", "in pieces of 7 bytes")
    is_(text("{{http10}}hello you")[:6], "Hello!", "without any length")
    is_(text("{{delay 20}}{{chunk-delay 5}}{{words 3}}", stream=True), "word1 word2 word3",
        "with delays")
    is_(text("{{unknown-event}}{{words 3}}", stream=True), "word1 word2 word3",
        "an event of an unknown type in between")
    is_(events("{{empty}}"), [], "a stream without any event")
    is_(text("{{drop}}one") + text("two"), "You said: oneYou said: two",
        "a kept connection that is closed is opened again")


def usage(found):
    for trace in found:
        for kind in trace["trace"]["trace"].values():
            use = kind.get("modelInvocationOutput", {}).get("metadata", {}).get("usage")
            if use:
                yield use["inputTokens"], use["outputTokens"]


def traces():
    found = [e for e in events("12345678", enableTrace=True, session="s-t") if "trace" in e]
    is_([list(t["trace"]["trace"])[0] for t in found],
        ["preProcessingTrace"] * 2 + ["orchestrationTrace"] * 3, "traces of two phases")
    is_(list(usage(found)), [(12, 7), (102, 5)], "each with its tokens")
    is_(found[0]["trace"]["sessionId"], "s-t", "and the session")
    found = [e for e in events("{{no-tokens}}x", enableTrace=True) if "trace" in e]
    is_((len(found), list(usage(found))), (5, []), "or without tokens")
    is_([e for e in events("x") if "trace" in e], [], "none when they are not asked for")
    found = events("{{return-control}}")
    is_(found[0]["returnControl"]["invocationInputs"][0]["functionInvocationInput"]["function"],
        "getWeather", "control is returned")
    state = {"invocationId": found[0]["returnControl"]["invocationId"],
             "returnControlInvocationResults": [{"functionResult": {"actionGroup": "weather"}}]}
    is_(text("", sessionState=state), "I have the result of 1 actions.", "and given back")
    found = events("{{files}}")
    is_(found[1]["files"]["files"][0]["name"], "weather.csv", "a file")


def exceptions():
    for name, status in MODELLED.items():
        kind = getattr(default.exceptions, name)
        is_(error_of(lambda: invoke(f"{{{{error {name}}}}}")), (name, status), f"{name} answers")
        ok(raised(lambda: invoke(f"{{{{error {name.lower()}}}}}"), kind), f"{name} is its class")
        short = name[0].lower() + name[1:]
        got = []

        def read():
            for event in invoke(f"{{{{stream-error {name} 2}}}}{{{{words 5}}}}",
                                stream=True)["completion"]:
                got.append(event)

        try:
            read()
            code = None
        except EventStreamError as error:
            code = error.response["Error"]["Code"]
        is_((code, len(got)), (short, 2), f"{name} in the stream, after two chunks")
    try:
        events("{{stream-error throttling}}", enableTrace=True)
        message = None
    except EventStreamError as error:
        message = error.response["Error"]["Message"]
    is_(message, "This error was asked for.", "as the first event, with its message")
    try:
        events("{{stream-error-code 500 it broke}}")
        got = None
    except EventStreamError as error:
        got = error.response["Error"]
    is_(got, {"Code": "500", "Message": "it broke"}, "an unmodelled error in the stream")
    is_(error_of(lambda: invoke("{{error ExpiredTokenException 403}}")),
        ("ExpiredTokenException", 403), "an error that is not modelled")
    is_(error_of(lambda: invoke("{{status 503}}"))[1], 503, "a status without a body")
    is_(error_of(lambda: invoke("{{html 502}}"))[1], 502, "an error page")


def validation():
    unchecked = client(parameter_validation=False)
    is_(error_of(lambda: invoke("x", agent="not-an-id", by=unchecked)),
        ("ValidationException", 400), "an agent id with a hyphen is refused")
    is_(error_of(lambda: invoke("x", agent="TOOLONG12345", by=unchecked)),
        ("ValidationException", 400), "one that is too long as well")
    is_(error_of(lambda: invoke("x", session="a b", by=unchecked)), ("ValidationException", 400),
        "and a session id with a blank")
    is_(error_of(lambda: invoke("x", agent="NOTFOUND00")), ("ResourceNotFoundException", 404),
        "an unknown agent")
    is_(error_of(lambda: invoke("{{no-such-command}}")), ("ValidationException", 400),
        "an unknown command")
    is_(error_of(lambda: invoke("{{delay soon}}")), ("ValidationException", 400),
        "a wrong argument")


def session_state():
    files = [{"name": "a.txt", "useCase": "CHAT", "source": {
        "sourceType": "BYTE_CONTENT", "byteContent": {"mediaType": "text/plain", "data": b"abc"}}},
             {"name": "b.csv", "useCase": "CODE_INTERPRETER", "source": {
                 "sourceType": "S3", "s3Location": {"uri": "s3://demo-files/chat/b.csv"}}}]
    state = {"sessionAttributes": {"plan": "gold"}, "promptSessionAttributes": {"lang": "grüße"},
             "files": files}
    is_(json.loads(text("{{show sessionState.files}}", sessionState=state))[0]["source"]
        ["byteContent"]["data"], "YWJj", "files arrive")
    is_(text("{{show sessionState.files.1.source.s3Location.uri}}", sessionState=state),
        "s3://demo-files/chat/b.csv", "so do those in S3")
    is_(json.loads(text("{{show sessionState.sessionAttributes}}", sessionState=state)),
        {"plan": "gold"}, "and session attributes")
    is_(text("{{show sessionState.promptSessionAttributes.lang}}", sessionState=state, stream=True),
        "grüße", "and those of the prompt")
    is_(text("{{show sessionState}}"), "null", "or none")
    found = events("{{guardrail}}x", enableTrace=True)
    is_(found[0]["trace"]["trace"]["guardrailTrace"]["action"], "INTERVENED", "a guardrail")


def history():
    if "conversationHistory" not in default.meta.service_model.shape_for("SessionState").members:
        skip("conversationHistory", "this boto3 has none")
        return
    state = {"conversationHistory": {"messages": [
        {"role": "user", "content": [{"text": "My name is Grace"}]},
        {"role": "assistant", "content": [{"text": "Nice to meet you, Grace."}]}]}}
    is_(text("What is my name?", session="h-1", sessionState=state), "Your name is Grace.",
        "a new session knows its history")
    is_(text("How many messages?", session="h-1", sessionState=state),
        "This is message 3 of our conversation.", "an old one takes it in no more")
    refused("'role' failed", "another role", {"conversationHistory": {"messages": [
        {"role": "system", "content": [{"text": "x"}]}]}})
    refused("must have role and content", "a message without content", {
        "conversationHistory": {"messages": [{"role": "user", "content": []}]}})


def refused(part, what, state=None, **more):
    """Such a request is a ValidationException whose message has this part."""
    if state is not None:
        more["sessionState"] = state
    try:
        invoke("x", by=client(parameter_validation=False), **more)
        got = "it was taken"
    except ClientError as error:
        got = "{Code}: {Message}".format(**error.response["Error"])
    ok(got.startswith("ValidationException: ") and part in got, f"{what} is refused")


def limits():
    file = {"name": "a", "useCase": "CHAT", "source": {
        "sourceType": "BYTE_CONTENT", "byteContent": {"mediaType": "text/plain", "data": b"abc"}}}
    s3 = {"sourceType": "S3", "s3Location": {"uri": "s3://b/key"}}
    half = {"sourceType": "BYTE_CONTENT", "byteContent": {"mediaType": "x", "data": b"x" * 5300000}}
    for state, part, what in (
            ({"files": [file] * 6}, "between 0 and 5", "six files"),
            ({"files": [{**file, "useCase": "OTHER"}]}, "'useCase' failed", "another use"),
            ({"files": [{**file, "source": {"sourceType": "DISK"}}]}, "'sourceType'", "a source"),
            ({"files": [{**file, "source": s3}]}, "must be s3://bucket/key", "a bucket's name"),
            ({"files": [{**file, "source": half}] * 2}, "together they have", "over 10 MB"),
            ({"sessionAttributes": {"a": 1}}, "must be a text", "an attribute that is no text"),
            ({"returnControlInvocationResults": []}, "between 1 and 5", "no result"),
            ({"knowledgeBaseConfigurations": []}, "at least 1", "no knowledge base")):
        refused(part, what, state)
    refused("'memoryId' failed", "a memory id that is too short", memoryId="x")
    refused("'applyGuardrailInterval' failed", "an interval of 0",
            streamingConfigurations={"applyGuardrailInterval": 0})


def headers():
    traced = client()
    names = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
             "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}

    def add(request, **kw):
        for name, value in names.items():
            request.headers[name] = value

    traced.meta.events.register("before-send.*", add)
    text("x", by=traced)
    found = calls("InvokeAgent")[-1]["headers"]
    is_({name: found.get(name.lower()) for name in names}, names, "trace headers are in the journal")


def signatures():
    wrong = (KEY[0], KEY[1] + "x", None)
    is_(error_of(lambda: invoke("x", by=client(wrong))), ("InvalidSignatureException", 403),
        "a wrong secret is refused")
    is_(error_of(lambda: invoke("x", by=client(("AKIAUNKNOWN000000000", "y", None)))),
        ("UnrecognizedClientException", 403), "an unknown key too")
    is_(text("hi you", by=client(TEMPORARY), session="a:b._-"), "You said: hi you",
        "temporary credentials are taken")
    is_(error_of(lambda: invoke("x", by=client(TEMPORARY[:2] + ("other",)))),
        ("UnrecognizedClientException", 403), "not with another token")
    is_(error_of(lambda: invoke("x", by=client(TEMPORARY[:2] + (None,)))),
        ("UnrecognizedClientException", 403), "nor without it")
    is_(error_of(lambda: invoke("x", by=client(KEY[:2] + ("token",)))),
        ("UnrecognizedClientException", 403), "nor a token that the key has not")
    tampered = client()
    tampered.meta.events.register("before-send.*", spoil("x-amz-date", b"20200101T000000Z"))
    is_(error_of(lambda: invoke("x", by=tampered)), ("InvalidSignatureException", 403),
        "an old date is refused")
    unsigned = client()
    unsigned.meta.events.register("before-send.*", spoil("Authorization", None))
    is_(error_of(lambda: invoke("x", by=unsigned)), ("MissingAuthenticationTokenException", 403),
        "a request without a signature")
    body = client()
    body.meta.events.register("before-send.*", change_body)
    is_(error_of(lambda: invoke("x", by=body)), ("InvalidSignatureException", 403),
        "a body that was changed after it was signed")
    is_(text("hi you", by=client(region="eu-central-1")), "You said: hi you", "any region may sign")


def spoil(name, value):
    def on_send(request, **kw):
        del request.headers[name]
        if value is not None:
            request.headers[name] = value
    return on_send


def change_body(request, **kw):
    request.body = request.body.replace(b"x", b"y")


def violence():
    broken = (ConnectionClosedError, ResponseStreamingError, EventStreamError)
    impatient = client(read_timeout=0.3)
    ok(raised(lambda: invoke("{{reset}}"), *broken), "a reset before the answer")
    ok(raised(lambda: events("{{reset-after 50}}"), ProtocolError, *broken), "a reset within it")
    ok(raised(lambda: events("{{cut-hard 50}}"), ProtocolError, *broken), "a connection cut off")
    is_(events("{{cut 50}}"), [], "an event cut short")
    ok(raised(lambda: invoke("{{hang}}", by=impatient), ReadTimeoutError), "no answer at all")
    ok(raised(lambda: events("{{hang-after 2}}{{words 5}}", by=impatient, stream=True),
              ReadTimeoutError, SilentBody), "silence after two chunks")
    ok(raised(lambda: events("{{bad-crc}}{{words 5}}", stream=True), ChecksumMismatch),
       "a wrong checksum of a message")
    ok(raised(lambda: events("{{bad-prelude}}{{words 5}}", stream=True), ChecksumMismatch),
       "a wrong checksum of a prelude")
    is_(text("still there?"), "You said: still there?", "after all of that it serves on")


def signed(text_of_it, service="bedrock", region="us-east-1", path=None, query=""):
    """Head (without its end) and body of a request that botocore's signer signed."""
    path = path or "/agents/AGENT12345/agentAliases/TSTALIASID/sessions/raw/text"
    body = json.dumps({"inputText": text_of_it}).encode()
    request = AWSRequest("POST", ENDPOINT + path + query, data=body,
                         headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials(*KEY[:2]), service, region).add_auth(request)
    lines = [f"POST {path}{query} HTTP/1.1", "Host: " + ENDPOINT.split("//")[1]]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines), body


def connect():
    host, port = ENDPOINT.split("//")[1].split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def exchange(raw):
    """Sends the bytes, and reads until the other end closes."""
    with connect() as sock:
        sock.sendall(raw)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def send_signed(head, body, last="\r\nConnection: close"):
    return exchange(f"{head}\r\nContent-Length: {len(body)}{last}\r\n\r\n".encode() + body)


def scopes():
    ok(b" 200 OK" in send_signed(*signed("x")), "a request that botocore's signer signed")
    ok(b" 200 OK" in send_signed(*signed("x", query="?b=2&a=1%20x&a=&c")), "with a query")
    odd = "/agents/AGENT12345/agentAliases/TSTALIASID/sessions/a%3Ab%2Ec/text"
    ok(b"session-id: a:b.c\r\n" in send_signed(*signed("x", path=odd)), "with an encoded path")
    for kind, more in (("service", {"service": "s3"}), ("region", {"region": "no_region"})):
        got = send_signed(*signed("x", **more))
        ok(b" 403 " in got and b"InvalidSignatureException" in got, f"a wrong {kind} is refused")
    head, body = signed("x")
    got = send_signed(head + "\r\nx-amz-source-arn: arn:aws:bedrock:x", body)
    ok(b"'x-amz-source-arn' must be a 'SignedHeader'" in got, "an unsigned x-amz- header too")
    got = send_signed(head + "\r\nx-amz-content-sha256: " + "0" * 64, body)
    ok(b" 403 " in got, "and a wrong hash of the body")
    got = send_signed(head.replace("SignedHeaders=content-type;host", "SignedHeaders=host"), body)
    ok(b" 403 " in got, "and a header less than was signed")


def http():
    head, body = signed("one two")
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (1, body[i:i + 1]) for i in range(len(body)))
    got = exchange(f"{head}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
                   + chunks + b"0\r\nTrailer: x\r\n\r\n")
    ok(b" 200 OK" in got and b"\r\n0\r\n\r\n" in got, "a request in chunks")
    with connect() as sock:
        sock.sendall(f"{head}\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
                     .encode())
        is_(sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n", "Expect: 100-continue")
        sock.sendall(body)
        ok(sock.recv(15) == b"HTTP/1.1 200 OK", "and the answer after it")
    health = b"GET /_emulator/health HTTP/1.1\r\nHost: x\r\n"
    got = exchange((health + b"\r\n") * 3 + health + b"Connection: close\r\n\r\n")
    is_(got.count(b'{"status":"ok"}'), 4, "four requests at once on one connection")
    got = exchange(health.replace(b"GET", b"HEAD") + b"Connection: close\r\n\r\n")
    ok(b"Content-Length: 16\r\n" in got and got.endswith(b"\r\n\r\n"), "HEAD has no body")
    for raw, what in ((b"nonsense\r\n\r\n", "no request line"),
                      (health + b"Folded: a\r\n b\r\n\r\n", "a folded header"),
                      (health + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                       "two lengths"),
                      (health + b"Content-Length: -1\r\n\r\n", "a negative length"),
                      (b"GET / HTTP/1.1\r\n\r\n", "no Host"),
                      (health + b"Bad Name: x\r\n\r\n", "a blank in a header's name"),
                      (health + b"A: x\nB: y\r\n\r\n", "a bare line feed")):
        ok(exchange(raw).startswith(b"HTTP/1.1 400 "), f"{what} is refused")
    ok(exchange(health + b"A: " + b"x" * 70000).startswith(b"HTTP/1.1 431 "), "a head too long")
    ok(exchange(health + b"Content-Length: 99999999\r\n\r\n").startswith(b"HTTP/1.1 413 "),
       "a body too long")


def leaving():
    control("DELETE", "state")
    head, body = signed("{{delay 60000}}")
    with connect() as sock:
        sock.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        while not control("GET", "state")["operations"].get("InvokeAgent", {}).get("in_progress"):
            pass
        is_(control("GET", "requests")["requests"][0]["outcome"], "pending", "a call that waits")
    while control("GET", "state")["operations"]["InvokeAgent"]["in_progress"]:
        pass
    entry = control("GET", "requests")["requests"][0]
    is_(entry["outcome"], "cancelled", "whose client leaves is cancelled at once")
    ok(entry["milliseconds"] < 60000, "and its time is known")


def books():
    control("DELETE", "state")
    control("PUT", "faults", [{"operation": "InvokeAgent", "commands": "{{error throttling}}",
                               "times": 2}])
    got = [error_of(lambda: text("m")) for _ in range(3)]
    is_(got, [("ThrottlingException", 429)] * 2 + [None], "a rule hits as often as it says")
    control("PUT", "faults", {"commands": "{{status 500}}", "percent": 30, "seed": 7})
    got = [error_of(lambda: text("m")) is not None for _ in range(60)]
    control("PUT", "faults", {"commands": "{{status 500}}", "percent": 30, "seed": 7})
    again = [error_of(lambda: text("m")) is not None for _ in range(60)]
    ok(5 < sum(got) < 35, f"a percentage of the calls: {sum(got)} of 60")
    is_(got, again, "the same ones for the same seed")
    control("DELETE", "faults")
    try:
        control("PUT", "faults", {"commands": "{{nonsense}}"})
        code = 200
    except urllib.error.HTTPError as error:
        code = error.code
    is_(code, 400, "a rule with an unknown command is refused")
    error_of(lambda: invoke("x", by=client((KEY[0], "wrong", None))))
    books_of = control("GET", "state")["operations"]["InvokeAgent"]
    is_(books_of, {"calls": 124, "in_progress": 0, "in_progress_most": 1, "refused_signatures": 1,
                   "new_connections": 1, "answered": 124, "cancelled": 0, "closed": 0, "reset": 0},
        "every call is in the books")
    last = control("GET", "requests?limit=2")["requests"]
    is_([(e["operation"], e["signature"], e["status"], e["outcome"]) for e in last],
        [("InvokeAgent", "ok", 200, "answered"),
         ("InvokeAgent", "InvalidSignatureException", 403, "answered")], "and in the journal")
    ok("Boto3" in last[0]["headers"]["user-agent"], "with who sent it")
    is_(len(control("GET", f"requests?after={last[0]['sequence']}")["requests"]), 1,
        "which can be read on from a number")


default = client()
run(conversation, answer_head, streaming, traces, exceptions, validation, session_state, history,
    limits, headers, signatures, scopes, http, violence, leaving, books)
