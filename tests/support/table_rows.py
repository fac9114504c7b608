"""Tables as rows with names instead of string offsets: of a `Btf`, and as bpftool's JSON has them."""

from __future__ import annotations

from typing import Any

import bpftool_json as bpftool

from btfmmap import Btf, Kind
from btfmmap.tables import Table

COLUMNS = {
    "types": ("id", "kind", "kind_flag", "vlen", "name_off", "size_or_type", "offset"),
    "members": ("parent", "name_off", "type", "bit_offset", "bitfield_size"),
    "params": ("parent", "name_off", "type"),
    "enumerators": ("parent", "name_off", "value", "signed"),
    "arrays": ("id", "type", "index_type", "nelems"),
    "ints": ("id", "size", "encoding", "bit_offset", "nr_bits"),
    "funcs": ("id", "name_off", "type", "linkage"),
    "vars": ("id", "name_off", "type", "linkage"),
    "secinfos": ("parent", "type", "offset", "size"),
    "decl_tags": ("id", "name_off", "type", "component_idx"),
}

# bpftool prints neither a record's offset nor, of most kinds, the kind flag.
_SHOWN_COLUMNS = COLUMNS | {"types": ("id", "kind", "name_off", "vlen", "size_or_type")}

INT_ENCODINGS = {"(none)": 0, "SIGNED": 1, "CHAR": 2, "BOOL": 4}
_LINKAGES = {"static": 0, "global": 1, "extern": 2}


def rows(btf: Btf, name: str) -> list[tuple[Any, ...]]:
    """A table of a `Btf`, as `expected_tables` has it: void, which bpftool does not print, is left out."""
    table: Table = getattr(btf, name)
    if name == "types" and btf.first_id == 0:
        table = table[1:]
    columns: list[list[Any]] = []
    for column in _SHOWN_COLUMNS[name]:
        values = table[column]
        if column == "name_off":
            columns.append(btf.strings(values))
        else:
            columns.append((values.view("u8") if column == "value" else values).tolist())
    return list(zip(*columns, strict=True))


def expected_tables(records: list[bpftool.Record]) -> dict[str, list[tuple[Any, ...]]]:
    """The tables that bpftool's records make."""
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    for record in records:
        type_id, kind, name = record["id"], record["kind"], bpftool.name(record["name"])
        reference = record.get("type_id", record.get("ret_type_id", 0))
        vlen = _LINKAGES[record["linkage"]] if kind == "FUNC" else record.get("vlen", 0)
        size_or_type = 0 if kind == "ARRAY" else record.get("size", reference)
        tables["types"].append((type_id, Kind[kind], name, vlen, size_or_type))
        for member in record.get("members", []):
            bits = member.get("bitfield_size", 0)
            row = (type_id, bpftool.name(member["name"]), member["type_id"], member["bits_offset"], bits)
            tables["members"].append(row)
        for param in record.get("params", []):
            tables["params"].append((type_id, bpftool.name(param["name"]), param["type_id"]))
        for value in record.get("values", []):
            signed = record.get("encoding") == "SIGNED"
            # bpftool sign-extends an ENUM's unsigned values.
            modulus = 2**64 if signed or kind == "ENUM64" else 2**32
            tables["enumerators"].append((type_id, value["name"], value["val"] % modulus, signed))
        for entry in record.get("vars", []):
            tables["secinfos"].append((type_id, entry["type_id"], entry["offset"], entry["size"]))
        if kind == "ARRAY":
            tables["arrays"].append((type_id, reference, record["index_type_id"], record["nr_elems"]))
        elif kind == "INT":
            # Of several flags at once bpftool prints UNKN, which equals no number.
            encoding = INT_ENCODINGS.get(record["encoding"], record["encoding"])
            row = (type_id, record["size"], encoding, record["bits_offset"], record["nr_bits"])
            tables["ints"].append(row)
        elif kind in ("FUNC", "VAR"):
            table = tables["funcs" if kind == "FUNC" else "vars"]
            table.append((type_id, name, reference, _LINKAGES[record["linkage"]]))
        elif kind == "DECL_TAG":
            tables["decl_tags"].append((type_id, name, reference, record["component_idx"]))
    return tables


def check_kind_flags(btf: Btf, records: list[bpftool.Record]) -> None:
    """Compare the kind flags that bpftool shows: of enums and FWDs each, of structs those with bitfields."""
    flags = dict(zip(btf.types.id.tolist(), btf.types.kind_flag.tolist(), strict=True))
    shown = {
        record["id"]: record.get("encoding") == "SIGNED" or record.get("fwd_kind") == "union"
        for record in records
        if record["kind"] in ("ENUM", "ENUM64", "FWD")
    }
    assert shown
    assert {type_id: flags[type_id] for type_id in shown} == shown
    for record in records:
        if any("bitfield_size" in member for member in record.get("members", [])):
            assert flags[record["id"]]
