// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads what rsync writes, as it comes: its progress, its statistics, and its complaints.
public struct RsyncOutputReader: Sendable {
    /// The most bytes of a line that are looked at; what follows in that line is passed over.
    public static let maximumLineBytes = 4_096
    /// How many complaints are kept: the first half and the last half of them.
    public static let maximumComplaints = 8

    /// The newest progress.
    public private(set) var progress: RsyncProgress?
    /// What `--stats` told so far.
    public private(set) var statistics = RsyncStatistics()
    /// What rsync complained about, in its words (lines that begin with `rsync:`, `rsync error:`, `@ERROR` or `ERROR:`), the first and the last of them.
    public private(set) var complaints: [String] = []

    private var line: [UInt8] = []

    /// Creates a reader that has read nothing.
    public init() {}

    /// Reads bytes; a line may be cut anywhere.
    ///
    /// - Parameter bytes: what rsync wrote next.
    /// - Returns: the newest progress in these bytes; nothing when there is none.
    /// - Complexity: O(n) for n bytes.
    public mutating func read(_ bytes: [UInt8]) -> RsyncProgress? { read(bytes.span) }

    /// Reads bytes; a line may be cut anywhere.
    ///
    /// - Parameter bytes: what rsync wrote next.
    /// - Returns: the newest progress in these bytes; nothing when there is none.
    /// - Complexity: O(n) for n bytes.
    public mutating func read(_ bytes: Span<UInt8>) -> RsyncProgress? {
        var newest: RsyncProgress?
        for position in bytes.indices {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                newest = endLine() ?? newest
            } else if line.count < Self.maximumLineBytes {
                line.append(byte)
            }
        }
        return newest
    }

    /// Reads what is left: the last line, when it had no end.
    ///
    /// - Returns: the progress in it; nothing when there is none.
    public mutating func finish() -> RsyncProgress? { endLine() }

    private mutating func endLine() -> RsyncProgress? {
        defer { line.removeAll(keepingCapacity: true) }
        guard let first = line.first(where: { !isBlank($0) }) else { return nil }
        if isDigit(first) {
            guard let read = RsyncProgress.parse(utf8: line) else { return nil }
            progress = read
            return read
        }
        switch first {
        case UInt8(ascii: "N"), UInt8(ascii: "T"), UInt8(ascii: "L"), UInt8(ascii: "M"):
            statistics.read(String(decoding: line, as: UTF8.self))
        case UInt8(ascii: "r"), UInt8(ascii: "@"), UInt8(ascii: "E"):
            if ["rsync:", "rsync error:", "@ERROR", "ERROR:"].contains(where: { line.starts(with: $0.utf8) }) {
                complain(String(decoding: line, as: UTF8.self))
            }
        default:
            break
        }
        return nil
    }

    private mutating func complain(_ text: String) {
        if complaints.count == Self.maximumComplaints { complaints.remove(at: Self.maximumComplaints / 2) }
        complaints.append(text)
    }
}
