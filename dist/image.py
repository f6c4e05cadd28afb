"""A container image as an OCI image layout in a tar file (OCI image specification 1.1), made
without a container engine. The image holds the program, its libraries and the certificates of the
public authorities, and no shell."""

import datetime
import hashlib
import json

import archive

USER = 65532  # nobody's: not root, and no user of the host
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def root_file_system(release_files, libraries, certificates):
    """`release_files`: {name below /usr: (bytes, mode)}; `libraries`: {path: bytes}."""
    entries = [archive.Entry(f"usr/{name}", data=data, mode=mode)
               for name, (data, mode) in release_files.items()]
    entries += [archive.Entry(path.lstrip("/"), data=data, mode=0o755)
                for path, data in libraries.items()]
    entries += [
        archive.Entry(CERTIFICATES.lstrip("/"), data=certificates),
        archive.Entry("etc/passwd", data=f"wash:x:{USER}:{USER}::/home/wash:/\n".encode()),
        archive.Entry("etc/group", data=f"wash:x:{USER}:\n".encode()),
        archive.folder("home/wash", 0o700, USER),
        archive.folder("tmp", 0o1777),
    ]
    return archive.with_folders(entries)


def layout(entries, *, version, commit, architecture, epoch):
    """The tar file; `skopeo copy oci-archive:FILE docker://…` publishes it."""
    time = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    layer = archive.tar(entries, epoch)
    packed = archive.compress(layer)
    labels = {"org.opencontainers.image.title": "wash",
              "org.opencontainers.image.version": version,
              "org.opencontainers.image.revision": commit}
    config = encoded({
        "created": created, "architecture": architecture, "os": "linux",
        "config": {"User": f"{USER}:{USER}", "Entrypoint": ["/usr/bin/wash"],
                   "WorkingDir": "/home/wash", "Labels": labels,
                   "Env": ["PATH=/usr/bin", "HOME=/home/wash",
                           f"SSL_CERT_FILE={CERTIFICATES}"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        "history": [{"created": created, "created_by": f"wash {version}"}],
    })
    manifest = encoded({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described("application/vnd.oci.image.config.v1+json", config),
        "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", packed)],
        "annotations": {"org.opencontainers.image.created": created, **labels},
    })
    entry = described("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["platform"] = {"architecture": architecture, "os": "linux"}
    entry["annotations"] = {"org.opencontainers.image.ref.name": version}
    index = encoded({"schemaVersion": 2, "manifests": [entry],
                     "mediaType": "application/vnd.oci.image.index.v1+json"})
    files = [archive.Entry("oci-layout", data=encoded({"imageLayoutVersion": "1.0.0"})),
             archive.Entry("index.json", data=index)]
    files += [archive.Entry("blobs/sha256/" + digest_of(blob).removeprefix("sha256:"), data=blob)
              for blob in (packed, config, manifest)]
    return archive.tar(archive.with_folders(files), epoch)


def described(media_type, data):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
