// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Picks fields out of a header, for HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 section 6.4.5).
public enum HeaderFilter {
    /// Keeps the fields with, or without, certain names.
    ///
    /// Kept fields are as they are stored, folding and line ends included, in their order. The empty line that ends the
    /// header is always kept; a header without one gives a result without one, as section 6.4.5 says. Lines that are no
    /// field have no name: they are kept only when excluding.
    ///
    /// - Parameters:
    ///   - header: the header as it is stored, with the empty line behind it.
    ///   - names: field names in any case.
    ///   - excluding: whether the named fields are left out instead of kept.
    /// - Returns: the kept fields.
    /// - Complexity: O(n) in the header and the names.
    public static func filter(_ header: [UInt8], names: [[UInt8]], excluding: Bool) -> [UInt8] {
        let wanted = Set(names.map { MailASCII.lowercased($0) })
        var output: [UInt8] = []
        var keepsField = false
        var lineStart = 0
        while lineStart < header.count {
            let (textEnd, next) = lineEnd(header, from: lineStart)
            if textEnd == lineStart {
                output.append(contentsOf: header[lineStart..<next])
                break
            }
            if !MailASCII.isBlank(header[lineStart]) {
                keepsField = isNamed(header[lineStart..<textEnd], in: wanted) != excluding
            }
            if keepsField { output.append(contentsOf: header[lineStart..<next]) }
            lineStart = next
        }
        return output
    }

    private static func lineEnd(_ header: [UInt8], from start: Int) -> (textEnd: Int, next: Int) {
        var index = start
        while index < header.count {
            if header[index] == MailASCII.lineFeed { return (index, index + 1) }
            if header[index] == MailASCII.carriageReturn {
                let isPair = index + 1 < header.count && header[index + 1] == MailASCII.lineFeed
                return (index, isPair ? index + 2 : index + 1)
            }
            index += 1
        }
        return (index, index)
    }

    private static func isNamed(_ line: ArraySlice<UInt8>, in wanted: Set<[UInt8]>) -> Bool {
        guard let colon = line.firstIndex(of: MailASCII.colon) else { return false }
        var name = line[..<colon]
        while let last = name.last, MailASCII.isBlank(last) { name.removeLast() }
        return wanted.contains(MailASCII.lowercased(Array(name)))
    }
}
