// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
internal import HTTPTypes

/// Tags of documents (RFC 9110 section 8.8.3).
enum EntityTag {
    /// The tag of bytes that do not change while the process lives.
    static func of(_ bytes: [UInt8]) -> String {
        let digest = SHA256.hash(data: bytes).prefix(12)
        return "\"" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\""
    }

    /// Whether a client has what a tag stands for; tags are compared weakly.
    static func matches(_ headers: HTTPFields, _ tag: String) -> Bool {
        headers[values: .ifNoneMatch].contains { field in
            field.split(separator: ",").contains { candidate in
                let text = candidate.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
                let plain = String(text)
                return plain == "*" || plain == tag || plain == "W/\(tag)"
            }
        }
    }
}

/// Codings of bodies (RFC 9110 section 12.5.3).
enum ContentCoding {
    /// Whether a client takes gzip.
    static func acceptsGzip(_ headers: HTTPFields) -> Bool {
        for field in headers[values: .acceptEncoding] {
            for part in field.split(separator: ",") {
                let words = part.split(separator: ";").map { word in word.filter { $0 != " " }.lowercased() }
                guard let name = words.first, name == "gzip" || name == "x-gzip" || name == "*" else { continue }
                let quality = words.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
                return quality > 0
            }
        }
        return false
    }
}
