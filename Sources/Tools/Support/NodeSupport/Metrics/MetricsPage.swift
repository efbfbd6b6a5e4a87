// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A page that the metrics server serves besides `/metrics` and `/healthz`.
package struct MetricsPage: Sendable {
    /// The path, from the slash.
    package let path: String
    /// The media type of the content.
    package let contentType: String
    /// Gives the content; called on the server's event loop, so it must not block.
    package let content: @Sendable () -> [UInt8]

    /// Describes a page.
    ///
    /// - Parameters:
    ///   - path: The path, from the slash.
    ///   - contentType: The media type of the content.
    ///   - content: Gives the content; must not block.
    package init(path: String, contentType: String, content: @escaping @Sendable () -> [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.content = content
    }
}
