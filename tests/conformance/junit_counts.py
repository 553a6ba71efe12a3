#!/usr/bin/env python3
"""Reads a JUnit file and prints the closing line of a suite.

usage: junit_counts.py FILE DESELECTED

DESELECTED cases count as skipped. A case that skipped itself counts as failed: the skip list must
name it with its reason.
"""

import sys
import xml.etree.ElementTree as ElementTree


def main(file, deselected):
    passed = failed = 0
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped")
        if bad:
            failed += 1
            print(f"FAIL {name}: {(bad[0].get('message') or '').splitlines()[:1]}")
        elif skipped is not None:
            failed += 1
            print(f"FAIL {name}: skipped itself and is not on the skip list: {skipped.get('message')}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {deselected} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
