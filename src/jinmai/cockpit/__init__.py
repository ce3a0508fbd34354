"""The cockpit (驾驶舱): what the desks' work adds up to, by district and month.

It only counts: every figure is a measure over facts, addressed by name, with its definition and the rows behind it.
It knows no desk.
"""
