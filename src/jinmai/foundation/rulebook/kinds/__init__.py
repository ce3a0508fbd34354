"""The kinds of rules (规则种类): what a value of each may look like, and how it is read."""
