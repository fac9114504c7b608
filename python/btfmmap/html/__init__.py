"""Escaped text and tables in HTML, for notebooks (`_repr_html_`) and pages. Imported on first use."""
