// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What `--stats` tells at the end of a transfer; what a line did not tell is nothing.
public struct RsyncStatistics: Hashable, Sendable {
    /// All files, folders and links of the source.
    public var files: Int64?
    /// The regular files among them.
    public var regularFiles: Int64?
    /// How many were created.
    public var createdFiles: Int64?
    /// How many were deleted.
    public var deletedFiles: Int64?
    /// How many regular files were transferred.
    public var transferredFiles: Int64?
    /// The size of all files in bytes; what a unit rounded is as it was rounded.
    public var totalBytes: Int64?
    /// The size of all files in the words of rsync where they have a unit ("46.50M"), else as ``SizeText/text(bytes:)`` writes it.
    public var sizeText: String?
    /// The size of the transferred files in bytes.
    public var transferredBytes: Int64?
    /// Bytes that came as they are.
    public var literalBytes: Int64?
    /// Bytes that were there already.
    public var matchedBytes: Int64?
    /// Bytes that went over the network, out.
    public var sentBytes: Int64?
    /// Bytes that went over the network, in.
    public var receivedBytes: Int64?

    /// Creates statistics that know nothing.
    public init() {}

    /// Takes note of a line.
    ///
    /// - Parameter line: the line, without its end.
    /// - Returns: whether it is one of `--stats`.
    @discardableResult
    public mutating func read(_ line: some StringProtocol) -> Bool {
        guard let colon = line.firstIndex(of: ":") else { return false }
        let value = line[colon...].dropFirst().drop { $0 == " " }
        let first = value.prefix { $0 != " " }
        switch line[..<colon] {
        case "Number of files":
            files = SizeText.bytes(first)
            regularFiles = Self.regular(value) ?? files
        case "Number of created files": createdFiles = SizeText.bytes(first)
        case "Number of deleted files": deletedFiles = SizeText.bytes(first)
        case "Number of regular files transferred", "Number of files transferred":
            transferredFiles = SizeText.bytes(first)
        case "Total file size":
            guard let bytes = SizeText.bytes(first) else { return false }
            totalBytes = bytes
            sizeText = first.last.map { $0.isLetter } ?? false ? String(first) : SizeText.text(bytes: bytes)
        case "Total transferred file size": transferredBytes = SizeText.bytes(first)
        case "Literal data": literalBytes = SizeText.bytes(first)
        case "Matched data": matchedBytes = SizeText.bytes(first)
        case "Total bytes sent": sentBytes = SizeText.bytes(first)
        case "Total bytes received": receivedBytes = SizeText.bytes(first)
        default: return false
        }
        return true
    }

    /// The number after `reg:` in "31 (reg: 30, dir: 1)"; nothing when there are no parentheses, 0 when there are no regular files.
    private static func regular(_ value: some StringProtocol) -> Int64? {
        guard let open = value.firstIndex(of: "(") else { return nil }
        let parts = value[open...].dropFirst().split(separator: " ")
        guard let label = parts.firstIndex(of: "reg:"), label + 1 < parts.count else { return 0 }
        var number = parts[label + 1]
        while let last = number.last, last == "," || last == ")" { number.removeLast() }
        return SizeText.bytes(number)
    }
}
