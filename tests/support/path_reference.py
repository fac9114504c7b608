"""Shortest paths in plain Python over bpftool's JSON: the reference for `Btf.paths`.

Distances are pairs: the pointers followed, and the members named.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator

from bpftool_json import Record, name

Distance = tuple[int, int]
_MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
_COMPOSITE = ("STRUCT", "UNION")


class ReferenceGraph:
    """The steps between structs and unions, as far as they matter for the lengths of paths."""

    def __init__(self, records: list[Record]) -> None:
        self.records = {record["id"]: record for record in records}
        self.steps: dict[int, list[tuple[int, Distance]]] = defaultdict(list)
        for record in records:
            if record["kind"] in _COMPOSITE:
                for member in record.get("members", ()):
                    self.steps[record["id"]] += self.steps_through(member)

    def steps_through(self, member: Record) -> Iterator[tuple[int, Distance]]:
        named = int(bool(name(member["name"])))
        pointers, is_array, type_id = 0, False, member["type_id"]
        while (record := self.records.get(type_id)) is not None:
            kind = record["kind"]
            if kind in _COMPOSITE:
                if named or not (pointers or is_array):
                    yield type_id, (pointers, named)
                return
            if kind != "ARRAY" and kind != "PTR" and kind not in _MODIFIERS:
                return
            pointers += kind == "PTR"
            is_array |= kind == "ARRAY"
            type_id = record["type_id"]

    def distance(self, start: int, target: int, max_pointers: int) -> Distance | None:
        """The distance of the shortest path; None if there is none."""
        seen: set[int] = set()
        pending: list[tuple[int, int, int]] = [(*cost, to) for to, cost in self.steps[start]]
        heapq.heapify(pending)
        while pending:
            pointers, members, at = heapq.heappop(pending)
            if pointers > max_pointers:
                return None
            if at == target:
                return pointers, members
            if at not in seen:
                seen.add(at)
                for to, (more_pointers, more_members) in self.steps[at]:
                    heapq.heappush(pending, (pointers + more_pointers, members + more_members, to))
        return None

    def all_distances(self, start: int, target: int, max_pointers: int) -> list[Distance]:
        """The distances of all paths that visit no struct or union twice, sorted."""
        found: list[Distance] = []
        pending: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, (start,))]
        while pending:
            pointers, members, path = pending.pop()
            for to, (more_pointers, more_members) in self.steps[path[-1]]:
                distance = pointers + more_pointers, members + more_members
                if distance[0] > max_pointers:
                    continue
                if to == target:
                    found.append(distance)
                elif to not in path:
                    pending.append((*distance, (*path, to)))
        return sorted(found)
