"""Writing BTF: from records, columns or other BTFs to bytes.

- `builder.py` has `Builder`, and `record_methods.py` its methods that add single records.
- `columns.py` prepares the columns of `Builder.add_tables` for the core.
- `transformations.py` makes new BTFs of existing ones: other types, another order, another byte order.
- `min_core.py` makes the smallest BTFs that BPF objects need.
- `results.py` opens what the core wrote, and saves it.
"""
