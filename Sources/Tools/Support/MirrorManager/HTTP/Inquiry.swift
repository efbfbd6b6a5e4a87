// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorConfig
internal import NIOCore

/// What is known of a connection when a request comes.
struct RequestOrigin: InitializableFromSource, Sendable {
    /// The address of the other side; empty for a socket without one.
    let remote: String
    let logger: Logger

    init(source: ApplicationRequestContextSource) {
        remote = source.channel.remoteAddress?.ipAddress ?? ""
        logger = source.logger
    }

    init(remote: String, logger: Logger) {
        self.remote = remote
        self.logger = logger
    }
}

/// A request after its route was found and its sender was let in.
struct Inquiry: Sendable {
    let route: Route
    let method: HTTPRequest.Method
    let path: String
    let query: String
    let headers: HTTPFields
    /// The body; empty where none is read.
    let body: [UInt8]
    let principal: Principal
    let remote: String

    /// The value of a query's parameter, the first of equal names.
    func parameter(_ name: String) -> String? {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = PercentCoding.decodeQuery(parts[0]), key == name else { continue }
            return parts.count > 1 ? PercentCoding.decodeQuery(parts[1]) : ""
        }
        return nil
    }

    /// A whole number of the query within bounds.
    func number(_ name: String, in bounds: ClosedRange<Int>, standard: Int) throws(Refusal) -> Int {
        guard let text = parameter(name) else { return standard }
        guard let number = Int(text), bounds.contains(number) else {
            throw .invalid("\"\(name)\" must be a number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }
}
