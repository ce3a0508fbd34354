"""A backup and its restore of a large home: one JSON line. The goal is a million rows restored within ten minutes.

    python benchmarks/backup.py [--rows 1000000] [--database postgresql://… --restored postgresql://…]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


def measure(rows: int = 1_000_000, database: str = "", restored: str = "") -> dict[str, Any]:
    """Fill a home with chained audit entries, back it up, restore it elsewhere, and say what differed."""
    from audit import fill

    from jinmai.foundation.kernel.home import boot

    if database:
        os.environ["JINMAI_DATABASE"] = database
    with tempfile.TemporaryDirectory(prefix="jinmai-bench-") as folder:
        place = Path(folder)
        home = boot(place / "home")
        from django.db import connection

        from jinmai.site.backup import archive, sealing

        fill(rows)
        connection.close()
        public = sealing.new_key(place / "key.txt")
        taken = archive.backup(home, place / "home.backup", public)
        checked = archive.verify(place / "home.backup", place / "key.txt")
        back = archive.restore(place / "home.backup", place / "key.txt", place / "restored", restored)
        return {
            "benchmark": "backup",
            "engine": taken["engine"],
            "rows": back["rows"],
            "bytes": taken["bytes"],
            "backup_seconds": taken["seconds"],
            "verify_seconds": checked["seconds"],
            "restore_seconds": back["seconds"],
            "equal": back["equal"],
        }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--database", default="", help="an empty PostgreSQL database to fill")
    options.add_argument("--restored", default="", help="an empty PostgreSQL database to restore into")
    given = options.parse_args()
    print(json.dumps(measure(given.rows, given.database, given.restored)))
