"""Our own check, and how many requests were made."""

import atexit
import json

import schemathesis

VENDORS = ("/credits-balance", "/api/")

made = 0


@schemathesis.hook
def after_call(context, case, response):
    global made
    made += 1


@atexit.register
def tell():
    print(f"\nrequests made: {made}")


@schemathesis.serializer("application/x-ndjson")
def to_lines(ctx, value):
    """A line for each row; whatever else is made goes as one line."""
    if isinstance(value, bytes):
        return value
    rows = value if isinstance(value, list) else [value]
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@schemathesis.check
def every_error_is_a_problem(ctx, response, case):
    """Whatever is refused, by whatever part, is refused as RFC 9457 says."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    # Other vendors' routes answer errors in those vendors' shapes.
    if case.operation.path.startswith(VENDORS):
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind == "application/problem+json", f"{response.status_code} as {kind}"
    problem = response.json()
    assert problem["status"] == response.status_code, problem
    assert problem["type"] == f"urn:edge-credits:problem:{problem['code']}", problem
    assert response.status_code not in (429, 503) or "retry-after" in response.headers, problem
