// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport
internal import SyncJobs

/// The machine's time zones, each read once.
final class ZoneCache {
    /// Why there is no such zone.
    struct Failure: Error, Equatable {
        let message: String
    }

    /// Where the zones are: the folder of the time zone database.
    static let standardFolder = "/usr/share/zoneinfo"
    /// The machine's own zone, mostly a link into that folder.
    static let standardOwn = "/etc/localtime"
    /// The most bytes of one zone.
    static let maximumBytes = 1 << 20

    private let folder: String
    private let own: String
    private var zones: [String: Result<TimeZoneRules, Failure>] = [:]

    init(folder: String = standardFolder, own: String = standardOwn) {
        self.folder = folder
        self.own = own
    }

    /// The zone of that name, such as `Europe/Berlin`.
    func zone(named name: String) throws(Failure) -> TimeZoneRules {
        if name == TimeZoneRules.utc.name { return .utc }
        let result = zones[name] ?? load(name)
        zones[name] = result
        return try result.get()
    }

    /// The machine's own zone; UTC when it has none.
    private(set) lazy var ofMachine: TimeZoneRules = {
        guard let bytes = try? BoundedFile.read(path: own, limit: Self.maximumBytes) else {
            // Without the file the C library takes UTC too.
            return .utc
        }
        // A damaged file is the same as none to the C library.
        return (try? TimeZoneRules(name: ownName, tzif: bytes)) ?? .utc
    }()

    private var ownName: String {
        guard let target = realpath(own, nil) else { return "local" }
        defer { free(target) }
        let path = String(cString: target)
        return path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : "local"
    }

    private func load(_ name: String) -> Result<TimeZoneRules, Failure> {
        let shown = Shown.short(name)
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            part.first.map { $0.isASCII && $0.isLetter } == true
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"):
                        true
                    default: false
                    }
                }
        }
        guard isName else {
            return .failure(Failure(message: "\"\(shown)\" is no name of a zone; write one like \"Europe/Berlin\""))
        }
        do {
            let bytes = try BoundedFile.read(path: folder + "/" + name, limit: Self.maximumBytes)
            return .success(try TimeZoneRules(name: name, tzif: bytes))
        } catch let error as JobError {
            return .failure(Failure(message: Shown.line(error.message)))
        } catch {
            return .failure(
                Failure(
                    message: "there is no zone \"\(shown)\" in \(folder); write one like \"Europe/Berlin\", or install "
                        + "tzdata"))
        }
    }
}
