// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

/// Whether a replica has once had what the peers it can reach had; from then on the answer stays yes.
final class FirstContact: Sendable {
    private struct State {
        var startedAt: ContinuousClock.Instant?
        var isOver = false
    }

    private static let lookInterval = Duration.milliseconds(20)

    private let state = Mutex(State())
    private let board: ReplicaBoard
    /// How long a peer is waited for that does not answer.
    private let silence: Duration

    init(board: ReplicaBoard, silenceMilliseconds: UInt64) {
        self.board = board
        silence = .milliseconds(Int64(clamping: silenceMilliseconds))
    }

    func begin() { state.withLock { $0.startedAt = .now } }

    /// Waits, at most for a time, until there was contact.
    ///
    /// - Returns: whether there was; false also when the task is cancelled.
    func wait(atMost patience: Duration) async -> Bool {
        let deadline = ContinuousClock.now + patience
        while true {
            if look() { return true }
            guard ContinuousClock.now < deadline else { return false }
            do { try await Task.sleep(for: Self.lookInterval) } catch { return false }
        }
    }

    private func look() -> Bool {
        let status = board.current?.group
        return state.withLock { state in
            if state.isOver { return true }
            guard let startedAt = state.startedAt, let status else { return false }
            state.isOver = Self.isOver(status, silenceIsOver: startedAt.duration(to: .now) >= silence)
            return state.isOver
        }
    }

    /// A node that is alone serves: who sends nothing is waited for only for a while.
    static func isOver(_ status: GroupStatus, silenceIsOver: Bool) -> Bool {
        status.importing == nil
            && status.peers.allSatisfy { peer in
                peer.incoming == .up ? peer.receiveLagOperations == 0 : silenceIsOver
            }
    }
}

extension ReplicaService {
    /// Waits until this replica has once had what the peers had that it can reach; at once if it has.
    ///
    /// - Parameter patience: the longest wait.
    /// - Returns: whether it has.
    package func hasCaughtUp(within patience: Duration) async -> Bool { await firstContact.wait(atMost: patience) }
}
