"""The image's manifest: what it was made from, and what came out."""

import json

from . import files


def build(packages, outputs):
    """`packages` as in packages.json; the outputs' sizes and digests are read from the files."""
    return {
        "packages": [
            {
                "name": package["name"],
                "version": package["version"],
                "architecture": package["architecture"],
                "file": package["file"],
                "sha256": package["sha256"],
                "state": "locked" if package["locked"] else "drifted",
            }
            for package in packages
        ],
        "outputs": [
            {"file": path.name, "size": path.stat().st_size, "sha256": files.sha256(path)} for path in sorted(outputs)
        ],
    }


def render(manifest):
    return json.dumps(manifest, indent=1) + "\n"
