// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a server's metrics say at one moment.
package struct MetricsScrape: Sendable {
    /// The whole text.
    package let text: String

    /// Asks a server, which must have been started with metrics.
    package init(_ server: PlutoServer) throws {
        guard let port = server.metricsPort else { throw LiveFailure("the server has no metrics: \(server.banner)") }
        try self.init(port: port)
    }

    /// Asks whoever has a port of this machine.
    package init(port: Int) throws {
        let socket = try LiveSocket(port: port)
        try socket.send(Array("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        var bytes: [UInt8] = []
        let deadline = Deadline(.seconds(30))
        while try socket.receive(into: &bytes, until: deadline) > 0 {}
        text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 200") else { throw LiveFailure("metrics: \(text.prefix(200))") }
    }

    /// The sum of all series of a name.
    ///
    /// - Parameters:
    ///   - name: the metric.
    ///   - label: what must stand between the braces, as in `status="ok"`.
    package func sum(_ name: String, label: String = "") throws -> Double {
        var sum: Double?
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(name) {
            let rest = line.dropFirst(name.count)
            guard rest.first == " " || rest.first == "{", rest.contains(label) else { continue }
            guard let value = rest.split(separator: " ").last.flatMap({ Double($0) }) else { continue }
            sum = (sum ?? 0) + value
        }
        guard let sum else { throw LiveFailure("the metrics have no \(name) \(label):\n\(text)") }
        return sum
    }
}
