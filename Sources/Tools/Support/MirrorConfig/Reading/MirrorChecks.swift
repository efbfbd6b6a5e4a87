// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// Checks mirrors against each other.
struct MirrorChecks {
    let mirrors: [ReadMirror]
    let report: ConfigReport

    /// Tells of names that are there twice, and of directories that mirrors share.
    func run() {
        checkNames()
        checkDirectories()
    }

    private func checkNames() {
        var seen: [JobName: ConfigPlace] = [:]
        for mirror in mirrors {
            let place = mirror.origins["name"]?.first ?? mirror.place
            if let earlier = seen[mirror.settings.name] {
                report.add(
                    .error, at: place,
                    "mirror \(mirror.settings.name): this name is taken already at \(earlier); give each mirror its own"
                )
            } else {
                seen[mirror.settings.name] = place
            }
        }
    }

    /// Complexity: O(n log n) in the number of mirrors, times the depth of the directories.
    private func checkDirectories() {
        var owners: [String: ReadMirror] = [:]
        for mirror in mirrors {
            let directory = mirror.settings.directory
            if let other = owners[directory] {
                report.add(
                    .warning, at: place(of: mirror),
                    "mirror \(mirror.settings.name): its directory \(directory) is that of mirror \(other.settings.name) "
                        + "too (\(place(of: other))); each would delete what the other brings")
            } else {
                owners[directory] = mirror
            }
        }
        for mirror in mirrors {
            var path = Substring(mirror.settings.directory)
            while let slash = path.lastIndex(of: "/"), slash > path.startIndex {
                path = path[..<slash]
                guard let outer = owners[String(path)] else { continue }
                tellNested(mirror, in: outer)
                break
            }
        }
    }

    private func tellNested(_ inner: ReadMirror, in outer: ReadMirror) {
        let isAtomic = outer.settings.publication == .atomic
        report.add(
            isAtomic ? .error : .warning, at: place(of: inner),
            "mirror \(inner.settings.name): its directory \(inner.settings.directory) is inside that of mirror "
                + "\(outer.settings.name) (\(place(of: outer))), "
                + (isAtomic
                    ? "which is replaced as a whole (publish = \"atomic\"); move one of them"
                    : "whose runs may delete it; move one of them or exclude it there"))
    }

    private func place(of mirror: ReadMirror) -> ConfigPlace {
        mirror.origins["mirror_dir"]?.last ?? mirror.place
    }

    /// Adds what mirrors say with `upstream_limit`; the lowest counts.
    func collectUpstreamLimits(into limits: inout [String: Int]) {
        var own: [String: Located<Int>] = [:]
        for mirror in mirrors {
            guard let limit = mirror.upstreamLimit else { continue }
            let upstream = mirror.settings.job.upstream
            guard !upstream.isEmpty else {
                report.add(
                    .warning, at: limit.place,
                    "mirror \(mirror.settings.name): upstream_limit has no effect, because its upstream names no host; "
                        + "write upstream_group too")
                continue
            }
            if let other = own[upstream], other.value != limit.value {
                report.add(
                    .warning, at: limit.place,
                    "upstream_limit of \(upstream) is \(limit.value) here and \(other.value) at \(other.place); the lower "
                        + "one counts")
                if other.value < limit.value { continue }
            }
            own[upstream] = limit
        }
        for (upstream, limit) in own { limits[upstream] = min(limits[upstream] ?? limit.value, limit.value) }
    }
}
