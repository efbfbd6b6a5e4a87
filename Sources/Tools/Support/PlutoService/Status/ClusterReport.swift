// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import NodeSupport

/// What came of asking all nodes of a cluster.
package struct ClusterReport: Sendable {
    /// One node of the configuration and what it said.
    package struct Entry: Sendable {
        /// The node's name in the configuration.
        package var node: String
        /// Where it was asked.
        package var address: HostPort
        /// What it said, or why there is nothing.
        package var answer: Result<NodeReport, NodeError>

        /// Notes an answer.
        ///
        /// - Parameters:
        ///   - node: The node's name in the configuration.
        ///   - address: Where it was asked.
        ///   - answer: What it said.
        package init(node: String, address: HostPort, answer: Result<NodeReport, NodeError>) {
            self.node = node
            self.address = address
            self.answer = answer
        }
    }

    /// A node that is so far behind needs somebody's attention.
    package static let worrySeconds = 30.0

    /// The nodes, in the order of the configuration.
    package var entries: [Entry]

    /// Gathers the answers.
    ///
    /// - Parameter entries: The nodes.
    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// What is not as it should be, one line for each; empty when all is well.
    package var worries: [String] {
        entries.flatMap { entry -> [String] in
            switch entry.answer {
            case .failure(let error): ["\(entry.node): \(error.message)"]
            case .success(let report): Self.worries(of: report)
            }
        }
    }

    private static func worries(of report: NodeReport) -> [String] {
        let node = report.node
        var worries: [String] = []
        for backend in report.backends where !backend.isUp {
            worries.append("\(node): \(backend.name) does not answer at \(backend.address)")
        }
        for group in report.groups {
            if !group.isWritable { worries.append("\(node): group \(group.group): \(cannotWrite)") }
            if group.isImporting { worries.append("\(node): group \(group.group): a snapshot is being taken in") }
            if group.divergences > 0 {
                worries.append(
                    "\(node): group \(group.group): \(group.divergences) differences between replicas, "
                        + "\(group.repairs) accounts repaired")
            }
            for peer in group.peers {
                worries += Self.worries(about: peer).map { "\(node): group \(group.group): \(peer.name) \($0)" }
            }
        }
        return worries
    }

    /// What is said of a node that refuses mail; the mailboxes that it looked after are looked after by others.
    private static let cannotWrite = "cannot write: its disk is full or fails"

    private static func worries(about peer: PeerReport) -> [String] {
        guard peer.isReachable, peer.isLinked else {
            let reason = peer.lastRefusal.map { " (last refusal: \($0))" } ?? ""
            let links = "links: out \(peer.outgoing), in \(peer.incoming)"
            return ["\(peer.isReachable ? "is not linked both ways" : "is not reachable"), \(links)\(reason)"]
        }
        var worries: [String] = []
        if !peer.isWritable { worries.append(cannotWrite) }
        if peer.behind.seconds > worrySeconds {
            worries.append("is \(Self.whole(peer.behind.seconds)) s and \(peer.behind.operations) operations behind")
        }
        if peer.ahead.seconds > worrySeconds, peer.ahead.operations > 0 {
            worries.append("is \(Self.whole(peer.ahead.seconds)) s and \(peer.ahead.operations) operations ahead")
        }
        return worries
    }

    /// Whole seconds; what a node says may be any number.
    private static func whole(_ seconds: Double) -> Int { Int(exactly: seconds.rounded(.down)) ?? .max }

    // MARK: JSON

    private struct JSONEntry: Encodable {
        var node: String
        var address: String
        var report: NodeReport?
        var error: String?
    }

    private struct JSONReport: Encodable {
        var isWell: Bool
        var worries: [String]
        var nodes: [JSONEntry]
    }

    /// The report for programs.
    ///
    /// - Returns: One JSON object, with sorted keys.
    /// - Throws: ``NodeError`` with `statusUnusable`, should a number have no JSON form.
    package func json() throws(NodeError) -> String {
        let nodes = entries.map { entry in
            switch entry.answer {
            case .success(let report):
                JSONEntry(node: entry.node, address: "\(entry.address)", report: report, error: nil)
            case .failure(let error):
                JSONEntry(node: entry.node, address: "\(entry.address)", report: nil, error: error.message)
            }
        }
        let worries = worries
        do {
            let report = JSONReport(isWell: worries.isEmpty, worries: worries, nodes: nodes)
            return String(decoding: try StatusJSON.encoder(isPretty: true).encode(report), as: UTF8.self)
        } catch {
            throw NodeError(.statusUnusable, "the status cannot be written as JSON", cause: error)
        }
    }
}

/// How reports are written and read.
enum StatusJSON {
    static func encoder(isPretty: Bool) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = isPretty ? [.sortedKeys, .prettyPrinted] : [.sortedKeys]
        return encoder
    }

    /// A report as `/status` serves it.
    static func page(_ report: @escaping @Sendable () -> NodeReport) -> MetricsPage {
        MetricsPage(path: "/status", contentType: "application/json") {
            // The report holds only numbers that JSON can hold; should one not be, the page is an empty object.
            (try? encoder(isPretty: false).encode(report())).map { Array($0) + [0x0A] } ?? Array("{}\n".utf8)
        }
    }

    static func report(in bytes: [UInt8], of address: HostPort) throws(NodeError) -> NodeReport {
        do { return try JSONDecoder().decode(NodeReport.self, from: Data(bytes)) } catch {
            throw NodeError(
                .statusUnusable, "what \(address) serves at /status is not a report of this version", cause: error)
        }
    }
}

extension NodeError.Code {
    /// A node's status cannot be asked for or read.
    package static let statusUnusable = NodeError.Code("statusUnusable")
}
