"""Archives whose bytes depend on their content alone: sorted, owned by root, one time for all."""

import gzip
import io
import tarfile


class Entry:
    """One file, folder or symbolic link of an archive."""

    def __init__(self, name, *, data=None, mode=0o644, link=None, owner=0):
        self.name = name  # relative, without "./" and a slash at the end
        self.data = data  # None: a folder, unless there is a link
        self.mode = mode
        self.link = link
        self.owner = owner

    def info(self, epoch):
        info = tarfile.TarInfo(self.name)
        info.mtime = epoch
        info.mode = self.mode
        info.uid = info.gid = self.owner
        if self.link is not None:
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, self.link, 0o777
        elif self.data is None:
            info.type = tarfile.DIRTYPE
        else:
            info.size = len(self.data)
        return info


def folder(name, mode=0o755, owner=0):
    return Entry(name, mode=mode, owner=owner)


def with_folders(entries):
    """The entries, and a folder for each that one of them lies in, sorted by name."""
    found = {entry.name: entry for entry in entries}
    for entry in entries:
        parts = entry.name.split("/")[:-1]
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[:length])
            found.setdefault(name, folder(name))
    return [found[name] for name in sorted(found)]


def tar(entries, epoch):
    """A POSIX ustar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry in entries:
            archive.addfile(entry.info(epoch), io.BytesIO(entry.data or b""))
    return buffer.getvalue()


def compress(data):
    """gzip without a name and a time."""
    return gzip.compress(data, compresslevel=9, mtime=0)
