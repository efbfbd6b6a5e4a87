// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// Tells a manager of ours every few seconds that the worker lives, and more often how far its runs are.
struct Heartbeats {
    let link: ManagerLink

    /// Tells until the task is cancelled.
    func run() async throws(LinkFailure) {
        let flag = link.board.flag(for: link.id)
        while !Task.isCancelled {
            try await send()
            // At most one heartbeat per pause; then the next change or the interval, whatever comes first.
            guard (try? await Task.sleep(for: link.limits.heartbeatPause)) != nil else { return }
            await flag.wait(atMost: link.limits.heartbeatInterval - link.limits.heartbeatPause)
        }
    }

    private func send() async throws(LinkFailure) {
        let identity = link.identity()
        let (rows, queued) = link.board.snapshot()
        let heartbeat = Heartbeat(
            incarnation: identity.incarnation, started: identity.started, running: rows,
            queued: UInt64(max(0, queued)))
        let path = "/api/v1/workers/\(ManagerClient.segment(identity.name))/heartbeat"
        let answer = try await link.ask { try await link.client.post(path, heartbeat.json) }
        try link.check(answer)
        do {
            guard try HeartbeatAnswer(json: answer.body).isKnown else { throw LinkFailure.unregistered }
        } catch let failure as LinkFailure {
            throw failure
        } catch {
            throw .refused(status: answer.status, "its answer cannot be read: \(error)")
        }
    }
}
