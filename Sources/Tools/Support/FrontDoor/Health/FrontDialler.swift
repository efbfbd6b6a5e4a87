// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import NIOCore
internal import NodeSupport
internal import PeerTransport

/// Opens sessions at the first node that takes them, asking the next one before the first has failed for good.
struct FrontDialler: Sendable {
    let tls: MeshTLS
    let limits: FrontLimits
    let times: HealthTimes
    let monitor: HealthMonitor
    let metrics: DistributorMetrics
    let logger: Logger

    private enum Event: Sendable {
        case opened(FrontLink, FrontCandidate)
        case failed(FrontCandidate, FrontFault)
        /// The one that was asked last has had its time; others may be asked beside it.
        case impatient(Int)
    }

    /// A session that was opened.
    struct Opened: Sendable {
        let link: FrontLink
        let candidate: FrontCandidate
    }

    /// Opens a session.
    ///
    /// Asking several nodes is harmless: none does anything before the first octet of the client comes.
    ///
    /// - Parameters:
    ///   - preamble: who it is for; the group is that of the candidate.
    ///   - candidates: the nodes, the preferred one first.
    ///   - loop: the client's event loop, which serves both ends of the session.
    /// - Returns: the link and its node.
    /// - Throws: ``FrontFault`` of the last node that was asked.
    func open(
        _ preamble: FrontPreamble, _ candidates: [FrontCandidate], on loop: any EventLoop
    ) async throws(FrontFault) -> Opened {
        let began = ContinuousClock.now
        let order = monitor.ordered(candidates)
        guard !order.isEmpty else { throw FrontFault(code: .group, reason: "no node serves this user") }
        let result = await race(preamble, order, loop)
        let opened = try result.get()
        metrics.linkSeconds.observe(ContinuousClock.now - began)
        return opened
    }

    private func race(
        _ preamble: FrontPreamble, _ order: [FrontCandidate], _ loop: any EventLoop
    ) async -> Result<Opened, FrontFault> {
        await withTaskGroup(of: Event.self) { tasks in
            var next = 0
            var running = 0
            var winner: Opened?
            var fault = FrontFault(code: .unreachable, reason: "no node was asked")
            func start() {
                let candidate = order[next]
                let patience = monitor.health(of: candidate.frontNode) == .up ? times.hedge : times.shortHedge
                next += 1
                running += 1
                let asked = next
                tasks.addTask { await self.attempt(preamble, candidate, loop) }
                tasks.addTask {
                    // Cancelled when somebody has won: then nobody is asked any more.
                    try? await Task.sleep(for: patience)
                    return .impatient(asked)
                }
            }
            start()
            for await event in tasks {
                switch event {
                case .opened(let link, let candidate):
                    running -= 1
                    if winner == nil {
                        winner = Opened(link: link, candidate: candidate)
                        tasks.cancelAll()
                    } else {
                        link.abort()
                    }
                case .failed(let candidate, let failure):
                    running -= 1
                    fault = failure
                    guard winner == nil, !Task.isCancelled else { continue }
                    logger.debug(
                        "node did not take a session",
                        metadata: ["peer": "\(candidate.node)", "reason": "\(failure)"])
                    if next < order.count { start() } else if running == 0 { tasks.cancelAll() }
                case .impatient(let asked):
                    if winner == nil, !Task.isCancelled, asked == next, next < order.count { start() }
                }
            }
            return winner.map { .success($0) } ?? .failure(fault)
        }
    }

    private func attempt(
        _ preamble: FrontPreamble, _ candidate: FrontCandidate, _ loop: any EventLoop
    ) async -> Event {
        var preamble = preamble
        preamble.group = candidate.group
        do throws(FrontFault) {
            let link = try await FrontLink.connect(to: candidate.frontNode, tls: tls, group: loop, limits: limits)
            let fault = await withTaskCancellationHandler { () -> FrontFault? in
                do throws(FrontFault) {
                    try await link.open(preamble, limits: limits)
                    return nil
                } catch {
                    link.abort()
                    return error
                }
            } onCancel: {
                link.abort()
            }
            if let fault { throw fault }
            return .opened(link, candidate)
        } catch {
            return .failed(candidate, error)
        }
    }
}
