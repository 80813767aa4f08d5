"""TAP, and the stand-in's own paths, for the scripts that drive it with an SDK."""
import json
import os
import sys
import time
import urllib.error
import urllib.request

ENDPOINT = sys.argv[1]
_run = _failed = 0


def ok(truth, what):
    global _run, _failed
    _run += 1
    _failed += not truth
    print(f"{'ok' if truth else 'not ok'} {_run} - {what}", flush=True)


def is_(got, expected, what):
    ok(got == expected, what)
    if got != expected:
        print(f"#        got: {got!r}\n#   expected: {expected!r}")


def skip(what, why):
    print(f"# skipped: {what}: {why}", file=sys.stderr, flush=True)
    ok(True, f"{what} # SKIP {why}")


def run(*parts):
    """Runs the functions one after the other, and ends the program."""
    for part in parts:
        print(f"# {part.__name__}", flush=True)
        part()
    print(f"1..{_run}")
    sys.exit(_failed > 0)


def raised(call, *kinds):
    try:
        call()
    except kinds:
        return True
    except Exception as error:  # the test reports which one came instead
        print(f"# {type(error).__name__}: {error}")
    return False


def fetch(method, path, headers=None, body=None):
    """Status, headers and body of an unsigned request."""
    request = urllib.request.Request(ENDPOINT + path, data=body, method=method,
                                     headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def control(method, path, body=None):
    """One request under /_emulator/; an error is a urllib HTTPError."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(ENDPOINT + "/_emulator/" + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def calls(operation=None):
    return [call for call in control("GET", "requests?limit=1000")["requests"]
            if operation in (None, call["operation"])]


def wait_for(condition):
    """Looks until it is true, 20 s at most."""
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        pass


class Environment:
    """Variables for the time of a `with`; every other AWS one is taken away."""

    def __init__(self, **variables):
        self.variables = variables

    def __enter__(self):
        self.before = dict(os.environ)
        for name in list(os.environ):
            if name.startswith("AWS_"):
                del os.environ[name]
        os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
                          AWS_EC2_METADATA_DISABLED="true")
        os.environ.update(self.variables)

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)
