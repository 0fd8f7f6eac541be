"""Reads the spans that Rotel printed, and checks those of one trace.

    tree.py LOG TRACE CUSTOMER

CUSTOMER is the id of the span that began the trace outside. The checks: every span has its parent
in the trace; the spans of an order lead from the request to the dispatch; each kind is right;
and every link of a `send` or `receive` leads to a span of the trace.
"""

import re
import sys

KINDS = {
    "POST /orders": "SERVER",
    "create": "PRODUCER",
    "prepare": "CONSUMER",
    "process": "CONSUMER",
    "send": "CLIENT",
    "receive": "CLIENT",
    "transaction": "CLIENT",
    # A call of the payment provider.
    "POST": "CLIENT",
}
WAY = [
    "POST /orders",
    "create payment-events",
    "process payment-events",
    "create inventory-events",
    "process inventory-events",
    "create shipping-events",
    "process shipping-events",
    "create shipping-dispatch",
    "process shipping-dispatch",
]
FIELD = re.compile(r"^    (Trace ID|Parent ID|ID|Name|Kind|Status code) *: (.*)$")
LINK = re.compile(r"^     -> ID: ([0-9a-f]{16})$")
SERVICE = re.compile(r"^     -> service\.name: Str\((.*)\)$")


def read(log):
    spans, service = [], None
    for line in log:
        line = line.rstrip("\n")
        if line.startswith("Span #"):
            spans.append({"links": [], "service": service})
        elif match := SERVICE.match(line):
            service = match[1]
        elif spans and (match := FIELD.match(line)):
            spans[-1][match[1]] = match[2]
        elif spans and (match := LINK.match(line)):
            spans[-1]["links"].append(match[1])
    return spans


def check(spans, customer):
    by_id = {span["ID"]: span for span in spans}
    assert len(by_id) == len(spans), "an id is there twice"
    for span in spans:
        name, parent = span["Name"], span["Parent ID"]
        assert span["service"] == "all-in-one", span
        assert parent == customer or parent in by_id, f"the parent of {name} is missing"
        kind = KINDS.get(name) or KINDS.get(name.split(" ")[0])
        assert span["Kind"] == f"SPAN_KIND_{kind}", span
        assert span["Status code"] == "STATUS_CODE_UNSET", span

    last = next((span for span in spans if span["Name"] == WAY[-1]), None)
    assert last, f"{WAY[-1]} is missing"
    way = []
    while last:
        way.insert(0, last["Name"])
        last = by_id.get(last["Parent ID"])
    assert way == WAY, way

    creates = {span["ID"] for span in spans if span["Name"].startswith("create ")}
    sends = [span for span in spans if span["Name"].startswith("send ")]
    linked = {link for span in sends for link in span["links"]}
    assert linked <= creates, "a link of a send leads to no message"
    assert linked, "no send has a link"


def main(path, trace, customer):
    with open(path, encoding="utf-8") as log:
        spans = [span for span in read(log) if span["Trace ID"] == trace]
    try:
        check(spans, customer)
    except AssertionError as wrong:
        sys.exit(f"{len(spans)} spans: {wrong}")
    for span in spans:
        print(f'{span["Parent ID"]} > {span["ID"]} {span["Name"]}, {len(span["links"])} links')


main(*sys.argv[1:])
