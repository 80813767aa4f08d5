"""Expressions of DynamoDB with what they must lead to, and random ones. See emulator_dynamodb.py.

A case is an item that is there, an expression, and what is expected: the error's code, or what the
call returns. `moto` says why moto is no witness for it.
"""
import random

ITEM = {
    "n": {"N": "5"}, "s": {"S": "hello"}, "u": {"S": "日本😀"}, "b": {"B": b"abc"},
    "t": {"BOOL": True}, "z": {"NULL": True}, "e": {"S": ""},
    "l": {"L": [{"N": "1"}, {"S": "a"}, {"M": {"x": {"N": "7"}}}]},
    "m": {"M": {"a": {"N": "1"}, "d": {"M": {"c": {"S": "deep"}}}}},
    "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [b"x", b"y"]},
}
FAILED = "ConditionalCheckFailedException"
INVALID = "ValidationException"
CASES = []


def values(**more):
    return {":" + name: value for name, value in more.items()}


def holds(condition, moto=None, names=None, item=None, **more):
    CASES.append({"what": f"holds: {condition}", "item": item or ITEM, "condition": condition,
                  "values": values(**more), "names": names, "expected": None, "moto": moto})


def fails(condition, moto=None, names=None, **more):
    CASES.append({"what": f"fails: {condition}", "item": ITEM, "condition": condition,
                  "values": values(**more), "names": names, "expected": FAILED, "moto": moto})


def invalid(condition, moto=None, names=None, **more):
    CASES.append({"what": f"invalid: {condition}", "item": ITEM, "condition": condition,
                  "values": values(**more), "names": names, "expected": INVALID, "moto": moto})


def updates(expression, expected, moto=None, names=None, item=ITEM, returns="UPDATED_NEW", **more):
    CASES.append({"what": f"{expression} -> {expected}", "item": item, "update": expression,
                  "values": values(**more), "names": names, "returns": returns,
                  "expected": expected, "moto": moto})


def projects(expression, expected, moto=None, names=None):
    CASES.append({"what": f"of {expression}: {expected}", "item": ITEM, "projection": expression,
                  "names": names, "expected": expected, "moto": moto})


FIVE, SIX, A = {"N": "5"}, {"N": "6"}, {"S": "a"}
LENIENT = "takes what the service refuses"
OTHER = "reads it otherwise"

# ---- comparing ----
holds("n = :v", v={"N": "5.0"})
fails("n = :v", v={"S": "5"})
holds("n <> :v", v={"S": "5"})
holds("absent <> :v", v=FIVE)
fails("absent = :v", v=FIVE)
fails("absent < :v", v=FIVE)
holds("n < :v", v={"N": "10"})
fails("n < :v", v={"S": "10"})
holds("n <= :v AND n >= :v", v=FIVE)
fails("n > :v", v=FIVE)
holds("s > :v", v={"S": "hell"})
holds("s < :v", v={"S": "i"})
holds("b = :v", v={"B": b"abc"})
holds("b < :v", v={"B": b"abd"})
holds("t = :v", v={"BOOL": True})
fails("t = :v", v={"BOOL": False})
holds("z = :v", v={"NULL": True})
holds("ss = :v", v={"SS": ["b", "a"]})
holds("ns = :v", v={"NS": ["2", "1.0"]}, moto=OTHER)
holds("m.d = :v", v={"M": {"c": {"S": "deep"}}})
holds("l[2] = :v", v={"M": {"x": {"N": "7"}}})
holds(":v < n", v={"N": "4"})
holds("n BETWEEN :a AND :b", a={"N": "5"}, b={"N": "6"})
fails("n BETWEEN :a AND :b", a={"N": "6"}, b={"N": "10"})
fails("absent BETWEEN :a AND :b", a={"N": "6"}, b={"N": "10"})
holds("NOT n BETWEEN :a AND :b", a={"N": "6"}, b={"N": "10"})
holds("n IN (:a, :b)", a=A, b=FIVE)
fails("n IN (:a)", a={"N": "4"})
holds("n in (:a) and s = :b", a=FIVE, b={"S": "hello"})

# ---- functions ----
holds("attribute_exists(n) AND attribute_not_exists(absent)")
holds("attribute_exists(m.d.c) AND attribute_exists(l[2].x) AND attribute_not_exists(l[3])")
holds("attribute_exists(e) AND attribute_exists(z)")
fails("attribute_exists(n.x)")
fails("attribute_not_exists(id)")
for kind, name in (("N", "n"), ("S", "s"), ("B", "b"), ("BOOL", "t"), ("NULL", "z"), ("L", "l"),
                   ("M", "m"), ("SS", "ss"), ("NS", "ns"), ("BS", "bs")):
    holds(f"attribute_type({name}, :v)", v={"S": kind})
fails("attribute_type(n, :v)", v={"S": "S"})
fails("attribute_type(absent, :v)", v={"S": "S"})
holds("begins_with(s, :v)", v={"S": "hel"})
holds("begins_with(s, :v)", v={"S": ""}, moto=OTHER)
fails("begins_with(s, :v)", v={"S": "el"})
fails("begins_with(n, :v)", v={"S": "5"})
holds("contains(s, :v)", v={"S": "ell"})
holds("contains(ss, :v)", v=A)
fails("contains(ss, :v)", v={"S": "c"})
holds("contains(ns, :v)", v={"N": "2"})
holds("contains(l, :v)", v=A)
fails("contains(l, :v)", v={"S": "1"})
fails("contains(n, :v)", v=FIVE)
holds("size(s) = :v", v=FIVE)
holds("size(u) = :v", v={"N": "3"})
holds("size(b) = :v AND size(ss) = :w AND size(l) = :v AND size(m) = :w", v={"N": "3"},
      w={"N": "2"})
holds("size(e) = :v", v={"N": "0"})
fails("size(absent) = :v", v=FIVE, moto=OTHER)
holds("size(s) > n OR size(s) = n")

# ---- logic ----
holds("NOT attribute_exists(absent)")
holds("NOT (n = :v OR s = :v)", v={"N": "1"})
holds("n = :v OR n = :w AND s = :v", v=FIVE, w=SIX)
fails("(n = :v OR n = :w) AND s = :v", v=FIVE, w=SIX)
holds("NOT n = :v AND n = :w", v=SIX, w=FIVE)
holds("NOT NOT n = :v", v=FIVE, moto=OTHER)
holds("((n = :v) AND (s <> :v)) OR t = :v", v=FIVE)
holds("#a.#b.#c = :v", names={"#a": "m", "#b": "d", "#c": "c"}, v={"S": "deep"})
holds("n=:v", v=FIVE)
holds("  n\t=\n:v ", v=FIVE, moto=OTHER)

# ---- what is refused ----
invalid("", moto=LENIENT)
invalid("n = = :v", v=FIVE)
invalid("n :v", v=FIVE)
invalid("n = :v AND", v=FIVE)
invalid("n = :v)", v=FIVE)
invalid("(n = :v", v=FIVE)
invalid("n", moto=LENIENT)
invalid("n = 5", moto=LENIENT)
invalid("n & :v", v=FIVE)
invalid("n IN :v", v=FIVE)
invalid("n IN ()", moto=OTHER)
invalid("n BETWEEN :v", v=FIVE, moto=LENIENT)
invalid("((n = :v))", v=FIVE, moto=LENIENT)
invalid("ttl = :v", v=FIVE, moto=LENIENT)
invalid("attribute_exists(data)", moto=LENIENT)
invalid("m.Value = :v", v=FIVE, moto=LENIENT)
invalid("#x = :v", v=FIVE, moto=OTHER)
invalid("#x = :v", names={"#y": "n"}, v=FIVE, moto=OTHER)
invalid("n = :w", v=FIVE)
invalid("n = :v", v=FIVE, w=FIVE, moto=LENIENT)
invalid("n = :v", names={"#n": "n"}, v=FIVE)
invalid("size(n, s) = :v", v=FIVE, moto=LENIENT)
invalid("size(:v) = :w", v=FIVE, w=FIVE, moto=LENIENT)
invalid("attribute_exists(:v)", v=FIVE, moto=LENIENT)
invalid("attribute_type(n, :v)", v={"S": "X"}, moto=LENIENT)
invalid("attribute_type(n, :v)", v=FIVE, moto=LENIENT)
invalid("begins_with(n, :v)", v=FIVE, moto=LENIENT)
invalid("begins_with(s)", moto=LENIENT)
invalid("unknown(n)", moto=OTHER)
invalid("if_not_exists(n, :v) = :v", v=FIVE, moto=OTHER)
invalid("attribute_exists(n) = :v", v={"BOOL": True}, moto=LENIENT)
invalid("contains(ss, ss)", moto=LENIENT)
invalid("n = n", moto=LENIENT)
invalid("n < :v", v={"BOOL": True}, moto=LENIENT)
invalid("n BETWEEN :a AND :b", a=SIX, b=FIVE, moto=LENIENT)
invalid("n BETWEEN :a AND :b", a=FIVE, b=A, moto=LENIENT)

# ---- SET ----
updates("SET n = :v", {"n": A}, v=A)
updates("SET x = :v", {"x": A}, item=None, v=A, moto="returns more")
updates("SET x = n", {"x": FIVE})
updates("SET n = n + :v", {"n": {"N": "11"}}, v=SIX)
updates("SET n = :v - n", {"n": {"N": "1"}}, v=SIX)
updates("SET n = (n + :v)", {"n": {"N": "11"}}, v=SIX, moto=OTHER)
updates("SET x = if_not_exists(x, :v)", {"x": A}, v=A)
updates("SET n = if_not_exists(n, :v)", {"n": FIVE}, v=A, moto="returns less")
updates("SET x = if_not_exists(x, :v) + :w", {"x": {"N": "11"}}, v=FIVE, w=SIX)
updates("SET x = if_not_exists(n, x)", {"x": FIVE})
updates("SET l = list_append(l, :v)", {"l": {"L": ITEM["l"]["L"] + [A]}}, v={"L": [A]})
updates("SET l = list_append(:v, l)", {"l": {"L": [A] + ITEM["l"]["L"]}}, v={"L": [A]})
updates("SET x = list_append(if_not_exists(x, :e), :v)", {"x": {"L": [A]}}, v={"L": [A]},
        e={"L": []})
updates("SET m.d.c = :v, m.#e = :v", {"m": {"M": {"d": {"M": {"c": A}}, "e": A}}}, v=A,
        names={"#e": "e"})
updates("SET l[0] = :v", {"l": {"L": [A]}}, v=A, moto="returns more")
updates("SET l[9] = :v", {"l": {"L": ITEM["l"]["L"] + [A]}, "id": {"S": "case"},
                          **{k: v for k, v in ITEM.items() if k != "l"}}, v=A, returns="ALL_NEW")
updates("SET n = s, s = n", {"n": {"S": "hello"}, "s": FIVE})
updates("SET x = l, l[0] = :v", {"x": ITEM["l"], "l": {"L": [A]}}, v=A, moto="returns more")
updates("set x = :v remove n add ns :s delete ss :t",
        {"x": A, "ns": {"NS": ["1", "2", "3"]}, "ss": {"SS": ["b"]}}, v=A, s={"NS": ["3"]},
        t={"SS": ["a"]})

# ---- REMOVE ----
updates("REMOVE n, m.d, l[0]", {"id": {"S": "case"}, **{k: v for k, v in ITEM.items() if k != "n"},
                                "m": {"M": {"a": {"N": "1"}}}, "l": {"L": ITEM["l"]["L"][1:]}},
        returns="ALL_NEW")
updates("REMOVE l[0], l[1]", {"id": {"S": "case"}, **ITEM, "l": {"L": ITEM["l"]["L"][2:]}},
        returns="ALL_NEW")
updates("REMOVE l[1] SET l[0] = :v", {"id": {"S": "case"}, **ITEM,
                                      "l": {"L": [A] + ITEM["l"]["L"][2:]}}, returns="ALL_NEW", v=A)
updates("REMOVE absent", None)
updates("REMOVE l[9]", {"id": {"S": "case"}, **ITEM}, returns="ALL_NEW")

# ---- ADD and DELETE ----
updates("ADD n :v", {"n": {"N": "11"}}, v=SIX)
updates("ADD x :v", {"x": SIX}, v=SIX)
updates("ADD x :v", {"x": SIX}, item=None, v=SIX, moto="returns more")
updates("ADD m.a :v", {"m": {"M": {"a": {"N": "7"}}}}, v=SIX)
updates("ADD ss :v", {"ss": {"SS": ["a", "b", "c"]}}, v={"SS": ["b", "c"]})
updates("ADD x :v", {"x": {"NS": ["1"]}}, v={"NS": ["1"]})
updates("DELETE ss :v", {"ss": {"SS": ["b"]}}, v={"SS": ["a", "q"]})
updates("DELETE ss :v", None, v={"SS": ["a", "b"]})
updates("DELETE x :v", None, v={"SS": ["a", "b"]})

# ---- updates that are refused ----
updates("SET n = s + :v", INVALID, v=FIVE)
updates("SET x = absent", INVALID)
updates("SET x = absent + :v", INVALID, v=FIVE)
updates("SET x = list_append(n, :v)", INVALID, v={"L": []}, moto=LENIENT)
updates("SET x.y = :v", INVALID, v=FIVE)
updates("SET n.y = :v", INVALID, v=FIVE, moto=LENIENT)
updates("SET s[0] = :v", INVALID, v=FIVE, moto=LENIENT)
updates("SET id = :v", INVALID, v=A)
updates("REMOVE id", INVALID)
updates("REMOVE x.y", INVALID, moto=LENIENT)
updates("ADD s :v", INVALID, v=FIVE)
updates("ADD n :v", INVALID, v=A)
updates("ADD n :v", INVALID, v={"NS": ["1"]}, moto="fails itself")
updates("DELETE n :v", INVALID, v=FIVE)
updates("DELETE ns :v", INVALID, v={"SS": ["1"]}, moto=LENIENT)
updates("SET n = :v SET s = :v", INVALID, v=A)
updates("SET n = :v, n = :v", INVALID, v=A)
updates("SET m = :v, m.a = :v", INVALID, v=A, moto=LENIENT)
updates("SET m.a = :v, m[0] = :v", INVALID, v=A, moto=LENIENT)
updates("SET n = :v REMOVE n", INVALID, v=A, moto=LENIENT)
updates("SET n", INVALID)
updates("SET n = ", INVALID)
updates("SET n = :v,", INVALID, v=A)
updates("n = :v", INVALID, v=A)
updates("SET ttl = :v", INVALID, v=A)
updates("SET m.data = :v", INVALID, v=A)
updates("SET #t = :v", {"ttl": A}, names={"#t": "ttl"}, v=A)
updates("SET n = :w", INVALID, v=A)
updates("SET n = :v", INVALID, v=A, w=A)
updates("SET n = size(s)", INVALID, moto=OTHER)
updates("SET n = :v + :w", INVALID, v=A, w=FIVE)

# ---- projections ----
projects("n, s", {"n": FIVE, "s": {"S": "hello"}})
projects("m.d.c", {"m": {"M": {"d": {"M": {"c": {"S": "deep"}}}}}})
projects("m.a, m.d", {"m": ITEM["m"]})
projects("l[2].x", {"l": {"L": [{"M": {"x": {"N": "7"}}}]}})
projects("l[0], l[1]", {"l": {"L": [{"N": "1"}, A]}}, moto=OTHER)
projects("absent, m.q, l[9]", {}, moto=OTHER)
projects("#n", {"n": FIVE}, names={"#n": "n"})
projects("n, n", INVALID)
projects("m, m.a", INVALID, moto=LENIENT)
projects("n,", INVALID, moto=LENIENT)
projects("n s", INVALID, moto=LENIENT)


# ---- random ones, of what moto knows ----

PATHS = ["n", "s", "b", "t", "z", "l", "m", "ss", "ns", "l[0]", "l[2].x", "m.a", "m.d.c", "absent"]
CONSTANTS = {":n5": FIVE, ":n1": {"N": "1"}, ":n7": {"N": "7"}, ":sh": {"S": "hello"},
             ":sa": A, ":bb": {"B": b"abc"}, ":ss": {"SS": ["a", "b"]}, ":yes": {"BOOL": True}}


def random_condition(pick, depth):
    if depth > 0 and pick.random() < 0.6:
        kind = pick.choice(["AND", "OR", "NOT"])
        one = random_condition(pick, depth - 1)
        if kind == "NOT":
            return f"NOT ({one})"
        return f"({one}) {kind} ({random_condition(pick, depth - 1)})"
    path = pick.choice(PATHS)
    constant = pick.choice([":n5", ":n1", ":n7", ":sh", ":sa", ":bb"])
    if path == "t":  # a truth is a number to moto
        return pick.choice(["t = :yes", "t <> :yes", "t = :sh", "attribute_exists(t)"])
    if path in ("b", "m") and pick.random() < 0.5:
        return f"{path} {pick.choice(['=', '<>'])} {constant}"
    return pick.choice([
        f"{path} {pick.choice(['=', '<>', '<', '<=', '>', '>='])} {constant}",
        f"{path} BETWEEN :n1 AND :n7", f"{path} IN ({constant}, :n5)", f"{path} = :ss",
        f"attribute_exists({path})", f"attribute_not_exists({path})",
        f"contains({pick.choice(['l', 's', 'ss', 'ns', 'absent'])}, {constant})",
        f"begins_with({path}, :sh)", f"size(s) {pick.choice(['<', '=', '>'])} {path}"])


def random_update(pick):
    sections = []
    # Of a list, one place alone: moto counts anew after each.
    paths = ["n", "s", "l[1]", "m.a", "m.d.c", "ns", "x", "y", "m.q"]
    pick.shuffle(paths)
    value = lambda: pick.choice([":n5", ":sa", "n", "s", "if_not_exists(x, :n1)", "n + :n7",
                                 "n - :n1", "if_not_exists(n, :n1) + :n7",
                                 "list_append(l, l)", "m.d.c"])
    sets = [f"{paths.pop()} = {value()}" for _ in range(pick.randint(0, 3))]
    if sets:
        sections.append("SET " + ", ".join(sets))
    removes = [paths.pop() for _ in range(pick.randint(0, 2))]
    if removes:
        sections.append("REMOVE " + ", ".join(removes))
    if pick.random() < 0.5:
        sections.append(f"ADD {pick.choice(['cnt', 'n2'])} :n7")
    if pick.random() < 0.3:
        sections.append("DELETE ss :ss")
    pick.shuffle(sections)
    return " ".join(sections) or "REMOVE absent"


def random_cases(count):
    pick = random.Random(20120810)
    for number in range(count):
        kind = "update" if number % 2 else "condition"
        text = random_update(pick) if number % 2 else random_condition(pick, 3)
        yield {"item": ITEM, kind: text, "returns": "ALL_NEW",
               "values": {name: value for name, value in CONSTANTS.items() if name in text}}
