// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import PeerTransport
internal import Synchronization

/// Lets a session begin with what the peers that can be reached had, as far as a short wait helps.
///
/// A client that was at another node before was shown there what may still be under way, or wait for a link that is dialled again only after a
/// while. What it does not find here it takes for deleted, and drops its own copy: mbsync does.
package final class FreshLook: Sendable {
    /// The shortest time between two waits for peers that turn out to be silent.
    package static let silencePause = Duration.seconds(1)
    private static let lookInterval = Duration.milliseconds(5)

    private let board: ReplicaBoard
    private let endpoint: any PeerEndpoint
    private let lastVainWait = Mutex<ContinuousClock.Instant?>(nil)

    init(board: ReplicaBoard, endpoint: any PeerEndpoint) {
        self.board = board
        self.endpoint = endpoint
    }

    /// Waits until this replica holds what every peer held when it was first heard during the wait.
    ///
    /// Peers without a link are dialled at once, and waited for a third of the time.
    ///
    /// - Parameter patience: the longest wait.
    func wait(atMost patience: Duration) async {
        guard patience > .zero, let first = board.current?.group else { return }
        var goals: [String: StreamVector] = [:]
        if !isOpen(first, &goals, waitsForSilent: true) { return }
        let began = ContinuousClock.now
        let isRepeated = lastVainWait.withLock { $0.map { $0.duration(to: began) < Self.silencePause } ?? false }
        if !isRepeated {
            for peer in first.peers where peer.incoming == .down { endpoint.nudge(peer.name) }
        }
        board.beginWatch()
        defer { board.endWatch() }
        while let status = board.current?.group {
            let elapsed = began.duration(to: .now)
            let waitsForSilent = !isRepeated && elapsed < patience / 3
            guard elapsed < patience, isOpen(status, &goals, waitsForSilent: waitsForSilent) else { break }
            // A task that is cancelled waits no more.
            do { try await Task.sleep(for: Self.lookInterval) } catch { return }
        }
        if !isRepeated, board.current?.group.peers.contains(where: { $0.incoming == .down }) ?? false {
            lastVainWait.withLock { $0 = .now }
        }
    }

    /// Whether something of what can be waited for has not come; the goals are what each peer held when it was first heard.
    private func isOpen(_ status: GroupStatus, _ goals: inout [String: StreamVector], waitsForSilent: Bool) -> Bool {
        let durable = StreamVector(status.durable)
        var isOpen = false
        for peer in status.peers {
            switch peer.incoming {
            case .up:
                let goal = goals[peer.name] ?? StreamVector(peer.durable)
                goals[peer.name] = goal
                if !durable.covers(goal) { isOpen = true }
            case .greeting: isOpen = true
            case .down: if waitsForSilent { isOpen = true }
            }
        }
        return isOpen
    }
}

extension ReplicaService {
    /// Waits until this replica has what the peers had that it can reach, or a while has passed; at once if it has.
    ///
    /// - Parameter patience: the longest wait.
    package func catchUp(within patience: Duration) async { await freshLook.wait(atMost: patience) }
}
