// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Crypto
internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1
internal import NodeSupport
internal import SyncJobs
internal import Synchronization

/// Tells addresses of the configuration when mirrors come into another state.
///
/// Each address has its own queue, so events reach it in order and a dead one holds up no other. A delivery that fails is tried
/// again after growing waits; after ``Limits/maximumAttempts`` it is given up.
final class WebhookSender: Sendable {
    /// What bounds deliveries.
    struct Limits: Hashable, Sendable {
        /// The most events that wait for one address; the oldest goes when there are more.
        var maximumQueued = 1_000
        /// How often an event is tried.
        var maximumAttempts = 8
        /// The wait after the first failure; each further one is twice as long.
        var firstWait: Duration = .seconds(1)
        /// The longest wait.
        var longestWait: Duration = .seconds(300)
        /// How long one try may take.
        var timeout: TimeAmount = .seconds(10)
    }

    struct Delivery: Sendable {
        let id: String
        let body: [UInt8]
    }

    private struct Lane {
        var settings: WebhookSettings
        var queue: [Delivery] = []
        var attempts = 0
        var due: ContinuousClock.Instant = .now
        var isBusy = false
    }

    private struct State {
        /// By URL, in the order of the configuration.
        var lanes: [String: Lane] = [:]
        var wake: AsyncStream<Void>.Continuation?
    }

    private let limits: Limits
    private let logger: Logger
    private let state: Mutex<State>
    private let delivered: Counter
    private let failed: Counter
    private let dropped: Counter

    init(_ hooks: [WebhookSettings], limits: Limits = Limits(), metrics: MetricsRegistry, logger: Logger) throws {
        self.limits = limits
        self.logger = logger
        delivered = try metrics.counter("mirror_webhooks_delivered_total", help: "Events that webhooks took.")
        failed = try metrics.counter("mirror_webhooks_failed_total", help: "Tries of webhooks that failed.")
        dropped = try metrics.counter("mirror_webhooks_dropped_total", help: "Events that no webhook took.")
        var state = State()
        for hook in hooks { state.lanes[hook.url] = Lane(settings: hook) }
        self.state = Mutex(state)
    }

    /// Takes over changed addresses; what waits for one that stays goes on waiting.
    func update(_ hooks: [WebhookSettings]) {
        state.withLock { state in
            var lanes: [String: Lane] = [:]
            for hook in hooks {
                lanes[hook.url] = state.lanes[hook.url] ?? Lane(settings: hook)
                lanes[hook.url]?.settings = hook
            }
            state.lanes = lanes
        }
    }

    /// Queues a change of state for those who want to know it.
    func offer(_ transition: Transition) {
        let wake = state.withLock { state -> AsyncStream<Void>.Continuation? in
            var isQueued = false
            for (url, lane) in state.lanes where Self.wants(transition, lane.settings) {
                let delivery = Self.delivery(transition)
                state.lanes[url]?.queue.append(delivery)
                if lane.queue.count >= limits.maximumQueued {
                    // The first may be on its way; the one behind it is the oldest that can go.
                    state.lanes[url]?.queue.remove(at: lane.isBusy ? 1 : 0)
                    dropped.increment()
                }
                isQueued = true
            }
            return isQueued ? state.wake : nil
        }
        wake?.yield()
    }

    /// Delivers until the task is cancelled.
    func run() async {
        let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.wake = continuation }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: limits.timeout, read: limits.timeout)))
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Cancellation ends the sleep and so the loop.
                while (try? await Task.sleep(for: .milliseconds(250))) != nil { continuation.yield() }
                continuation.finish()
            }
            for await _ in wakes {
                for (settings, delivery) in takeDue() {
                    group.addTask { await self.deliver(delivery, settings, client) }
                }
            }
            group.cancelAll()
        }
        // Nothing is under way any more; a client that cannot be closed has nothing open.
        try? await client.shutdown()
    }

    private func takeDue() -> [(WebhookSettings, Delivery)] {
        let now = ContinuousClock.now
        return state.withLock { state in
            var due: [(WebhookSettings, Delivery)] = []
            for (url, lane) in state.lanes where !lane.isBusy && lane.due <= now {
                guard let first = lane.queue.first else { continue }
                state.lanes[url]?.isBusy = true
                due.append((lane.settings, first))
            }
            return due
        }
    }

    private func deliver(_ delivery: Delivery, _ settings: WebhookSettings, _ client: HTTPClient) async {
        var request = HTTPClientRequest(url: settings.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: MirrorWire.jsonType)
        request.headers.add(name: "User-Agent", value: "kuiper-mirror-manager")
        request.headers.add(name: "Kuiper-Delivery", value: delivery.id)
        if let secret = settings.secret {
            request.headers.add(name: "Kuiper-Signature", value: Self.signature(delivery.body, key: secret.value))
        }
        request.body = .bytes(delivery.body)
        do {
            let response = try await client.execute(request, timeout: limits.timeout)
            // The body does not matter; it is read so that the connection can be used again.
            _ = try? await response.body.collect(upTo: 1 << 16)
            let isTaken = (200..<300).contains(response.status.code)
            settle(settings.url, delivery, isTaken: isTaken, "status \(response.status.code)")
        } catch {
            settle(settings.url, delivery, isTaken: false, WorkerClient.reason(error))
        }
    }

    private func settle(_ url: String, _ delivery: Delivery, isTaken: Bool, _ reason: String) {
        if isTaken { delivered.increment() } else { failed.increment() }
        let wake = state.withLock { state -> AsyncStream<Void>.Continuation? in
            guard var lane = state.lanes[url] else { return nil }
            lane.isBusy = false
            lane.attempts += 1
            if isTaken || lane.attempts >= limits.maximumAttempts {
                if !isTaken { dropped.increment() }
                if lane.queue.first?.id == delivery.id { lane.queue.removeFirst() }
                lane.attempts = 0
                lane.due = .now
            } else {
                let factor = 1 << min(lane.attempts - 1, 20)
                lane.due = .now + min(limits.firstWait * factor, limits.longestWait)
            }
            state.lanes[url] = lane
            return state.wake
        }
        if !isTaken {
            logger.warning("a webhook was not taken", metadata: ["delivery": "\(delivery.id)", "reason": "\(reason)"])
        }
        wake?.yield()
    }

    /// `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
    static func signature(_ body: [UInt8], key: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(key.utf8)))
        return "sha256=" + code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func wants(_ transition: Transition, _ settings: WebhookSettings) -> Bool {
        let states = settings.states.isEmpty ? ["success", "failed"] : settings.states
        return states.contains(transition.status.status.rawValue)
    }

    private static func delivery(_ transition: Transition) -> Delivery {
        let id = String(UInt64.random(in: .min ... .max), radix: 36)
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("id")
            writer.string(id)
            writer.name("event")
            writer.string("mirror")
            writer.name("at")
            writer.time(transition.at)
            writer.name("previous")
            writer.string(transition.previous.rawValue)
            writer.name("run")
            writer.number(transition.run)
            writer.name("attempt")
            writer.number(transition.attempt)
            writer.name("failure")
            writer.string(transition.failure?.rawValue ?? "")
            writer.name("mirror")
            transition.status.write(to: &writer)
        }
        return Delivery(id: id, body: writer.finish())
    }
}
