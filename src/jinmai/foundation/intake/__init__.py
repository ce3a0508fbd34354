"""Intake (数据接入): files that departments and firms hand over become facts. A source says in YAML which columns a file
has, how they read, and which table they land in; a row that doesn't fit is named with row, column, value and reason;
nothing is counted twice; an import can be undone."""
