#!/usr/bin/python3
"""Random requests get the signature that botocore gives them."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SIGNER = os.path.join(ROOT, os.environ.get("BUILD", "build"), "t/conformance/signer")
COUNT = 500

try:
    import botocore  # noqa: F401 (only whether it is there)
except ImportError:
    print("1..0 # SKIP signatures equal botocore's: python3-botocore is not installed")
    sys.exit(0)

sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import reference  # noqa: E402 (needs botocore)

expected = [reference.sign(case) for case in reference.random_cases(20260131, COUNT)]
lines = "".join(json.dumps(wire) + "\n" for wire, _, _ in expected)
run = subprocess.run([SIGNER], input=lines.encode(), stdout=subprocess.PIPE, check=False)
answers = [json.loads(line) for line in run.stdout.splitlines()]

def report(number, truth, what):
    print("ok" if truth else "not ok", number, "-", what)


print("1..2")
all_signed = len(answers) == COUNT and run.returncode == 0
report(1, all_signed, f"{COUNT} requests are signed")
wrong = [
    (wire, canonical, answer)
    for (wire, canonical, authorization), answer in zip(expected, answers)
    if answer.get("authorization") != authorization
]
report(2, answers and not wrong, f"each signature equals that of botocore {botocore.__version__}")
for wire, canonical, answer in wrong[:3]:
    for text in (json.dumps(wire), canonical, answer.get("canonical_request", str(answer))):
        print("# " + text.replace("\n", "\n# "))
sys.exit(bool(wrong) or not all_signed)
