"""What the boots found, as a table and as a list of what went wrong."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

Report = dict[str, Any]

_USERS = ("root", "nobody")
_HEAD = ("guest", "kernel", "bits", "page", "opened", "open ms", "rules", "modules", *_USERS, "boot s")
# Rules that cannot be tried on a kernel that does not map.
_ON_OLD_KERNELS = {"mmap private, read-only"}


def table(reports: list[Report]) -> str:
    """A line for each boot, in Markdown."""
    rows = [_HEAD, *map(_row, reports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _row(report: Report) -> tuple[str, ...]:
    if "error" in report:
        return (report["guest"], report["release"], *("",) * (len(_HEAD) - 3), "failed")
    root = report["users"]["root"]
    opened = _json(root, "opened")
    info = _json(root, "info")
    verdicts = [finding["verdict"] for finding in _findings(root)]
    counts = "/".join(
        str(verdicts.count(verdict)) for verdict in ("holds", "does not hold", "could not be tried")
    )
    return (
        report["guest"],
        report["release"],
        str(report["bits"]),
        str(report["page"]),
        opened["found"]["auto"][0] if opened else "nothing",
        str(info["open_ms"]) if info else "",
        counts,
        f"{len(opened['modules'])}/{len(report['bytes']) - 1}" if opened else "",
        *(_tests(report["users"][user]) for user in _USERS),
        str(report["boot_seconds"]) + ("" if report["complete"] else ", stopped"),
    )


def _tests(user: dict[str, Any]) -> str:
    """How many tests passed, failed and were skipped, as pytest counts them."""
    counts: Counter[str] = Counter()
    for done in user.values():
        counts += Counter(done.get("counts", {}))
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())


def _findings(user: dict[str, Any]) -> list[dict[str, str]]:
    report = _json(user, "doctor")
    return [] if report is None else report["findings"]


def _json(user: dict[str, Any], command: str) -> Any:
    """What a command printed; None if it did not run or failed."""
    try:
        return json.loads(user[command]["output"])
    except (KeyError, ValueError):
        return None


def failures(report: Report) -> list[str]:
    """A line for each thing that is not as it should be."""
    name = f"{report['guest']} {report['release']}"
    if "error" in report:
        return [f"{name}: {report['error']}"]
    found = [] if report["complete"] else [f"{name}: did not come to an end"]
    for user, results in report["users"].items():
        where = f"{name}: {user}"
        found += [f"{where}: {problem}" for problem in _problems(results, report["bytes"], user)]
    return found


def _problems(results: dict[str, Any], read: dict[str, str], user: str) -> list[str]:
    problems = []
    for name, done in results.items():
        # doctor exits with 1 on a kernel that does not map; only root may list what is loaded.
        expected = {"doctor": (0, 1), "loaded": (0,) if user == "root" else (2,)}.get(name, (0,))
        if done["code"] not in expected:
            problems.append(f"{name} exited with {done['code']}:\n{done['output'][-4000:]}")
    opened = _json(results, "opened")
    if opened is not None:
        problems += _differences(opened, read)
    findings = _findings(results)
    broken = {finding["rule"]: finding for finding in findings if finding["verdict"] == "does not hold"}
    unmappable = broken.get("mmap private, read-only", {}).get("observed") == "ENODEV"
    for rule, finding in broken.items():
        if not (unmappable and rule in _ON_OLD_KERNELS):
            problems.append(f"{rule}: expected {finding['expected']}, observed {finding['observed']}")
    return problems


def _differences(opened: dict[str, Any], read: dict[str, str]) -> list[str]:
    problems = [f"{path}: {error}" for path, error in opened["failed"].items()]
    for method in ("auto", "read"):
        if opened["found"][method][1] != read["vmlinux"]:
            problems.append(f"method {method}: other bytes than read(): {opened['found'][method]}")
    how, *_ = opened["found"]["mmap"]
    if how == "mmap" and opened["found"]["mmap"][1] != read["vmlinux"]:
        problems.append("method mmap: other bytes than read()")
    if (opened["found"]["auto"][0] == "mmap") != (how == "mmap"):
        problems.append(f"auto opened by {opened['found']['auto'][0]}, but mmap by {how}")
    modules = {name: digest for name, digest in read.items() if name != "vmlinux" and "." not in name}
    if opened["modules"] != modules:
        different = sorted(set(modules.items()) ^ set(opened["modules"].items()))
        problems.append(f"other modules than in sysfs: {different[:3]}")
    return problems
