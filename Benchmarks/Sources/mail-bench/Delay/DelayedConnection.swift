// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A connection through a proxy: two sockets and what is under way between them, in both directions.
final class DelayedConnection {
    private var there: DelayedBytes
    private var back: DelayedBytes
    private let client: Int32
    private let target: Int32

    init(client: Int32, target: Int32, oneWay: Double, opened: Double) {
        (self.client, self.target) = (client, target)
        // The client's first byte leaves when its handshake would have ended.
        there = DelayedBytes(from: client, to: target, oneWay: oneWay, notBefore: opened + 2 * oneWay)
        back = DelayedBytes(from: target, to: client, oneWay: oneWay, notBefore: opened)
    }

    /// Whether nothing moves any more.
    var isOver: Bool { there.isBroken || back.isBroken || (there.isOver && back.isOver) }

    /// When the next bytes are due.
    var nextDue: Double? { [there.nextDue, back.nextDue].compactMap { $0 }.min() }

    func addInterests(to entries: inout [pollfd], _ now: Double) {
        let first = (there.wantsRead ? Int16(POLLIN) : 0) | (back.isBlocked ? Int16(POLLOUT) : 0)
        let second = (back.wantsRead ? Int16(POLLIN) : 0) | (there.isBlocked ? Int16(POLLOUT) : 0)
        if first != 0 { entries.append(pollfd(fd: client, events: first, revents: 0)) }
        if second != 0 { entries.append(pollfd(fd: target, events: second, revents: 0)) }
    }

    /// Reads what has come and writes what is due.
    ///
    /// - Parameter now: the time.
    /// - Returns: how many bytes arrived.
    func move(_ now: Double) -> Int { there.move(now) + back.move(now) }

    func close() {
        Glibc.close(client)
        Glibc.close(target)
    }
}

/// Bytes on their way in one direction, each piece with the time at which it arrives.
private struct DelayedBytes {
    private static let maximumBytes = 16 << 20
    private static let pieceBytes = 64 << 10

    private let from: Int32
    private let to: Int32
    private let oneWay: Double
    private let notBefore: Double
    private var pieces: [(due: Double, bytes: [UInt8])] = []
    private var first = 0
    private var sent = 0
    private var held = 0
    private var isAtEnd = false
    /// Whether the receiver takes nothing now.
    private(set) var isBlocked = false
    private(set) var isOver = false
    private(set) var isBroken = false

    init(from: Int32, to: Int32, oneWay: Double, notBefore: Double) {
        (self.from, self.to, self.oneWay, self.notBefore) = (from, to, oneWay, notBefore)
    }

    var wantsRead: Bool { !isAtEnd && !isBroken && held < Self.maximumBytes }
    /// Nil also while the receiver has to take something first.
    var nextDue: Double? { first < pieces.count && !isBlocked ? pieces[first].due : nil }

    mutating func move(_ now: Double) -> Int {
        receive(now)
        let count = transmit(now)
        if isAtEnd, first == pieces.count, !isOver, !isBroken {
            shutdown(to, Int32(SHUT_WR))
            isOver = true
        }
        return count
    }

    private mutating func receive(_ now: Double) {
        while wantsRead {
            var result = 0
            let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { room, count in
                result = recv(from, room.baseAddress, room.count, 0)
                count = max(result, 0)
            }
            let code = errno
            if result == 0 { isAtEnd = true }
            if result < 0, code != EAGAIN, code != EINTR { isBroken = true }
            guard result > 0 else { return }
            pieces.append((max(now, notBefore) + oneWay, piece))
            held += result
        }
    }

    private mutating func transmit(_ now: Double) -> Int {
        var total = 0
        isBlocked = false
        while first < pieces.count, pieces[first].due <= now {
            let count = pieces[first].bytes.withUnsafeBytes {
                send(to, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                isBlocked = errno == EAGAIN
                isBroken = errno != EAGAIN && errno != EINTR
                return total
            }
            total += count
            sent += count
            held -= count
            if sent == pieces[first].bytes.count {
                pieces[first].bytes = []
                first += 1
                sent = 0
            }
        }
        if first > 64 {
            pieces.removeFirst(first)
            first = 0
        }
        return total
    }
}
