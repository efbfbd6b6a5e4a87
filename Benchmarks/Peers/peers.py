#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Kuiper contributors
"""Insert unique keys into the map of a CRDT library, when told to: the peers of crdt.peers.

Usage: peers.py pycrdt|loro. It prints "ready VERSION", then for each line "single N" or "bulk N" on its input one line of
five numbers: nanoseconds of wall and of processor time for each insertion (made and encoded), the same for its effect at
a second document, and the bytes of its update. "single" is one transaction and one update for each key, "bulk" one for all. The garbage collector is off.
"""

import gc
import importlib.metadata
import sys
import time


def measured(work):
    gc.collect()
    gc.disable()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    result = work()
    wall, cpu = time.perf_counter_ns() - wall, time.thread_time_ns() - cpu
    gc.enable()
    return result, wall, cpu


class Pycrdt:
    def __init__(self):
        import pycrdt

        self.kit = pycrdt

    def _document(self):
        document = self.kit.Doc()
        return document, document.get("m", type=self.kit.Map)

    def single(self, keys):
        document, entries = self._document()
        updates = []
        subscription = document.observe(lambda event: updates.append(event.update))

        def insert():
            for key in keys:
                entries[key] = 1

        _, wall, cpu = measured(insert)
        document.unobserve(subscription)
        return updates, wall, cpu

    def bulk(self, keys):
        document, entries = self._document()

        def insert():
            with document.transaction():
                for key in keys:
                    entries[key] = 1
            return [document.get_update()]

        return measured(insert)

    def apply(self, updates):
        document, entries = self._document()

        def take():
            for update in updates:
                document.apply_update(update)

        _, wall, cpu = measured(take)
        return len(entries), wall, cpu


class Loro:
    def __init__(self):
        import loro

        self.kit = loro

    def single(self, keys):
        document = self.kit.LoroDoc()
        entries = document.get_map("m")
        updates = []
        # Its answer says whether it wants to hear of the next update.
        subscription = document.subscribe_local_update(lambda update: updates.append(bytes(update)) or True)

        def insert():
            for key in keys:
                entries.insert(key, 1)
                document.commit()

        _, wall, cpu = measured(insert)
        del subscription
        return updates, wall, cpu

    def bulk(self, keys):
        document = self.kit.LoroDoc()
        entries = document.get_map("m")

        def insert():
            for key in keys:
                entries.insert(key, 1)
            document.commit()
            return [document.export(self.kit.ExportMode.Updates(self.kit.VersionVector()))]

        return measured(insert)

    def apply(self, updates):
        document = self.kit.LoroDoc()

        def take():
            for update in updates:
                document.import_(update)

        _, wall, cpu = measured(take)
        return len(document.get_map("m").keys()), wall, cpu


def main():
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in ("pycrdt", "loro"):
        print(__doc__, file=sys.stderr)
        return 64
    library = Pycrdt() if name == "pycrdt" else Loro()
    print(f"ready {importlib.metadata.version(name)}", flush=True)
    for line in sys.stdin:
        mode, count = line.split()
        keys = [f"{number:016x}" for number in range(int(count))]
        updates, wall, cpu = getattr(library, mode)(keys)
        found, apply_wall, apply_cpu = library.apply(updates)
        if found != len(keys):
            print(f"{found} keys of {len(keys)} arrived", file=sys.stderr)
            return 1
        size = sum(len(update) for update in updates)
        print(*(number / len(keys) for number in (wall, cpu, apply_wall, apply_cpu, size)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
