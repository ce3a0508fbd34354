"""Write what a release is made of (CycloneDX, JSON): `python requirements/sbom.py [core|all] [FILE]`.

The parts come from the lock with their hashes, so that the list says what was installed and not what happened to lie
about; licences come from the installed parts. No index address gets into the file: a mirror serves the same hashes.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def pinned(lock: str) -> dict[str, str]:
    """Name and version of each part that the lock names."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return {found[1].lower(): found[2] for found in map(PINNED.match, lines) if found}


def licence_of(name: str) -> str:
    """The licence as the installed part states it; empty where it isn't installed or says nothing short."""
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    classes = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    stated = said.get("License-Expression") or "; ".join(classes) or said.get("License") or ""
    return stated if len(stated) < 80 and "\n" not in stated else ""


def bill(lock: str) -> dict[str, Any]:
    """The bill of materials of a lock."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", f"requirements/{lock}.txt",
               "--of", "JSON", "--sv", "1.6", "--output-reproducible", "-o", "-"]  # fmt: skip
    made = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    for part in made["components"]:
        part["bom-ref"] = part["purl"]
        part.pop("description", None)
        part["hashes"] = [one for place in part.pop("externalReferences", ()) for one in place.get("hashes", ())]
        licence = licence_of(part["name"])
        if licence:
            part["licenses"] = [{"license": {"name": licence}}]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    itself = f"pkg:generic/{project['name']}@{project['version']}"
    made["metadata"]["component"] = {
        "type": "application",
        "bom-ref": itself,
        "name": project["name"],
        "version": project["version"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    refs = [part["bom-ref"] for part in made["components"]]
    made["dependencies"] = [{"ref": itself, "dependsOn": refs}, *({"ref": ref} for ref in refs)]
    for tool in made["metadata"].get("tools", {}).get("components", ()):
        tool.pop("externalReferences", None)
    made.pop("$schema", None)
    return made


if __name__ == "__main__":
    lock = sys.argv[1] if len(sys.argv) > 1 else "core"
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "build" / f"sbom-{lock}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = bill(lock)
    path.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"file": path.name, "parts": len(made["components"]), "lock": lock}))
