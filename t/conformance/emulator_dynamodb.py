"""Drives the stand-in's DynamoDB with boto3 as it is, and prints TAP. Started by emulator-dynamodb.t.

usage: emulator_dynamodb.py http://127.0.0.1:PORT
"""
import time
import zlib
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from emulator_dynamodb_cases import CASES, INVALID, random_cases
from emulator_tap import ENDPOINT, calls, control, fetch, is_, ok, raised, run, skip

SETTINGS = {"endpoint_url": ENDPOINT, "region_name": "us-east-1",
            "aws_access_key_id": "AKIAEMULATOREXAMPLE0",
            "aws_secret_access_key": "emulator-secret-key-for-local-use-only00"}
SESSIONS = "from-the-start"


def client(attempts=1, **more):
    return boto3.client("dynamodb", config=Config(retries={"total_max_attempts": attempts}, **more),
                        **SETTINGS)


default = client()
resource = boto3.resource("dynamodb", config=Config(retries={"total_max_attempts": 1}), **SETTINGS)
sessions = resource.Table(SESSIONS)


def error_of(call, *args, **kw):
    """Code and message of the error that the call raises."""
    try:
        call(*args, **kw)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None, None


def create(by, name, *keys, **more):
    keys = keys or (("id", "S"),)
    by.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in keys],
        KeySchema=[{"AttributeName": n, "KeyType": k} for (n, _), k in zip(keys, ("HASH", "RANGE"))],
        **more)
    by.get_waiter("table_exists").wait(TableName=name)


def takes(operation, parameter):
    return parameter in default.meta.service_model.operation_model(operation).input_shape.members


def tables():
    is_(default.list_tables()["TableNames"], [SESSIONS], "the directive's table is there")
    described = default.describe_table(TableName=SESSIONS)["Table"]
    is_(described["KeySchema"], [{"AttributeName": "session_id", "KeyType": "HASH"}], "with its key")
    create(default, "one")
    create(default, "two", ("id", "S"), ("at", "N"))
    is_(default.list_tables()["TableNames"], [SESSIONS, "one", "two"], "tables are made")
    first = default.list_tables(Limit=2)
    is_(first["LastEvaluatedTableName"], "one", "and listed in pages")
    is_(default.list_tables(ExclusiveStartTableName="one")["TableNames"], ["two"], "to the end")
    is_(error_of(create, default, "one")[0], "ResourceInUseException", "none is made twice")
    is_(error_of(default.get_item, TableName="none", Key={"id": {"S": "a"}}),
        ("ResourceNotFoundException", "Requested resource not found"), "none is there by itself")
    is_(error_of(default.describe_table, TableName="none")[0], "ResourceNotFoundException",
        "nor described")
    is_(default.describe_table(TableName="two")["Table"]["TableStatus"], "ACTIVE", "one is active")
    default.delete_table(TableName="two")
    is_(error_of(default.delete_table, TableName="two")[0], "ResourceNotFoundException",
        "one that was deleted is gone")
    ttl = {"Enabled": True, "AttributeName": "exp"}
    default.update_time_to_live(TableName="one", TimeToLiveSpecification=ttl)
    is_(default.describe_time_to_live(TableName="one")["TimeToLiveDescription"],
        {"TimeToLiveStatus": "ENABLED", "AttributeName": "exp"}, "time to live is switched on")
    is_(error_of(default.update_time_to_live, TableName="one", TimeToLiveSpecification=ttl),
        ("ValidationException", "TimeToLive is already enabled"), "once")


def items():
    item = {"session_id": "s-1", "text": "Grüße 日本 😀", "empty": "", "number": Decimal("-0.050"),
            "big": Decimal("99999999999999999999999999999999999999"), "yes": True, "no": False,
            "nothing": None, "bytes": b"\x00\xff", "list": [1, "a", {"b": [None]}],
            "map": {"x": {"y": {}}, "l": []}, "ss": {"a", "b"}, "ns": {Decimal(1), Decimal("2.5")},
            "bs": {b"1", b"2"}}
    answer = sessions.put_item(Item=item, ReturnConsumedCapacity="TOTAL")
    is_(answer["ConsumedCapacity"]["CapacityUnits"], 1.0, "a write's capacity")
    is_(sessions.get_item(Key={"session_id": "s-1"}, ConsistentRead=True)["Item"], item,
        "an item of all types comes back")
    ok("Item" not in sessions.get_item(Key={"session_id": "s-2"}), "a missing one does not")
    got = sessions.get_item(Key={"session_id": "s-1"}, ProjectionExpression="#m.x, #l[2].b, ss, q",
                            ExpressionAttributeNames={"#m": "map", "#l": "list"})["Item"]
    is_(got, {"map": {"x": {"y": {}}}, "list": [{"b": [None]}], "ss": {"a", "b"}}, "parts of one")
    is_(sessions.put_item(Item={"session_id": "s-1"}, ReturnValues="ALL_OLD")["Attributes"], item,
        "a put tells what it replaced")
    is_(control("GET", "tables/" + SESSIONS)["items"], [{"session_id": {"S": "s-1"}}],
        "which can be looked at")
    is_(sessions.delete_item(Key={"session_id": "s-1"}, ReturnValues="ALL_OLD")["Attributes"],
        {"session_id": "s-1"}, "a delete tells what it deleted")
    ok("Attributes" not in sessions.delete_item(Key={"session_id": "s-1"}, ReturnValues="ALL_OLD"),
       "or nothing")
    answer = default.put_item(TableName="arn:aws:dynamodb:us-east-1:123456789012:table/one",
                              Item={"id": {"S": "1"}})
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    is_(headers["x-amz-crc32"], str(zlib.crc32(b"{}")), "the body's checksum")
    is_(len(headers["x-amzn-requestid"]), 36, "and a request id")


def numbers():
    for given, kept in (("1E+2", "100"), ("-0", "0"), ("9.9E+125", "99" + "0" * 124), ("00012.500", "12.5"), ("+3", "3"),
                        ("1e-5", "0.00001"), ("-1.50E1", "-15"), (".5", "0.5"), ("5.", "5"),
                        ("12345678901234567890123456789012345678",) * 2):
        default.put_item(TableName="one", Item={"id": {"S": "n"}, "n": {"N": given}})
        got = default.get_item(TableName="one", Key={"id": {"S": "n"}})["Item"]["n"]["N"]
        is_(got, kept, f"the number {given}")
    for given, why in (("", "cannot be converted"), ("1x", "cannot be converted"),
                       ("1e", "cannot be converted"), ("1E126", "overflow"), ("1E-131", "underflow"),
                       ("123456789012345678901234567890123456789", "38 significant")):
        code, message = error_of(default.put_item, TableName="one",
                                 Item={"id": {"S": "n"}, "n": {"N": given}})
        ok(code == "ValidationException" and why in message, f"no number: {given!r}: {message}")
    for one, sign, other, result in (("0.1", "+", "0.2", "0.3"), ("1", "-", "1", "0"),
                                     ("5", "-", "7.5", "-2.5"), ("-5", "+", "10", "5"),
                                     ("1E20", "+", "1", "100000000000000000001"),
                                     ("99999999999999999999999999999999999999", "+", "1",
                                      "1" + "0" * 38)):
        default.put_item(TableName="one", Item={"id": {"S": "n"}, "n": {"N": one}})
        got = default.update_item(TableName="one", Key={"id": {"S": "n"}},
                                  UpdateExpression=f"SET n = n {sign} :o", ReturnValues="ALL_NEW",
                                  ExpressionAttributeValues={":o": {"N": other}})
        is_(got["Attributes"]["n"]["N"], result, f"{one} {sign} {other}")


def validation():
    def refused(what, part, call=default.put_item, **kw):
        code, message = error_of(call, TableName="one", **kw)
        ok(code == "ValidationException" and part in message, f"{what}: {message}")

    put, get = default.put_item, default.get_item
    refused("no key", "Missing the key id in the item", Item={"x": {"S": "a"}})
    refused("a key of another type", "Type mismatch for key id expected: S actual: N",
            Item={"id": {"N": "1"}})
    refused("an empty key", "cannot contain an empty string value. Key: id", Item={"id": {"S": ""}})
    refused("a long key", "2048 bytes", Item={"id": {"S": "x" * 2049}})
    refused("a key with more", "does not match the schema", get,
            Key={"id": {"S": "a"}, "x": {"S": "b"}})
    refused("a key of another name", "does not match the schema", get, Key={"x": {"S": "a"}})
    for kind, part in (("SS", "An string set  may not be empty"),
                       ("NS", "An number set  may not be empty"), ("BS", "Binary sets should not")):
        refused(f"an empty {kind}", part, Item={"id": {"S": "a"}, "x": {kind: []}})
    refused("duplicates", "contains duplicates", Item={"id": {"S": "a"}, "x": {"NS": ["1", "1.0"]}})
    refused("NULL that is false", "must have the value of true",
            Item={"id": {"S": "a"}, "x": {"NULL": False}})
    deep = {"S": "x"}
    for _ in range(33):
        deep = {"L": [deep]}
    refused("a deep one", "Nesting Levels", Item={"id": {"S": "a"}, "x": deep})
    refused("a large one", "Item size has exceeded", Item={"id": {"S": "a"},
                                                           "x": {"S": "x" * (400 * 1024 - 3)}})
    put(TableName="one", Item={"id": {"S": "a"}, "x": {"S": "x" * (400 * 1024 - 4)}})
    ok(True, "one that is just small enough")
    refused("what grows too large", "Item size to update has exceeded", default.update_item,
            Key={"id": {"S": "a"}}, UpdateExpression="SET y = :y",
            ExpressionAttributeValues={":y": {"S": "y"}})
    refused("ReturnValues", "ALL_OLD or NONE", Item={"id": {"S": "a"}}, ReturnValues="ALL_NEW")
    loose = client(parameter_validation=False)
    for value, part in (({}, "is empty"), ({"S": "a", "N": "1"}, "more than one")):
        refused("a value without one type", part, loose.put_item,
                Item={"id": {"S": "a"}, "x": value})
    is_(error_of(loose.put_item, TableName="one", Item={"id": {"S": 1}})[0],
        "SerializationException", "a number in place of a text")
    is_(error_of(loose.get_item, Key={"id": {"S": "a"}})[0], "ValidationException", "no table's name")
    is_(error_of(loose.get_item, TableName="a b", Key={"id": {"S": "a"}})[0], "ValidationException",
        "a bad one")
    is_(error_of(default.transact_get_items, TransactItems=[{"Get": {
        "TableName": "one", "Key": {"id": {"S": "a"}}}}])[0], "UnknownOperationException",
        "an operation that the stand-in does not have")
    refused("a legacy parameter", "legacy parameter", Item={"id": {"S": "a"}},
            Expected={"id": {"Exists": False}})


def conditions():
    key, new = {"session_id": "c"}, Attr("session_id").not_exists()
    sessions.put_item(Item={"session_id": "c", "ver": 1}, ConditionExpression=new)
    is_(error_of(sessions.put_item, Item={"session_id": "c"}, ConditionExpression=new),
        ("ConditionalCheckFailedException", "The conditional request failed"), "a put that must be new")
    if takes("PutItem", "ReturnValuesOnConditionCheckFailure"):
        try:
            sessions.put_item(Item={"session_id": "c"}, ConditionExpression=new,
                              ReturnValuesOnConditionCheckFailure="ALL_OLD")
            got = None
        except ClientError as error:
            got = error.response.get("Item")
        is_(got, {"session_id": {"S": "c"}, "ver": {"N": "1"}}, "shows the item that is there")
    else:
        skip("the item of a failed condition", "this boto3 cannot ask for it")
    is_(sessions.update_item(Key=key, UpdateExpression="SET #v = #v + :one", ReturnValues="UPDATED_NEW",
                             ConditionExpression=Attr("ver").eq(1) & ~Attr("gone").exists(),
                             ExpressionAttributeNames={"#v": "ver"},
                             ExpressionAttributeValues={":one": 1})["Attributes"],
        {"ver": 2}, "an update of the version that is expected")
    is_(error_of(sessions.update_item, Key=key, UpdateExpression="ADD ver :one",
                 ConditionExpression=Attr("ver").eq(1),
                 ExpressionAttributeValues={":one": 1})[0],
        "ConditionalCheckFailedException", "not of another")
    is_(error_of(sessions.delete_item, Key=key, ConditionExpression=Attr("ver").lt(2))[0],
        "ConditionalCheckFailedException", "nor a delete")
    is_(sessions.get_item(Key=key)["Item"]["ver"], 2, "nothing was changed")


def returned():
    key = {"id": {"S": "r"}}
    put = {"id": {"S": "r"}, "a": {"N": "1"}, "m": {"M": {"x": {"S": "old"}, "y": {"S": "y"}}}}
    for wanted, expected in (
            ("NONE", None), ("ALL_OLD", put),
            ("UPDATED_OLD", {"a": {"N": "1"}, "m": {"M": {"x": {"S": "old"}}}}),
            ("ALL_NEW", {"id": {"S": "r"}, "m": {"M": {"x": {"S": "new"}, "y": {"S": "y"}}},
                         "b": {"N": "5"}}),
            ("UPDATED_NEW", {"m": {"M": {"x": {"S": "new"}}}, "b": {"N": "5"}})):
        default.put_item(TableName="one", Item=put)
        got = default.update_item(
            TableName="one", Key=key, ReturnValues=wanted,
            UpdateExpression="SET m.x = :n REMOVE a ADD b :five",
            ExpressionAttributeValues={":n": {"S": "new"}, ":five": {"N": "5"}})
        is_(got.get("Attributes"), expected, f"ReturnValues {wanted}")
    default.delete_item(TableName="one", Key=key)
    got = default.update_item(TableName="one", Key=key, ReturnValues="ALL_OLD")
    ok("Attributes" not in got, "nothing old of an item that is new")
    is_(default.get_item(TableName="one", Key=key)["Item"], key, "which has its key alone")


def searching():
    create(default, "log", ("id", "S"), ("at", "N"))
    table = resource.Table("log")
    for who in "abc":
        for at in range(10):
            table.put_item(Item={"id": who, "at": at - 5, "even": at % 2 == 0, "fill": "x" * at})
    got = table.query(KeyConditionExpression=Key("id").eq("b"))
    is_([i["at"] for i in got["Items"]], list(range(-5, 5)), "a query, in order")
    got = table.query(KeyConditionExpression=Key("id").eq("b") & Key("at").between(-1, 2),
                      ScanIndexForward=False, FilterExpression=Attr("even").eq(True))
    is_(([i["at"] for i in got["Items"]], got["Count"], got["ScannedCount"]), ([1, -1], 2, 4),
        "of a range, backwards, filtered")
    pages, more = [], {}
    while True:
        page = table.query(KeyConditionExpression=Key("id").eq("c"), Limit=4, **more)
        pages.append([i["at"] for i in page["Items"]])
        if "LastEvaluatedKey" not in page:
            break
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    is_(pages, [[-5, -4, -3, -2], [-1, 0, 1, 2], [3, 4]], "in pages")
    is_(table.query(KeyConditionExpression=Key("id").eq("a"), Select="COUNT")["Count"], 10, "counted")
    found = default.get_paginator("scan").paginate(TableName="log",
                                                   PaginationConfig={"PageSize": 7})
    seen = [(i["id"]["S"], i["at"]["N"]) for page in found for i in page["Items"]]
    is_((len(seen), len(set(seen))), (30, 30), "a scan in pages sees each item once")
    parts = [table.scan(Segment=n, TotalSegments=3)["Count"] for n in range(3)]
    is_(sum(parts), 30, f"and so do its segments: {parts}")
    got = table.scan(FilterExpression="even = :y AND size(fill) > :n", ProjectionExpression="#a",
                     ExpressionAttributeNames={"#a": "at"},
                     ExpressionAttributeValues={":y": True, ":n": 5})
    is_(sorted(i["at"] for i in got["Items"]), [1, 1, 1, 3, 3, 3], "a filtered scan")
    ok(all(list(i) == ["at"] for i in got["Items"]), "of one attribute")
    is_(error_of(table.query, KeyConditionExpression=Key("at").eq(1)),
        ("ValidationException", "Query condition missed key schema element: id"), "a query needs the key")
    is_(error_of(table.query, IndexName="an-index", KeyConditionExpression=Key("id").eq("a"))[0],
        "ValidationException", "there are no indexes")
    default.delete_table(TableName="log")


def expiry():
    now = int(time.time())
    for name, at in (("past", now - 60), ("future", now + 600), ("ancient", now - 6 * 365 * 86400)):
        default.put_item(TableName="one", Item={"id": {"S": name}, "exp": {"N": str(at)}})
    ok("Item" in default.get_item(TableName="one", Key={"id": {"S": "past"}}),
       "an expired item lingers")
    control("PUT", "switches", {"ttl_sweep": True})
    got = [name for name in ("past", "future", "ancient")
           if "Item" in default.get_item(TableName="one", Key={"id": {"S": name}})]
    is_(got, ["future", "ancient"], "until it is swept; one of six years ago stays")
    control("PUT", "switches", {"clock_offset": 200, "ttl_sweep": True})
    control("DELETE", "switches")


def faults():
    key = {"id": {"S": "f"}}

    def rule(operation, commands, times=1):
        control("PUT", "faults", {"operation": operation, "commands": commands, "times": times})

    for name, status in (("ProvisionedThroughputExceededException", 400), ("ThrottlingException", 400),
                         ("RequestLimitExceeded", 400), ("InternalServerError", 500),
                         ("TransactionConflictException", 400)):
        rule("GetItem", "{{error %s}}" % name)
        try:
            default.get_item(TableName="one", Key=key)
            got = None
        except ClientError as error:
            got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        is_(got, (name, status), f"{name} is answered")
    rule("GetItem", "{{error provisionedthroughputexceeded}}", 2)
    client(3).get_item(TableName="one", Key=key)
    is_(control("GET", "faults")["faults"][0]["hits"], 2, "boto3 tries again after it")
    rule("GetItem", "{{wrong-crc32}}")
    client(2).get_item(TableName="one", Key=key)
    is_([call["status"] for call in calls("GetItem")[-2:]], [200, 200],
        "and after a wrong checksum")
    broken = (ConnectionClosedError,)
    rule("UpdateItem", "{{reset}}")
    ok(raised(lambda: add(key), *broken), "a reset")
    is_(value_of(key), None, "before the write")
    rule("UpdateItem", "{{act}}{{reset}}")
    ok(raised(lambda: add(key), *broken), "a reset, and the answer is lost")
    is_(value_of(key), "1", "after the write")
    rule("UpdateItem", "{{act}}{{error InternalServerError}}")
    is_(error_of(add, key)[0], "InternalServerError", "an error")
    is_(value_of(key), "2", "after the write")
    rule("UpdateItem", "{{act}}{{hang}}")
    ok(raised(lambda: add(key, client(read_timeout=0.3)), ReadTimeoutError), "silence")
    is_(value_of(key), "3", "after the write")
    rule("UpdateItem", "{{cut-hard 1}}")
    ok(raised(lambda: add(key), Exception), "half an answer")
    is_(value_of(key), "4", "of a write that was done")
    rule("PutItem", "{{status 503}}")
    is_(error_of(default.put_item, TableName="one", Item=key)[0], "503", "a status")
    control("DELETE", "faults")


def add(key, by=None):
    (by or default).update_item(TableName="one", Key=key, UpdateExpression="ADD n :one",
                                ExpressionAttributeValues={":one": {"N": "1"}})


def value_of(key):
    return default.get_item(TableName="one", Key=key).get("Item", {}).get("n", {}).get("N")


def signatures():
    wrong = boto3.client("dynamodb", **dict(SETTINGS, aws_secret_access_key="wrong"))
    try:
        wrong.list_tables()
        got = None
    except ClientError as error:
        got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    is_(got, ("InvalidSignatureException", 400), "a wrong secret is refused")
    status, headers, body = fetch("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}")
    is_((status, headers["x-amz-crc32"]), (400, str(zlib.crc32(body))), "and no signature")
    ok(b'"com.amazon.coral.service#MissingAuthenticationTokenException"' in body, "by its full name")


def books():
    control("PUT", "tables/made", {"key": "k", "ttl": "e", "items": [{"k": {"S": "1"}}]})
    is_(default.get_item(TableName="made", Key={"k": {"S": "1"}})["Item"], {"k": {"S": "1"}},
        "a table is made with its items")
    control("POST", "tables/made", {"k": {"S": "2"}, "v": {"N": "7"}})
    is_([(t["table"], t["count"], t["ttl"]) for t in control("GET", "tables")["tables"]
         if t["table"] == "made"], [("made", 2, "e")], "an item is put")
    last = calls("GetItem")[-1]
    is_((last["session"], last["message"]), ("1", "made"), "a call's key and table are in the books")
    control("DELETE", "state")
    is_(default.describe_table(TableName="made")["Table"]["ItemCount"], 0, "a reset empties tables")
    for name in ("made", "one"):
        control("DELETE", "tables/" + name)
    is_(default.list_tables()["TableNames"], [SESSIONS], "and they can be dropped")


# ---- beside moto ----

def outcome(by, case):
    """What a case leads to: its error's code or the answer's attributes, and the item afterwards."""
    key = {"id": {"S": "case"}}
    by.delete_item(TableName="cases", Key=key)
    if case.get("item") is not None:
        by.put_item(TableName="cases", Item={**key, **case["item"]})
    more = {name: case[short] for short, name in
            (("condition", "ConditionExpression"), ("update", "UpdateExpression"),
             ("names", "ExpressionAttributeNames"), ("values", "ExpressionAttributeValues"))
            if case.get(short) is not None and case[short] != {}}
    got = None
    try:
        if "update" in case:
            answer = by.update_item(TableName="cases", Key=key,
                                    ReturnValues=case.get("returns", "ALL_NEW"), **more)
        elif "projection" in case:
            answer = by.get_item(TableName="cases", Key=key,
                                 ProjectionExpression=case["projection"], **more)
        else:
            answer = by.put_item(TableName="cases", Item={**key, "put": {"BOOL": True}}, **more)
        got = answer.get("Attributes", answer.get("Item"))
    except ClientError as error:
        got = error.response["Error"]["Code"]
    after = by.get_item(TableName="cases", Key=key).get("Item")
    return plain(got) or None, plain(after)


def plain(value):
    """The same whatever the order of a set is."""
    if isinstance(value, dict):
        return {k: sorted(map(str, v)) if k in ("SS", "NS", "BS") else plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def cases():
    create(default, "cases")
    for case in CASES:
        expected = case["expected"]
        got, after = outcome(default, case)
        is_(got, plain(expected) or None, case["what"])
    differential()
    default.delete_table(TableName="cases")


def outcome_of_moto(moto, case):
    """The same; None when moto is no witness, as it fails itself."""
    try:
        return outcome(moto, case)
    except TypeError:  # it compares a number with a text
        return None
    except Exception as error:  # what it cannot read
        print(f"# moto refuses {case}: {type(error).__name__}")
        return INVALID, plain({"id": {"S": "case"}, **case["item"]})


def differential():
    try:
        from moto import mock_aws
    except ImportError:
        skip("the same expressions with moto", "this python has no moto")
        return
    every = [case for case in CASES if not case.get("moto")] + list(random_cases(400))
    with mock_aws():
        moto = boto3.client("dynamodb", **{k: v for k, v in SETTINGS.items() if k != "endpoint_url"})
        create(moto, "cases")
        different = 0
        for case in every:
            theirs, ours = outcome_of_moto(moto, case), outcome(default, case)
            if theirs != ours and theirs is not None:
                different += 1
                print(f"# {case}\n#   moto: {theirs}\n#   ours: {ours}")
        is_(different, 0, f"{len(every)} expressions have the outcome that they have with moto")


run(tables, items, numbers, validation, conditions, returned, searching, expiry, faults, signatures,
    books, cases)
