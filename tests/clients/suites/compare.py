"""Compares the results of a suite with the tests that are expected to fail: compare.py SUITE RESULTS.xml EXPECTED.txt

Prints one check. With WRITE set in the environment it writes the list instead.
"""
import collections
import os
import re
import sys
import xml.etree.ElementTree

name, results, expected = sys.argv[1:]
outcome = {}
for case in xml.etree.ElementTree.parse(results).iter("testcase"):
    # SQLAlchemy puts the server's version into its test names.
    test = re.sub(r"_16_\d+", "", f"{case.get('classname')}::{case.get('name')}")
    kinds = {child.tag for child in case}
    found = "fail" if kinds & {"failure", "error"} else "skip" if "skipped" in kinds else "pass"
    if outcome.get(test) != "fail":
        outcome[test] = found

failed = {test for test, found in outcome.items() if found == "fail"}
if "WRITE" in os.environ:
    with open(expected, "w", encoding="utf-8") as file:
        file.writelines(f"{test}\n" for test in sorted(failed))
with open(expected, encoding="utf-8") as file:
    listed = {line.rstrip("\n") for line in file}

counts = collections.Counter(outcome.values())
shown = f"{name}: {counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped"
new, mended = sorted(failed - listed), sorted(test for test in listed if outcome.get(test) == "pass")
if mended:
    print(f"{len(mended)} listed tests of {name} pass now: {', '.join(mended[:5])}")
if new or not counts["pass"]:
    print(f"FAIL {shown}; not listed: {', '.join(new[:5])}")
    sys.exit(1)
print(f"ok {shown}, each of them listed")
