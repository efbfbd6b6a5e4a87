// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The MIME fields of one header that describe its body.
public struct MIMEFields: Sendable, Hashable {
    /// How the part wants to be shown, the value of Content-Disposition (RFC 2183).
    public struct Disposition: Sendable, Hashable {
        /// The disposition type in lower case: `inline`, `attachment` or another token.
        public var type: [UInt8]
        /// The parameters in the order of their first appearance.
        public var parameters: [MIMEParameter]

        /// A disposition.
        ///
        /// - Parameters:
        ///   - type: the disposition type in lower case.
        ///   - parameters: the parameters.
        public init(type: [UInt8], parameters: [MIMEParameter]) {
            self.type = type
            self.parameters = parameters
        }
    }

    /// Content-Type, or the default that the place of the part gives it.
    public var mediaType: MediaType
    /// Content-Transfer-Encoding in lower case; nil when it is absent or empty, which means 7bit.
    public var transferEncoding: [UInt8]?
    /// Content-ID as it stands, angle brackets included (RFC 2045 section 7).
    public var contentID: [UInt8]?
    /// Content-Description as it stands, encoded words not decoded (RFC 2045 section 8).
    public var contentDescription: [UInt8]?
    /// Content-Disposition.
    public var disposition: Disposition?
    /// The tags of Content-Language (RFC 3282).
    public var languages: [[UInt8]]
    /// Content-Location (RFC 2557).
    public var location: [UInt8]?
    /// Content-MD5 (RFC 1864).
    public var md5: [UInt8]?

    /// Fields of which nothing but the media type is known.
    ///
    /// - Parameter mediaType: the type of the body.
    public init(mediaType: MediaType = .plainText) {
        self.mediaType = mediaType
        languages = []
    }

    /// The encoding to undo before the body can be read.
    public var encoding: TransferEncoding { TransferEncoding(name: transferEncoding) }

    /// The name under which the part may be saved: `filename` of the disposition, else `name` of the type, as UTF-8.
    public var fileName: [UInt8]? {
        let candidates: [(String, [MIMEParameter])] = [
            ("filename", disposition?.parameters ?? []), ("name", mediaType.parameters),
        ]
        for (name, parameters) in candidates {
            let matching = parameters.filter { $0.name.elementsEqual(name.utf8) }
            if let best = matching.first(where: { $0.extended != nil }) ?? matching.first { return best.text }
        }
        return nil
    }
}
