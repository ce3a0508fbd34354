"""Documents (文档): bytes by digest under the home, scanned, levelled, kept for a time, served only by the gate."""
