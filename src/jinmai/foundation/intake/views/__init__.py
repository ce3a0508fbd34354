"""Pages of intake: receipts, and the way a file takes to one."""
