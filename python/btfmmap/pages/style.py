"""The style of all pages, for light and dark."""

from __future__ import annotations

from ..pictures.palette import BAD, DOUBTFUL, GOOD, HATCH, NONE, OF_CATEGORIES, TEXT

_FILLS = "".join(f"g.{name} rect{{fill:{colour}}}" for name, colour in OF_CATEGORIES.items())
COLUMNS = 10
"""Columns of a table whose rows become lists on a narrow screen."""
_LABELS = "\n  ".join(
    f"td:nth-child({number})::before {{ content: var(--h{number}); }}" for number in range(1, COLUMNS + 1)
)
SVG_STYLE = f"""svg text {{ font: 10.5px/1 ui-monospace, monospace; fill: {TEXT}; }}
svg text.out {{ fill: var(--text); }} svg rect {{ stroke: {TEXT}; stroke-width: .6; }}
{_FILLS}
g.hole rect {{ fill: url(#hatch); stroke: var(--faint); }}
g.padding rect {{ fill: url(#cross); stroke: var(--faint); }}
g.hole text, g.padding text {{ fill: var(--text); stroke: var(--back); stroke-width: 3px;
  paint-order: stroke; }}
pattern rect {{ fill: var(--back); stroke: none; }}
pattern path {{ fill: none; stroke: {HATCH}; stroke-width: 1.2; }}
"""
"""That of pictures in pages."""

LONE_STYLE = (
    SVG_STYLE.replace("var(--text)", TEXT)
    .replace("var(--back)", "#ffffff")
    .replace("var(--faint)", "#595959")
    + "svg rect.back { fill: #ffffff; stroke: none; }"
)
"""That of pictures alone. Few programs but browsers know variables."""

STYLE = f"""
:root {{ color-scheme: light dark; --back: #ffffff; --text: #1a1a1a; --faint: #595959; --line: #c8c8c8;
  --lit: #fff3b8; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --back: #17181b; --text: #e8e8e8; --faint: #a9a9a9; --line: #4a4a4a; --lit: #4a4320; }}
}}
body {{ margin: 1rem; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }}
h1, h2 {{ overflow-wrap: anywhere; }} h1 {{ font-size: 1.35rem; }} h2 {{ font-size: 1.1rem; }}
p, li {{ max-width: 75ch; overflow-wrap: anywhere; }} .faint {{ color: var(--faint); }}
.wide {{ position: relative; overflow-x: auto; margin: .5rem 0; }}
svg {{ display: block; }}
.pair {{ display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: flex-start; }}
summary {{ overflow-wrap: anywhere; padding: .2rem 0; }}
{SVG_STYLE}.dim {{ opacity: .15; }} g.lit rect {{ stroke-width: 2.5; }}
.bars {{ padding: 0; list-style: none; max-width: 64rem; }} .bars svg {{ width: 100%; height: 1rem; }}
.bars li {{ display: grid; grid-template-columns: 20rem 4rem minmax(0, 1fr); gap: 0 .6rem; max-width: none;
  padding: .1rem 0; align-items: center; font-variant-numeric: tabular-nums; }}
.bars li.lit {{ background: var(--lit); }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: 600; }}
th, td {{ padding: .15rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }}
td {{ max-width: 60ch; min-width: 6ch; overflow-wrap: anywhere; }}
.n {{ text-align: right; white-space: nowrap; }}
tr.lit td {{ background: var(--lit); }}
table.matrix th[scope="row"] {{ font-weight: 400; max-width: min(40ch, 42vw); overflow-wrap: break-word;
  position: sticky; left: 0; background: var(--back); }}
td.good, td.doubtful, td.bad {{ white-space: nowrap; }}
@media (min-height: 36rem) {{
  .tall {{ max-height: 85vh; overflow: auto; }}
  .tall thead th {{ position: sticky; top: 0; z-index: 2; background: var(--back); }}
  .tall thead th:first-child {{ left: 0; z-index: 3; }}
}}
@media print {{ .wide {{ max-height: none; overflow: visible; }} }}
table.matrix td {{ min-width: 0; text-align: center; border: 1px solid var(--line); padding: .1rem .35rem; }}
table.matrix thead th {{ vertical-align: bottom; padding: .2rem; }}
table.matrix thead span {{ writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400;
  white-space: nowrap; }}
td.c {{ min-width: 14ch; }}
.c {{ font-family: ui-monospace, monospace; font-size: .92em; }}
td.good, span.good {{ background: {GOOD}; color: {TEXT}; }}
td.doubtful {{ background: {DOUBTFUL}; color: {TEXT}; }}
td.bad {{ background: {BAD}; color: {TEXT}; font-weight: 700; }}
td.none {{ background: {NONE}; color: {TEXT}; }}
.key {{ display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding: 0; list-style: none; }}
.key svg {{ display: inline-block; vertical-align: -3px; }}
#filter {{ font: inherit; width: min(24rem, 90%); }}
#tip {{ position: fixed; z-index: 9; max-width: min(32rem, 90vw); padding: .3rem .6rem; border-radius: 4px;
  background: #2a2a2e; color: #f4f4f4; border: 1px solid #8a8a8a; overflow-wrap: anywhere;
  pointer-events: none; }}
@media (max-width: 48rem) {{
  .bars li {{ grid-template-columns: minmax(0, 1fr) auto; padding: .25rem 0; }}
  .bars svg {{ grid-column: 1 / -1; height: .7rem; }}
  table.matrix {{ font-size: .85rem; }} table.matrix th[scope="row"] {{ max-width: 32vw; }}
  table.matrix td {{ padding: .1rem .2rem; }}
  table.stacked, .stacked tbody, .stacked caption {{ display: block; }}
  .stacked caption {{ overflow-wrap: anywhere; }}
  .stacked thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
  .stacked tr {{ display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: .35rem 0;
    border-bottom: 1px solid var(--line); }}
  .stacked td {{ display: block; max-width: 100%; min-width: 0; padding: 0 .2rem; border: 0;
    overflow-wrap: anywhere; }}
  .stacked td::before {{ font: .8rem system-ui, sans-serif; color: var(--faint); margin-right: .3em; }}
  .stacked td:is(.good, .doubtful, .bad, .none)::before {{ color: inherit; }}
  .stacked td:empty {{ display: none; }}
  {_LABELS}
}}
[hidden] {{ display: none !important; }}
"""
