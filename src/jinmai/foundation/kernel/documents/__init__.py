"""Documents (文档): bytes by digest under the home, scanned, levelled, kept for a time, served only by the gate.

A desk says once who sees the papers of its noun (``viewers.register``), hands files in with ``actions.store_document``
and hangs them on a row with ``actions.attach``; pages show them with ``{% attachments row %}``.
"""
