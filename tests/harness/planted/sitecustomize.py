"""Plants a bug into an agent: run before the program by every Python process that has this folder on its path.

PLANTED_BUG is `<kind> <one in how many> <file that counts>`; the count goes on over processes and restarts, so that
exactly one block in so many is hit. Kinds:
    skipped   the block is neither sent nor named in the commit
    unsent    the block is taken for sent, and is not
    stale     the bytes of the block before are sent in its place, with a checksum that fits
    amnesia   the service is never asked what is staged already (the number says nothing here)
The product knows nothing of this; a torture run that does not report such an agent is no test.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import threading

_TARGET = "migrate_agent.transfer.blob_http"


class _Planter(importlib.abc.MetaPathFinder):
    """Loads the target as it is, and plants the bug into what it has defined."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != _TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        spec.loader = _Planting(spec.name, spec.origin or "")
        return spec


class _Planting(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        _plant(module.BlobClient, *os.environ["PLANTED_BUG"].split(" ", 2))


def _plant(client, kind, one_in, count_file):
    send, commit = client.put_block, client.put_block_list
    last: dict[str, tuple[bytes, tuple, dict]] = {}
    skipped: set[tuple[str, str]] = set()
    lock = threading.Lock()

    def is_hit():
        with lock:
            descriptor = os.open(count_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, b".")
            count = os.fstat(descriptor).st_size
            os.close(descriptor)
        return count % int(one_in) == 0

    def put_block(self, grant, name, block_id, body, *arguments, **options):
        before = last.get(name)
        last[name] = bytes(body), arguments, options
        if not is_hit():
            return send(self, grant, name, block_id, body, *arguments, **options)
        if kind == "stale" and before is not None:
            content, checks, pace = before
            return send(self, grant, name, block_id, content, *checks, **pace)
        skipped.add((name, block_id))
        return None

    def put_block_list(self, grant, name, block_ids, *arguments, **options):
        if kind == "skipped":
            block_ids = [one for one in block_ids if (name, one) not in skipped]
        return commit(self, grant, name, block_ids, *arguments, **options)

    if kind == "amnesia":
        client.staged_blocks = lambda *_: []
        return
    client.put_block, client.put_block_list = put_block, put_block_list


if "PLANTED_BUG" in os.environ:
    sys.meta_path.insert(0, _Planter())
