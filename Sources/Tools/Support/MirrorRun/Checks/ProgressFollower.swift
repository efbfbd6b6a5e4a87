// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

/// Looks now and then at what rsync appends to the log, for how far it is.
struct ProgressFollower {
    /// The most bytes that are read at a time; older ones are passed over.
    static let pieceBytes: Int64 = 256 << 10

    private let log: RunLog
    private var position: Int64
    private var reader = RsyncOutputReader()

    /// Begins at the end of a log.
    init(_ log: RunLog) {
        self.log = log
        position = log.size
    }

    /// Whether a mirror's rsync says how far it is; what it is told to print is up to the mirror's options.
    static func isWanted(_ mirror: MirrorSettings) -> Bool {
        guard mirror.provider != .command else { return false }
        let options = mirror.rsync.override + mirror.rsync.globalOptions + mirror.rsync.options
        return options.contains { option in
            option == "-P" || option == "--progress" || (option.hasPrefix("--info=") && option.contains("progress"))
        }
    }

    /// The newest progress since the last look; nothing when there is none.
    mutating func look() -> RsyncProgress? {
        let size = log.size
        if size - position > Self.pieceBytes { position = size - Self.pieceBytes }
        guard size > position else { return nil }
        var piece = [UInt8](repeating: 0, count: Int(size - position))
        let count = pread(log.descriptor, &piece, piece.count, off_t(position))
        // What cannot be read now is read, or complained about, when the command has ended.
        guard count > 0 else { return nil }
        position += Int64(count)
        return reader.read(Array(piece[..<count]))
    }
}
