"""Triggers, on both engines, that refuse to change or delete an audit entry.

They stop the plain ways and mistakes. Who owns the table can take them off; then ``verify_chains`` finds what was done.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "kernel_auditentry"

SQLITE = [
    f"""CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END""",
    # INSERT OR REPLACE deletes the row in its way without asking the trigger above
    f"""CREATE TRIGGER IF NOT EXISTS audit_no_replace BEFORE INSERT ON {TABLE}
        WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)
          OR EXISTS (SELECT 1 FROM {TABLE} WHERE chain = NEW.chain AND seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END""",
]
POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION jinmai_append_only() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$""",
    f"DROP TRIGGER IF EXISTS audit_append_only ON {TABLE}",
    f"""CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION jinmai_append_only()""",
    f"DROP TRIGGER IF EXISTS audit_no_truncate ON {TABLE}",
    f"""CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION jinmai_append_only()""",
]
NAMES = {
    "sqlite": ("audit_no_update", "audit_no_delete", "audit_no_replace"),
    "postgresql": ("audit_append_only", "audit_no_truncate"),
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers on the audit's table."""
    with connection.cursor() as cursor:
        for statement in SQLITE if connection.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers off: only the migration's reverse and the tests that tamper do this."""
    suffix = "" if connection.vendor == "sqlite" else f" ON {TABLE}"
    with connection.cursor() as cursor:
        for name in NAMES[connection.vendor]:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")
