// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import MailStore
internal import PeerTransport

/// A job of a lane: does something with the store, and says what came of it.
typealias ReplicaJob = @Sendable (any ReplicatedStore) async -> [ReplicaInput]

extension ReplicaLoop {
    /// Carries out one directive: at once, or in a child task that leaves its answer in the inbox.
    func carryOut(_ directive: ReplicationDirective, _ tasks: inout DiscardingTaskGroup) {
        switch directive {
        case .send(let link, let message): links[link]?.link.send(message)
        case .close(let link, let reason): close(link, reason)
        case .locate(let link, let wanted):
            start(&tasks) { [.located(link, await $0.locate(wanted))] }
        case .readLog(let link, let position, let maximumBytes):
            guard mayRead(directive, for: link) else { return }
            if let read = store.recentLog(from: position, maximumBytes: maximumBytes) {
                inbox.post(.logRead(link, read))
                return
            }
            startRead(link, &tasks) {
                .logRead(link, try await $0.readLog(from: position, maximumBytes: maximumBytes))
            }
        case .deliver(let link, let items):
            start(&tasks) { [.delivered(link, await $0.receive(items))] }
        case .readBody(let link, let digest, let offset, let length):
            guard mayRead(directive, for: link) else { return }
            startRead(link, &tasks) {
                .bodyRead(
                    link, digest, offset: offset, try await $0.readBody(digest, offset: offset, length: length))
            }
        case .storeBody(let link, let digest, let size, let offset, let bytes):
            start(&tasks) {
                [.bodyStored(link, digest, await $0.storeBody(digest, size: size, offset: offset, bytes))]
            }
        case .listMissingBodies(let limit): listBodies(limit: limit, &tasks)
        case .postponeBody(let digest):
            start(&tasks) {
                await $0.postponeBody(digest)
                return []
            }
        case .advanceStability, .setUnreachable, .announce, .takeNewIncarnation: control(directive, &tasks)
        case .exportSnapshot, .readSnapshotPart, .endExport, .beginImport, .importPart, .abortImport:
            transfer(directive, &tasks)
        case .readDigests(let link, let account, let limit):
            start(&tasks) { [.digests(link, await $0.digests(after: account, limit: limit))] }
        case .report(let event): report(event)
        }
    }

    // MARK: Links

    private func close(_ id: LinkID, _ reason: RefusalReason) {
        guard let link = links.removeValue(forKey: id)?.link else { return }
        if !reason.isTransient { link.advise(.hopeless) }
        let fault = LinkFault(.closed, reason.description)
        link.close(fault)
        reporter.closed(link, fault)
    }

    /// Whether to read for a peer now: one that does not take what is sent waits until it does.
    private func mayRead(_ directive: ReplicationDirective, for id: LinkID) -> Bool {
        guard let link = links[id] else { return false }
        if link.link.isWritable { return true }
        guard link.held.count < Self.maximumHeldReads else {
            link.link.close(LinkFault(.outboundOverflow, "the peer asks for more than it reads"))
            return false
        }
        links[id]?.held.append(directive)
        // It may have become writable before the directive was kept: then nobody would wake it.
        if link.link.isWritable { inbox.post(.link(id, .writable)) }
        return false
    }

    private func report(_ event: PeerEvent) {
        switch event {
        case .established(let peer, .outgoing, _): outgoing[peer]?.advise(.accepted)
        case .refusedByPeer(let peer, .outgoing, let reason) where !reason.isTransient:
            outgoing[peer]?.advise(.hopeless)
        case .established, .lost, .refused, .refusedByPeer, .reachable, .unreachable, .unwritable, .writable,
            .replaced, .membersDiffer, .strangers, .deliveryFailed, .overflow, .unserved, .snapshotRequested,
            .snapshotCompleted,
            .snapshotAborted, .bodyMismatch, .divergence:
            break
        }
        reporter.report(event)
    }

    // MARK: The store

    func listBodies(limit: Int, _ tasks: inout DiscardingTaskGroup) {
        start(&tasks) { [.bodiesMissing(await $0.missingBodies(limit: limit))] }
    }

    /// Asks who the members are; in the lane, so that no older answer comes after a newer one.
    func askForMembers(_ tasks: inout DiscardingTaskGroup) {
        enqueue(.members, &tasks) { store in
            do { return [.members(try await store.members())] } catch { return [.membersUnknown("\(error)")] }
        }
    }

    /// Lets the store do what time makes due, unless it is still at it.
    func maintain(_ tasks: inout DiscardingTaskGroup) {
        guard lanes[.maintenance] == nil else { return }
        enqueue(.maintenance, &tasks) {
            do { try await $0.maintain() } catch { return [Self.trouble(error)] }
            return []
        }
    }

    /// Tells what is normal while a snapshot comes from what an operator has to know.
    private static func trouble(_ error: any Error) -> ReplicaInput {
        if let error = error as? MailStoreError, error.code == .catchingUp { return .storeWaits(error.message) }
        return .storeTrouble("\(error)")
    }

    private func control(_ directive: ReplicationDirective, _ tasks: inout DiscardingTaskGroup) {
        enqueue(.control, &tasks) { store in
            do {
                switch directive {
                case .advanceStability(let progress): await store.advanceStability(progress)
                case .setUnreachable(let replicas): await store.setUnreachable(replicas)
                case .announce(let identity): try await store.announce(identity)
                case .takeNewIncarnation(let seen): try await store.takeNewIncarnation(seen: seen)
                default: break
                }
                return []
            } catch {
                return [Self.trouble(error)]
            }
        }
        // Its answer is the new status.
        if case .takeNewIncarnation = directive {
            let inbox = inbox
            enqueue(.control, &tasks) { _ in
                inbox.signalStore()
                return []
            }
        }
    }

    private func transfer(_ directive: ReplicationDirective, _ tasks: inout DiscardingTaskGroup) {
        switch directive {
        case .exportSnapshot(let transfer, let scope):
            enqueueExport(transfer, &tasks) {
                try await $0.beginExport(transfer, scope)
                return .snapshotReady(transfer)
            }
        case .readSnapshotPart(let transfer, let index, let maximumBytes):
            enqueueExport(transfer, &tasks) {
                .snapshotPart(
                    transfer, try await $0.exportPart(transfer, index: index, maximumBytes: maximumBytes))
            }
        case .endExport(let transfer):
            enqueue(.exporting(transfer), &tasks) {
                await $0.endExport(transfer)
                return []
            }
        case .beginImport(let transfer, let scope, let source):
            enqueue(.importing, &tasks) {
                // An import that could not begin refuses its first part.
                do { try await $0.beginImport(transfer, scope, from: source) } catch {
                    return [.storeTrouble("a snapshot cannot be taken in: \(error)")]
                }
                return []
            }
        case .importPart(let transfer, let part):
            enqueue(.importing, &tasks) {
                [.snapshotPartImported(transfer, index: part.index, await $0.importPart(transfer, part))]
            }
        case .abortImport(let transfer):
            enqueue(.importing, &tasks) {
                await $0.abortImport(transfer)
                return []
            }
        default: break
        }
    }

    private func enqueueExport(
        _ transfer: TransferID, _ tasks: inout DiscardingTaskGroup,
        _ job: @escaping @Sendable (any ReplicatedStore) async throws -> ReplicaInput
    ) {
        enqueue(.exporting(transfer), &tasks) { store in
            do { return [try await job(store)] } catch {
                await store.endExport(transfer)
                return [.snapshotFailed(transfer, "\(error)")]
            }
        }
    }

    // MARK: Child tasks

    /// Does a job of the store beside everything else.
    private func start(_ tasks: inout DiscardingTaskGroup, _ job: @escaping ReplicaJob) {
        tasks.addTask(executorPreference: threads) { [store, inbox] in
            let inputs = await job(store)
            if !inputs.isEmpty { inbox.post(inputs) }
        }
    }

    /// Reads for a link, which is given up when that fails.
    private func startRead(
        _ link: LinkID, _ tasks: inout DiscardingTaskGroup,
        _ job: @escaping @Sendable (any ReplicatedStore) async throws -> ReplicaInput
    ) {
        start(&tasks) { store in
            do { return [try await job(store)] } catch { return [.storeFailed(link, "\(error)")] }
        }
    }

    /// Does a job when those before it in its lane are done.
    private func enqueue(_ lane: ReplicaLane, _ tasks: inout DiscardingTaskGroup, _ job: @escaping ReplicaJob) {
        let isFree = lanes[lane] == nil
        lanes[lane, default: []].append(job)
        if isFree { startFirst(of: lane, &tasks) }
    }

    /// The first job of a lane is done.
    func laneFree(_ lane: ReplicaLane, _ tasks: inout DiscardingTaskGroup) {
        lanes[lane]?.removeFirst()
        if lanes[lane]?.isEmpty ?? true {
            lanes[lane] = nil
        } else {
            startFirst(of: lane, &tasks)
        }
    }

    private func startFirst(of lane: ReplicaLane, _ tasks: inout DiscardingTaskGroup) {
        guard let job = lanes[lane]?.first else { return }
        start(&tasks) { await job($0) + [.laneFree(lane)] }
    }
}
