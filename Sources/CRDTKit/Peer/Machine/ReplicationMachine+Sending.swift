// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Inputs

    mutating func advance(_ status: StoreStatus) {
        let former = store
        store = status
        if status.replica != former.replica { return begin(newLife: former.replica) }
        let vector = StreamVector(status.durable)
        let start = StreamVector(status.logStart)
        let isMoved = vector != durable
        let isNews =
            isMoved || start != logStart || status.digest != former.digest || status.isWritable != former.isWritable
        durable = vector
        logStart = start
        delivered.formUnion(vector)
        ownHistory.note(durable[store.replica], at: now.monotonicMilliseconds)
        for link in links.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard links[link]?.isUp == true, let direction = links[link]?.direction else { continue }
            switch direction {
            case .outgoing:
                if isNews { links[link]?.isPresenceDue = true }
                pump(link)
                sendPresence(link)
            case .incoming: if isMoved { acknowledge(link) }
            }
        }
        let hasRoomAgain = status.isWritable && !former.isWritable
        if hasRoomAgain { endPauses() }
        if hasRoomAgain || !reportedUnserved.isEmpty { evaluateSubscriptions() }
        if isMoved { askForMissingBodies() }
    }

    /// The store took a new incarnation: every link starts anew with the new name.
    private mutating func begin(newLife former: ReplicaID) {
        durable = StreamVector(store.durable)
        logStart = StreamVector(store.logStart)
        delivered.formUnion(durable)
        ownHistory.reset()
        ownHistory.note(durable[store.replica], at: now.monotonicMilliseconds)
        staleLife = nil
        for link in links.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            refuse(link, RefusalReason(.restarting, "\(group.node) is replica \(store.replica) now, was \(former)"))
        }
        updateUnreachable()
    }

    mutating func subscribed(_ link: LinkID, _ positions: [StreamPosition]) {
        let floor = links[link].flatMap { members[$0.peer]?.floor } ?? StreamVector()
        for position in positions {
            let isServed = position.counter == 0 || position.counter > floor[position.origin]
            links[link]?.stream.subscribe(isServed ? position : StreamPosition(origin: position.origin, counter: 0))
            if isServed { continue }
            // The receiver learns from the presence that it needs a snapshot.
            links[link]?.isPresenceDue = true
            sendPresence(link)
        }
        guard let count = links[link]?.stream.sent.count, count <= ReplicationLimits.maximumVectorEntries else {
            return violation(link, "more than \(ReplicationLimits.maximumVectorEntries) origins are subscribed")
        }
        pump(link)
    }

    mutating func acknowledged(_ link: LinkID, _ peer: String, _ consumed: UInt64, _ vector: StreamVector) {
        guard links[link]?.stream.acknowledge(consumed: consumed) == true else {
            return violation(link, "\(consumed) bytes are acknowledged, which were not sent")
        }
        if hasLostOwn(vector) { return }
        members[peer]?.note(vector)
        pump(link)
    }

    mutating func placeFound(_ link: LinkID, _ position: LogPosition?) {
        guard links[link] != nil else { return }
        let lost = links[link]?.stream.located(position, logStart: logStart) ?? []
        if !lost.isEmpty {
            // The receiver learns from the presence that the log begins later, and looks elsewhere.
            links[link]?.isPresenceDue = true
            sendPresence(link)
        }
        pump(link)
    }

    mutating func logCame(_ link: LinkID, _ read: LogRead?) {
        links[link]?.stream.read(read)
        pump(link)
    }

    // MARK: Outputs

    /// Sends what the window lets through and asks the log for more.
    mutating func pump(_ link: LinkID) {
        guard links[link]?.isUp == true else { return }
        while let message = links[link]?.stream.next() { send(message, on: link) }
        switch links[link]?.stream.need(logEnd: store.logEnd) {
        case .locate(let positions): put(.locate(link, positions))
        case .read(let position): put(.readLog(link, from: position, maximumBytes: limits.readBytes))
        case nil: break
        }
    }

    /// Sends a presence if one is due and the last one is not too near.
    mutating func sendPresence(_ link: LinkID) {
        guard links[link]?.isUp == true, links[link]?.direction == .outgoing, let last = links[link]?.presenceAt,
            let isDue = links[link]?.isPresenceDue
        else { return }
        let age = now.monotonicMilliseconds - last
        guard age >= limits.presenceMilliseconds || (isDue && age >= limits.presencePauseMilliseconds)
        else { return }
        links[link]?.isPresenceDue = false
        links[link]?.presenceAt = now.monotonicMilliseconds
        send(.presence(presence(for: link)), on: link)
    }
}
