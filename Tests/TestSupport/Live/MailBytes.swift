// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bytes of a message; their description is short, and so are the messages of failures.
package struct MailBytes: Hashable, CustomStringConvertible, CustomReflectable {
    /// The bytes.
    package let bytes: [UInt8]

    /// Takes the bytes of a message.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var description: String {
        "\(bytes.count) bytes, \(String(decoding: bytes.prefix(40), as: UTF8.self).debugDescription)"
    }

    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The text, for looking for words in it.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The message with the line ends of a local file.
    package var withLocalLineEnds: MailBytes {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() where !(byte == 13 && index + 1 < bytes.count && bytes[index + 1] == 10)
        {
            result.append(byte)
        }
        return MailBytes(result)
    }

    /// The message without the two changes that mbsync makes on the way: line ends, and a header field `X-TUID` by which
    /// it would find its copy if it was interrupted.
    package var asBeforeMbsync: MailBytes {
        let bytes = withLocalLineEnds.bytes
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        let headerCount = lines.firstIndex(of: []) ?? lines.count
        let marker = Array("X-TUID: ".utf8)
        guard let index = lines[..<headerCount].firstIndex(where: { $0.starts(with: marker) }) else {
            return MailBytes(bytes)
        }
        let line = lines[index]
        return MailBytes(Array(bytes[..<line.startIndex] + bytes[(line.endIndex + 1)...]))
    }
}
