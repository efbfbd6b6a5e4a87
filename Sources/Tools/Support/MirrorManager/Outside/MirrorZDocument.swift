// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import SyncJobs

/// What a site tells MirrorZ of itself and its mirrors, in the format 1.7 of mirrorz.org.
struct MirrorZDocument {
    let site: MirrorZSettings
    let mirrors: [MirrorStatus]

    /// Describes a site.
    ///
    /// - Parameters:
    ///   - site: the site's part.
    ///   - statuses: all mirrors; those that are disabled are left out, and of several copies the best one counts: the master,
    ///     then the one that succeeded last.
    init(site: MirrorZSettings, statuses: [MirrorStatus]) {
        self.site = site
        var best: [String: MirrorStatus] = [:]
        for status in statuses where status.status != .disabled {
            guard let known = best[status.name] else {
                best[status.name] = status
                continue
            }
            let isBetter =
                status.isMaster == known.isMaster ? known.lastUpdate.isBefore(status.lastUpdate) : status.isMaster
            if isBetter { best[status.name] = status }
        }
        mirrors = best.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The document.
    var json: [UInt8] {
        var writer = JSONWriter(capacity: 512 + mirrors.count * 160)
        writer.object { writer in
            writer.name("version")
            writer.literal("1.7")
            writer.name("site")
            writeSite(to: &writer)
            writer.name("info")
            writer.array { _ in }
            writer.name("mirrors")
            writer.array { writer in for mirror in mirrors { Self.write(mirror, to: &writer) } }
        }
        return writer.finish()
    }

    private func writeSite(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("url")
            writer.string(site.url)
            writer.name("abbr")
            writer.string(site.abbreviation)
            writer.name("name")
            writer.string(site.name)
            let optional = [
                ("homepage", site.homepage), ("issue", site.issue), ("request", site.request), ("email", site.email),
                ("group", site.group), ("disk", site.disk), ("note", site.note), ("big", site.big),
            ]
            for case (let name, let value?) in optional {
                writer.name(name)
                writer.string(value)
            }
        }
    }

    private static func write(_ mirror: MirrorStatus, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("cname")
            writer.string(mirror.name)
            writer.name("desc")
            writer.string("")
            writer.name("url")
            writer.string("/" + PercentCoding.encode(mirror.name))
            writer.name("status")
            writer.string(status(of: mirror))
            writer.name("help")
            writer.string("")
            writer.name("upstream")
            writer.string(mirror.upstream)
            writer.name("size")
            writer.string(MirrorStatus.isKnown(size: mirror.size) ? mirror.size : "")
        }
    }

    /// A letter for the state with the time that goes with it, then the next due time and the last success.
    static func status(of mirror: MirrorStatus) -> String {
        var text: String
        var tellsSuccess = true
        switch mirror.status {
        case .success:
            text = "S" + seconds(mirror.lastUpdate)
            tellsSuccess = false
        case .syncing, .preSyncing: text = "Y" + seconds(mirror.lastStarted)
        case .failed: text = "F" + seconds(mirror.lastEnded)
        case .paused: text = "P" + seconds(mirror.lastEnded)
        case .none, .disabled: text = "U"
        }
        if !mirror.nextSchedule.isNever { text += "X" + seconds(mirror.nextSchedule) }
        if tellsSuccess, !mirror.lastUpdate.isNever { text += "O" + seconds(mirror.lastUpdate) }
        return text
    }

    private static func seconds(_ time: WireTime) -> String { time.seconds > 0 ? String(time.seconds) : "" }
}

extension ManagerService {
    /// `GET /mirrorz.json`; pages of MirrorZ, which come from elsewhere, may read it.
    func mirrorZDocument() throws(Refusal) -> Response {
        guard let site else { throw .unknown("the manager's configuration has no section about the site") }
        let statuses = core.read { $0.mirrors.values.map(\.record.status) }
        var response = Response.json(MirrorZDocument(site: site, statuses: statuses).json)
        response.headers[.accessControlAllowOrigin] = "*"
        return response
    }
}
