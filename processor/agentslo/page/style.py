"""The page's only style, and the policy that lets a browser use nothing else.

In: nothing. Out: text. No state. The style is allowed by its hash; there is no script, no image, no
font, no form and no other origin.
"""

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#b3261e;--good:#1b7a3d;--warn:#8a5a00;
--dim:#636363;--mark:#8882}
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--good:#7bd99a;--warn:#f2c14e;--dim:#a8a8a8}}
body{font:15px/1.45 system-ui,sans-serif;max-width:80rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--dim);padding:.2rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}thead th{white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.n,.k{white-space:nowrap}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}.warn{color:var(--warn);font-weight:600}
.dim{color:var(--dim)}.wide{overflow-x:auto}.id{display:inline-block;max-width:7rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom;user-select:all}
code,pre{font:13px ui-monospace,monospace}pre{background:var(--mark);padding:.7rem;overflow-x:auto}
nav a{margin-right:.8rem}nav a[aria-current]{font-weight:700;text-decoration:none}
a:focus-visible,summary:focus-visible{outline:3px solid var(--good);outline-offset:2px}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin:.8rem 0;padding:0;list-style:none}
.tiles li{border:1px solid var(--line);border-radius:.4rem;padding:.5rem .9rem;min-width:9rem}
.tiles b{display:block;font-size:1.5rem}meter{width:7rem;vertical-align:middle}
svg{max-width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}
.axis{stroke:var(--line)}.limit{stroke:var(--bad);stroke-dasharray:6 4}
.curve{fill:none;stroke:var(--good);stroke-width:2}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
