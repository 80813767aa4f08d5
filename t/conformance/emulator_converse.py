"""Drives the stand-in's models with boto3 as it is, and prints TAP. Started by emulator-converse.t.

usage: emulator_converse.py http://127.0.0.1:PORT
"""
import itertools
import json
import socket

import boto3
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as SilentBody

from emulator_tap import ENDPOINT, calls, control, is_, ok, raised, run, wait_for

KEY = {"aws_access_key_id": "AKIAEMULATOREXAMPLE0",
       "aws_secret_access_key": "emulator-secret-key-for-local-use-only00"}
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ANSWERED = {
    "ValidationException": 400, "AccessDeniedException": 403, "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408, "ModelErrorException": 424, "ThrottlingException": 429,
    "ModelNotReadyException": 429, "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
STREAMED = ["internalServerException", "modelStreamErrorException", "validationException",
            "throttlingException", "serviceUnavailableException"]


def client(**settings):
    settings.setdefault("retries", {"total_max_attempts": 1})
    return boto3.client("bedrock-runtime", endpoint_url=ENDPOINT, region_name="us-east-1",
                        config=Config(**settings), **KEY)


def said(role, *texts):
    return {"role": role, "content": [{"text": text} for text in texts]}


def dialogue(*texts):
    """Messages of the user and the assistant in turn."""
    return [said(role, text) for role, text in zip(itertools.cycle(("user", "assistant")), texts)]


def converse(*texts, by=None, modelId=MODEL, **more):
    more.setdefault("messages", dialogue(*texts))
    return (by or default).converse(modelId=modelId, **more)


def text(*texts, **more):
    content = converse(*texts, **more)["output"]["message"]["content"]
    return "".join(block["text"] for block in content if "text" in block)


def events(*texts, by=None, modelId=MODEL, **more):
    more.setdefault("messages", dialogue(*texts))
    return list((by or default).converse_stream(modelId=modelId, **more)["stream"])


def names(found):
    """The events' names, with a run of one name written once."""
    return [name for name, _ in itertools.groupby(next(iter(event)) for event in found)]


def deltas(found, member="text"):
    return [e["contentBlockDelta"]["delta"][member] for e in found
            if member in e.get("contentBlockDelta", {}).get("delta", {})]


def error_of(call):
    try:
        call()
    except ClientError as error:
        return (error.response["Error"]["Code"],
                error.response["ResponseMetadata"].get("HTTPStatusCode"))
    return None


def message_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Message"]
    return ""


def documents():
    answer = converse("Hello there")
    message = answer["output"]["message"]
    is_(message["role"], "assistant", "the assistant answers")
    ok(message["content"][0]["text"].startswith("Hello! I am the scripted agent"), "a greeting")
    is_(answer["stopReason"], "end_turn", "and stops by itself")
    is_(answer["usage"], {"inputTokens": 3, "outputTokens": 43, "totalTokens": 46}, "tokens")
    ok("latencyMs" in answer["metrics"], "how long it took")
    is_(len(answer["ResponseMetadata"]["RequestId"]), 36, "with a request id")
    is_(text("My name is Ada", "Nice to meet you, Ada.", "What is my name?"), "Your name is Ada.",
        "what the history says is known")
    is_(text("What is my name?"), "You have not told me your name yet.", "and nothing else")
    is_(text("one", "x", "two", "y", "How many messages?"),
        "This is message 3 of our conversation.", "messages are counted")
    is_(text(messages=[said("user", "{{echo}}a", "b")]), "a\nb", "two texts of one message")
    is_(text("{{show messages.1}}", "x", "{{show messages.1}}"),
        '{"role":"assistant","content":[{"text":"x"}]}', "what came can be shown")
    is_(text("{{show system.0.text}}", system=[{"text": "Be brief: \"grüße\"."}]),
        "Be brief: \"grüße\".", "the system prompt too")
    is_(text("{{show inferenceConfig}}", inferenceConfig={"maxTokens": 40, "temperature": 0.5}),
        '{"maxTokens":40,"temperature":0.5}', "and the inference configuration")
    is_(text("hi you", modelId="arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-1:0"),
        "You said: hi you", "an inference profile's ARN as the model")
    content = converse("{{reasoning 2}}{{echo}}x")["output"]["message"]["content"]
    is_(content[0]["reasoningContent"]["reasoningText"]["text"],
        "Let me think thought1 thought2", "reasoning comes first")
    is_(content[1], {"text": "x"}, "then the answer")
    answer = converse("{{tool-use}}x")
    is_((answer["stopReason"], answer["output"]["message"]["content"][1]["toolUse"]["input"]),
        ("tool_use", {"city": "Berlin"}), "a tool is to be used")


def limits():
    found = converse("{{words 100}}", inferenceConfig={"maxTokens": 5})
    is_((found["stopReason"], found["output"]["message"]["content"][0]["text"]),
        ("max_tokens", "word1 word2 word3 wo"), "no more than maxTokens")
    found = converse("{{words 100}}", inferenceConfig={"stopSequences": ["word4", "word3"]})
    is_((found["stopReason"], found["output"]["message"]["content"][0]["text"]),
        ("stop_sequence", "word1 word2 "), "nor behind a stop sequence")
    for reason in ("content_filtered", "malformed_model_output", "model_context_window_exceeded"):
        is_(converse(f"{{{{stop-reason {reason}}}}}x")["stopReason"], reason, reason)
    guardrail = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    found = converse("{{guardrail}}x", guardrailConfig=guardrail)
    is_((found["stopReason"], found["output"]["message"]["content"][0]["text"]),
        ("guardrail_intervened", "The guardrail blocked this."), "a guardrail intervenes")
    is_(found["trace"]["guardrail"]["inputAssessment"]["abc123"]["topicPolicy"]["topics"][0]
        ["action"], "BLOCKED", "and says why")
    found = converse("x", guardrailConfig={**guardrail, "trace": "disabled"})
    ok("trace" not in found, "not when its trace is off")


def streaming():
    found = events("{{words 64}}")
    is_(names(found), ["messageStart", "contentBlockDelta", "contentBlockStop", "messageStop",
                       "metadata"], "the events in order")
    is_(found[0]["messageStart"]["role"], "assistant", "the role")
    is_(len(deltas(found)), 64, "word by word")
    is_("".join(deltas(found)), " ".join(f"word{i}" for i in range(1, 65)), "all of them")
    is_(found[-2]["messageStop"]["stopReason"], "end_turn", "the reason of the stop")
    is_(found[-1]["metadata"]["usage"], {"inputTokens": 3, "outputTokens": 110,
                                         "totalTokens": 113}, "the tokens")
    pieces = deltas(events("{{unicode}}"))
    is_("".join(pieces), "Grüße, 日本語, 😀🚀!", "characters of two, three, four bytes")
    ok(len(pieces) > 8, "in small pieces")
    is_(len("".join(deltas(events("{{bytes 2500000}}")))), 2500000, "a long answer")
    is_("".join(deltas(events("{{echo}}" + "é" * 600000))), "é" * 600000, "a long word")
    found = events("{{reasoning 3}}{{words 2}}")
    is_("".join(r["text"] for r in deltas(found, "reasoningContent") if "text" in r),
        "Let me think thought1 thought2 thought3", "reasoning deltas")
    is_([e["contentBlockStop"]["contentBlockIndex"] for e in found if "contentBlockStop" in e],
        [0, 1], "in a block of their own")
    is_("".join(deltas(found)), "word1 word2", "are not text")
    found = events("{{tool-use}}{{words 2}}")
    is_(json.loads("".join(t["input"] for t in deltas(found, "toolUse"))), {"city": "Berlin"},
        "a tool's input")
    is_(found[-2]["messageStop"]["stopReason"], "tool_use", "and the reason")
    is_(names(events("{{empty}}")), ["messageStart", "messageStop", "metadata"], "no text at all")
    is_(names(events("{{no-tokens}}x"))[-1], "messageStop", "without usage")
    is_(names(events("{{no-stop}}x"))[-1], "contentBlockStop", "without messageStop")
    is_("".join(deltas(events("My name is Ada", "Nice!", "What is my name?"))),
        "Your name is Ada.", "the history counts here too")
    guardrail = {"guardrailIdentifier": "abc123", "guardrailVersion": "DRAFT",
                 "trace": "enabled_full", "streamProcessingMode": "sync"}
    found = events("{{guardrail}}x", guardrailConfig=guardrail)
    is_(found[-2]["messageStop"]["stopReason"], "guardrail_intervened", "a guardrail intervenes")
    ok("abc123" in found[-1]["metadata"]["trace"]["guardrail"]["inputAssessment"], "and says why")
    is_("".join(deltas(events("{{split 7}}{{words 9}}"))).split()[-1], "word9", "in small writes")
    is_("".join(deltas(events("{{delay 20}}{{chunk-delay 5}}{{words 3}}"))), "word1 word2 word3",
        "with delays")


def exceptions():
    for name, status in ANSWERED.items():
        for ask in (converse, events):
            is_(error_of(lambda: ask(f"{{{{error {name}}}}}")), (name, status), f"{name} answers")
    for name in STREAMED:
        for before in (0, 2):
            got = []

            def read():
                for event in default.converse_stream(modelId=MODEL, messages=dialogue(
                        f"{{{{stream-error {name} {before}}}}}{{{{words 5}}}}"))["stream"]:
                    got.append(event)

            try:
                read()
                code = None
            except EventStreamError as error:
                code = error.response["Error"]["Code"]
            is_((code, len(deltas(got)), len(got)), (name, before, before + (before > 0)),
                f"{name} in the stream, behind {before} deltas")
    is_(error_of(lambda: converse("{{status 503}}"))[1], 503, "a status without a body")
    is_(error_of(lambda: converse("{{html 502}}"))[1], 502, "an error page")


def refused(expected, **more):
    more.setdefault("messages", dialogue("x"))
    by = client(parameter_validation=False)
    for ask in (converse, events):
        is_(error_of(lambda: ask(by=by, **more)), ("ValidationException", 400), expected)
    ok(expected in message_of(lambda: converse(by=by, **more)), "for that reason")


def validation():
    refused("must start with a user message", messages=[])
    refused("must start with a user message", messages=[said("assistant", "x")])
    refused("must alternate", messages=[said("user", "x"), said("user", "y")])
    refused("must end with a user message", messages=dialogue("x", "y"))
    refused("messages.0 is empty", messages=[{"role": "user", "content": []}])
    refused("messages.2.content.0 is blank", messages=dialogue("x", "y", " \n"))
    refused("messages.0.content.0 must set one of", messages=[{"role": "user", "content": [{}]}])
    refused("enum value set: [user assistant]", messages=dialogue("x") + [said("system", "y")])
    refused("'text' failed", system=[{"text": ""}])
    refused("'maxTokens' failed", inferenceConfig={"maxTokens": 0})
    refused("'temperature' failed", inferenceConfig={"temperature": 1.01})
    refused("'topP' failed", inferenceConfig={"topP": -0.5})
    refused("stopSequences", inferenceConfig={"stopSequences": [""]})
    refused("guardrailVersion", guardrailConfig={"guardrailIdentifier": "abc"})
    refused("guardrail identifier or version", guardrailConfig={
        "guardrailIdentifier": "Not-An-Id", "guardrailVersion": "1"})
    refused("guardrail identifier or version", guardrailConfig={
        "guardrailIdentifier": "abc", "guardrailVersion": "0"})
    refused("'trace' failed", guardrailConfig={
        "guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "loud"})
    refused("'latency' failed", performanceConfig={"latency": "fast"})
    refused("'requestMetadata' failed", requestMetadata={str(i): "x" for i in range(17)})
    refused("too long", requestMetadata={"x": "y" * 257})
    refused("no such command", messages=dialogue("{{no-such-command}}"))
    refused("'modelId' failed", modelId="a model")
    is_(error_of(lambda: converse("x", modelId="NOTFOUND.model")),
        ("ResourceNotFoundException", 404), "an unknown model")
    is_(text("x", inferenceConfig={"maxTokens": 1 << 20, "temperature": 1.0, "topP": 0.0}),
        "You said: x", "what is right is taken")


def violence():
    impatient = client(read_timeout=0.3)
    broken = (ProtocolError, EventStreamError)
    ok(raised(lambda: events("{{bad-crc}}{{words 5}}"), ChecksumMismatch), "a wrong checksum")
    ok(raised(lambda: events("{{bad-prelude}}{{words 5}}"), ChecksumMismatch), "of a prelude")
    ok(raised(lambda: events("{{reset-after 200}}{{words 50}}"), *broken), "a reset")
    ok(raised(lambda: events("{{cut-hard 200}}{{words 50}}"), *broken), "a cut")
    is_(names(events("{{cut 400}}{{words 50}}"))[0], "messageStart", "a stream cut short")
    ok(raised(lambda: events("{{hang-after 2}}{{words 5}}", by=impatient), ReadTimeoutError,
              SilentBody), "silence after two deltas")
    ok(raised(lambda: converse("{{hang}}", by=impatient), ReadTimeoutError), "no answer at all")
    control("PUT", "faults", {"operation": "ConverseStream", "times": 1,
                              "commands": "{{stream-error throttlingException 1}}"})
    ok(raised(lambda: events("one two three"), EventStreamError), "a rule of the faults")
    is_("".join(deltas(events("one two three"))), "You said: one two three", "hits but once")


def cancelled():
    wait_for(lambda: not control("GET", "state")["operations"]["ConverseStream"]["in_progress"])
    control("DELETE", "state")
    for _ in range(20):
        stream = default.converse_stream(modelId=MODEL, messages=dialogue(
            "{{chunk-delay 10000}}{{words 5}}"))["stream"]
        is_(next(iter(stream)), {"messageStart": {"role": "assistant"}}, "a stream begins")
        stream._raw_stream._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        stream.close()
    wait_for(lambda: control("GET", "state")["operations"]["ConverseStream"]["cancelled"] == 20)
    books = control("GET", "state")["operations"]["ConverseStream"]
    is_((books["calls"], books["cancelled"], books["answered"], books["in_progress"]),
        (20, 20, 0, 0), "every client that left is counted")
    default.converse(modelId=MODEL, messages=dialogue("x"))
    last = calls("Converse")[-1]
    is_((last["session"], last["message"], last["signature"], last["outcome"]),
        (MODEL, "x", "ok", "answered"), "a call is in the journal")


default = client()
run(documents, limits, streaming, exceptions, validation, violence, cancelled)
