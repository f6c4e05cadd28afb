"""The list of what a release is made of: CycloneDX 1.5 as JSON."""

import datetime
import json
import pathlib
import tomllib
import uuid


def crates_of(lock_file):
    """The crates.io packages of a Cargo.lock."""
    lock = tomllib.loads(pathlib.Path(lock_file).read_text(encoding="utf-8"))
    return [package for package in lock["package"] if "source" in package]


def crate_component(crate):
    purl = f"pkg:cargo/{crate['name']}@{crate['version']}"
    component = {"type": "library", "bom-ref": purl, "name": crate["name"],
                 "version": crate["version"], "purl": purl}
    if "checksum" in crate:
        component["hashes"] = [{"alg": "SHA-256", "content": crate["checksum"]}]
    return component


def package_component(package, scope):
    return {"type": "library", "bom-ref": package.purl, "name": package.name,
            "version": package.version, "purl": package.purl,
            "properties": [{"name": "nimbus:linkage", "value": scope}]}


def document(*, version, commit, platform, epoch, crates, bundled, compiled_in, system):
    """`bundled`, `compiled_in` and `system` are Debian packages."""
    reference = f"pkg:generic/wash@{version}?platform={platform}"
    time = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    components = [crate_component(crate) for crate in crates]
    for scope, packages in (("bundled", bundled), ("compiled-in", compiled_in),
                            ("system", system)):
        components += [package_component(package, scope) for package in sorted(set(packages))]
    components.sort(key=lambda component: component["bom-ref"])
    unique = {component["bom-ref"]: component for component in components}
    return json.dumps({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, reference + commit)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": reference, "name": "wash",
                          "version": version, "purl": reference,
                          "properties": [{"name": "nimbus:commit", "value": commit}]},
        },
        "components": list(unique.values()),
        "dependencies": [{"ref": reference, "dependsOn": list(unique)}],
    }, indent=1).encode() + b"\n"
