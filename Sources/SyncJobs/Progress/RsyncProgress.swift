// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How far rsync has come, as `--info=progress2` or `--progress` tells it.
public struct RsyncProgress: Hashable, Sendable {
    /// Bytes that are done: of the whole transfer with `--info=progress2`, of one file with `--progress`.
    public var bytes: Int64
    /// How much of the size is done, from 0 to 100.
    public var percent: Int
    /// How fast it was of late, when it is told.
    public var bytesPerSecond: Int64?
    /// How long it may take; nothing when it is not known, or when all is done.
    public var remainingSeconds: Int64?
    /// How many files were transferred.
    public var files: Int64?
    /// How many files are still to be looked at.
    public var filesToCheck: Int64?
    /// How many files there are, as far as is known.
    public var totalFiles: Int64?
    /// Whether the list of files is still growing, so that ``totalFiles`` and ``percent`` are too good.
    public var isListing: Bool

    /// Creates a progress.
    ///
    /// - Parameters:
    ///   - bytes: bytes that are done.
    ///   - percent: how much is done.
    ///   - bytesPerSecond: how fast it was.
    ///   - remainingSeconds: how long it may take.
    ///   - files: how many files were transferred.
    ///   - filesToCheck: how many are still to be looked at.
    ///   - totalFiles: how many there are.
    ///   - isListing: whether the list is still growing.
    public init(
        bytes: Int64, percent: Int, bytesPerSecond: Int64? = nil, remainingSeconds: Int64? = nil, files: Int64? = nil,
        filesToCheck: Int64? = nil, totalFiles: Int64? = nil, isListing: Bool = false
    ) {
        self.bytes = bytes
        self.percent = percent
        self.bytesPerSecond = bytesPerSecond
        self.remainingSeconds = remainingSeconds
        self.files = files
        self.filesToCheck = filesToCheck
        self.totalFiles = totalFiles
        self.isListing = isListing
    }

    /// How many bytes there are in all, as far as the percentage tells; nothing before the first percent.
    public var estimatedTotalBytes: Int64? {
        guard percent > 0 else { return nil }
        return Int64(exactly: Int128(bytes) * 100 / Int128(percent))
    }

    /// Reads a line.
    ///
    ///     line  = *BLANK size 1*BLANK 1*3DIGIT "%" [1*BLANK rate 1*BLANK time [1*BLANK files]] *BLANK
    ///     rate  = number ("B" / "kB" / "MB" / "GB") "/s"
    ///     time  = 1*DIGIT ":" 2DIGIT ":" 2DIGIT / "??:??:??"
    ///     files = "(" ("xfr#" / "xfer#") 1*DIGIT "," 1*BLANK ("to-chk=" / "ir-chk=" / "to-check=" / "ir-check=") 1*DIGIT "/" 1*DIGIT ")"
    ///
    /// - Parameter line: the line, without its end.
    /// - Returns: nothing when it is another line.
    public static func parse(_ line: some StringProtocol) -> RsyncProgress? { parse(utf8: Array(line.utf8)) }

    static func parse(utf8 line: some BidirectionalCollection<UInt8>) -> RsyncProgress? {
        let words = line.split { isBlank($0) }
        guard words.count >= 2, words.count <= 6, words[1].last == UInt8(ascii: "%"),
            let bytes = SizeText.bytes(utf8: words[0]), let percent = number(words[1].dropLast()), percent <= 100
        else { return nil }
        var progress = RsyncProgress(bytes: bytes, percent: Int(percent))
        guard words.count >= 4 else { return words.count == 2 ? progress : nil }
        guard let rate = rate(words[2]), let seconds = seconds(words[3]) else { return nil }
        progress.bytesPerSecond = rate
        if percent < 100, seconds >= 0 { progress.remainingSeconds = seconds }
        guard words.count > 4 else { return progress }
        guard words.count == 6, words[4].last == UInt8(ascii: ","),
            let equals = words[5].firstIndex(of: UInt8(ascii: "=")),
            let slash = words[5].firstIndex(of: UInt8(ascii: "/")), equals < slash,
            let hash = words[4].firstIndex(of: UInt8(ascii: "#"))
        else { return nil }
        progress.files = number(words[4][hash...].dropFirst().dropLast())
        progress.filesToCheck = number(words[5][equals..<slash].dropFirst())
        progress.totalFiles = number(words[5][slash...].dropFirst().dropLast())
        progress.isListing = words[5].starts(with: "ir-".utf8)
        guard progress.files != nil, progress.filesToCheck != nil, progress.totalFiles != nil,
            ["(xfr#", "(xfer#"].contains(where: { words[4].starts(with: $0.utf8) }),
            ["to-chk=", "ir-chk=", "to-check=", "ir-check="].contains(where: { words[5].starts(with: $0.utf8) })
        else { return nil }
        return progress
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        let digits = digits.filter { $0 != UInt8(ascii: ",") }
        guard (1...18).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// Bytes per second; rsync's kB, MB and GB are powers of 1024.
    private static func rate(_ word: some Collection<UInt8>) -> Int64? {
        let text = String(decoding: word, as: UTF8.self)
        guard text.hasSuffix("B/s") else { return nil }
        let size = text.dropLast(3)
        guard let last = size.last, "kMGT".contains(last) else { return SizeText.bytes(size) }
        return SizeText.bytes(size + "i")
    }

    /// Seconds; -1 when rsync does not know them.
    private static func seconds(_ word: some Collection<UInt8>) -> Int64? {
        let parts = word.split(separator: UInt8(ascii: ":"))
        guard parts.count == 3 else { return nil }
        if parts.allSatisfy({ $0.elementsEqual("??".utf8) }) { return -1 }
        let numbers = parts.compactMap { number($0) }
        guard numbers.count == 3, numbers[0] < 1_000_000_000, numbers[1] < 60, numbers[2] < 60 else { return nil }
        return numbers[0] * 3_600 + numbers[1] * 60 + numbers[2]
    }
}
