// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import SyncJobs

/// The name of a log of a run: `<mirror>_YYYY-MM-DD_HH_MM_SS[.n].log`, then `.fail` when the run failed, then `.gz` when it
/// is compressed.
///
/// tunasync's names, which have no seconds, are read too. A name belongs to a mirror only when all of it fits, so logs of
/// `debian-cd` are never taken for logs of `debian`.
package struct LogName: Hashable, Comparable, Sendable {
    /// What stays the same as long as the log exists: `YYYY-MM-DD_HH_MM_SS[.n]`.
    package let id: String
    /// Whether the run failed.
    package var isFailure: Bool
    /// Whether the content is compressed.
    package var isCompressed: Bool

    /// Reads a file's name.
    ///
    /// - Parameters:
    ///   - file: the name, without a folder.
    ///   - mirror: the mirror whose log it may be.
    /// There is none when it is not the name of a log of this mirror.
    package init?(file: String, mirror: JobName) {
        let prefix = mirror.text + "_"
        guard file.utf8.starts(with: prefix.utf8) else { return nil }
        var rest = Substring(file).utf8.dropFirst(prefix.utf8.count)[...]
        isCompressed = Self.drop(".gz", from: &rest)
        isFailure = Self.drop(".fail", from: &rest)
        guard Self.drop(".log", from: &rest), let id = String(rest), Self.isID(id) else { return nil }
        self.id = id
    }

    /// The name of a log.
    ///
    /// - Parameters:
    ///   - id: what the log is called.
    ///   - isFailure: whether the run failed.
    ///   - isCompressed: whether the content is compressed.
    /// There is none when the id is not one; so no id that a stranger sent becomes a path.
    package init?(id: String, isFailure: Bool = false, isCompressed: Bool = false) {
        guard Self.isID(id) else { return nil }
        self.id = id
        self.isFailure = isFailure
        self.isCompressed = isCompressed
    }

    /// The file's name.
    package func file(of mirror: JobName) -> String {
        "\(mirror.text)_\(id).log\(isFailure ? ".fail" : "")\(isCompressed ? ".gz" : "")"
    }

    /// When the run began, in the local time of the host, as seconds since 1970 in UTC.
    package var started: Int64 {
        let digits = id.utf8.split { !(48...57).contains($0) }.compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
        guard digits.count >= 5 else { return 0 }
        var fields = tm()
        fields.tm_year = digits[0] - 1900
        fields.tm_mon = digits[1] - 1
        fields.tm_mday = digits[2]
        fields.tm_hour = digits[3]
        fields.tm_min = digits[4]
        fields.tm_sec = Self.hasSeconds(id) ? digits[5] : 0
        fields.tm_isdst = -1
        return Int64(mktime(&fields))
    }

    /// The id of a log that begins now.
    ///
    /// - Parameters:
    ///   - seconds: seconds since 1970 in UTC.
    ///   - number: 0 for the first log of this second.
    /// - Returns: the id.
    static func id(seconds: Int64, number: Int) -> String {
        var time = time_t(seconds)
        var fields = tm()
        localtime_r(&time, &fields)
        func padded(_ value: Int32, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let date = "\(padded(fields.tm_year + 1900, 4))-\(padded(fields.tm_mon + 1, 2))-\(padded(fields.tm_mday, 2))"
        let clock = "\(padded(fields.tm_hour, 2))_\(padded(fields.tm_min, 2))_\(padded(fields.tm_sec, 2))"
        return "\(date)_\(clock)" + (number == 0 ? "" : ".\(number)")
    }

    /// Older logs come first; those of one second by their number.
    package static func < (left: LogName, right: LogName) -> Bool {
        let (first, second) = (left.parts, right.parts)
        return first.time == second.time ? first.number < second.number : first.time < second.time
    }

    private var parts: (time: Substring, number: Int) {
        guard let dot = id.firstIndex(of: ".") else { return (id[...], 0) }
        return (id[..<dot], Int(id[id.index(after: dot)...]) ?? 0)
    }

    private static func hasSeconds(_ id: String) -> Bool { id.utf8.count >= 19 }

    /// `9999-99-99_99_99[_99[.9…]]`, where 9 is any digit.
    private static func isID(_ text: String) -> Bool {
        let shape = Array("9999-99-99_99_99_99".utf8)
        let bytes = Array(text.utf8)
        let length = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
        guard length == 19 || (length == 16 && bytes.count == 16) else { return false }
        for (byte, wanted) in zip(bytes[..<length], shape) {
            guard wanted == UInt8(ascii: "9") ? (48...57).contains(byte) : byte == wanted else { return false }
        }
        if length == bytes.count { return true }
        let number = bytes[(length + 1)...]
        return (1...6).contains(number.count) && number.first != 48 && number.allSatisfy { (48...57).contains($0) }
    }

    private static func drop(_ suffix: String, from rest: inout Substring.UTF8View.SubSequence) -> Bool {
        guard rest.count >= suffix.utf8.count, rest.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
            return false
        }
        rest = rest.dropLast(suffix.utf8.count)
        return true
    }
}
