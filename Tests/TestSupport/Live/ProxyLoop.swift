// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

/// The thread of a ``LinkProxy``: waits for sockets with poll(2), and moves bytes when they are due.
final class ProxyLoop {
    private let listener: Int32
    private let shared: ProxyShared
    private var connections: [ProxyConnection] = []

    init(listener: Int32, shared: ProxyShared) {
        self.listener = listener
        self.shared = shared
    }

    /// Starts the thread, which owns the loop from now on.
    func start() throws -> pthread_t {
        var thread = pthread_t()
        let loop = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ProxyLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, loop.toOpaque())
        guard status == 0 else {
            loop.release()
            throw LiveFailure("pthread_create: \(String(cString: strerror(status)))")
        }
        return thread
    }

    private func run() {
        var behaviour = shared.behaviour.withLock { $0 }
        while !behaviour.isStopped {
            wait(behaviour)
            behaviour = shared.behaviour.withLock { $0 }
            accept(behaviour)
            for connection in connections { connection.move(behaviour, shared) }
            connections.removeAll { connection in
                guard connection.isOver || connection.generation < behaviour.generation else { return false }
                connection.close(isReset: !connection.isOver || connection.isBroken)
                return true
            }
            shared.totals.withLock { $0.open = connections.count }
        }
        for connection in connections { connection.close(isReset: true) }
        close(listener)
    }

    /// Waits until a socket is ready, bytes are due, or the behaviour has changed.
    private func wait(_ behaviour: LinkProxy.Behaviour) {
        var entries = [pollfd(fd: shared.wakeReader, events: Int16(POLLIN), revents: 0)]
        var due: ContinuousClock.Instant?
        if !behaviour.isFrozen {
            entries.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
            for connection in connections {
                connection.addInterests(to: &entries)
                if let time = connection.nextDue { due = min(due ?? time, time) }
            }
        }
        var milliseconds: Int32 = -1
        if let due {
            // Rounded up: a byte is never early, and at most a millisecond late.
            let (seconds, attoseconds) = max(.zero, due - .now).components
            milliseconds = Int32(
                min(seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000, 60_000))
        }
        poll(&entries, nfds_t(entries.count), milliseconds)
        var scratch = [UInt8](repeating: 0, count: 256)
        while read(shared.wakeReader, &scratch, scratch.count) > 0 {}
    }

    private func accept(_ behaviour: LinkProxy.Behaviour) {
        guard !behaviour.isFrozen else { return }
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            ProxySocket.makeNonblocking(client)
            shared.totals.withLock { $0.connections += 1 }
            guard !behaviour.isCut, let target = ProxySocket.connect(port: behaviour.target) else {
                ProxySocket.reset(client)
                continue
            }
            ProxySocket.sendAtOnce(client)
            connections.append(
                ProxyConnection(client: client, target: target, generation: behaviour.generation))
        }
    }
}

/// A connection through the proxy: two sockets and what is under way between them.
final class ProxyConnection {
    private var there: ProxyPipe
    private var back: ProxyPipe
    private let client: Int32
    private let target: Int32
    let generation: Int

    init(client: Int32, target: Int32, generation: Int) {
        self.client = client
        self.target = target
        self.generation = generation
        there = ProxyPipe(from: client, to: target, direction: .toTarget)
        back = ProxyPipe(from: target, to: client, direction: .fromTarget)
    }

    /// Whether nothing moves any more.
    var isOver: Bool { isBroken || (there.isOver && back.isOver) }

    /// Whether a socket failed.
    var isBroken: Bool { there.isBroken || back.isBroken }

    /// When the next bytes are due that wait for their time.
    var nextDue: ContinuousClock.Instant? {
        [there.nextDue, back.nextDue].compactMap { $0 }.min()
    }

    func addInterests(to entries: inout [pollfd]) {
        let clientEvents = (there.wantsRead ? Int16(POLLIN) : 0) | (back.wantsWrite ? Int16(POLLOUT) : 0)
        let targetEvents = (back.wantsRead ? Int16(POLLIN) : 0) | (there.wantsWrite ? Int16(POLLOUT) : 0)
        if clientEvents != 0 { entries.append(pollfd(fd: client, events: clientEvents, revents: 0)) }
        if targetEvents != 0 { entries.append(pollfd(fd: target, events: targetEvents, revents: 0)) }
    }

    func move(_ behaviour: LinkProxy.Behaviour, _ shared: ProxyShared) {
        guard !behaviour.isFrozen else { return }
        for direction in [LinkProxy.Direction.toTarget, .fromTarget] {
            let delay = behaviour.delays[direction] ?? .zero
            let count = direction == .toTarget ? there.move(delay: delay) : back.move(delay: delay)
            if count > 0 { shared.totals.withLock { $0.bytes[direction, default: 0] += count } }
        }
    }

    func close(isReset: Bool) {
        for socket in [client, target] {
            if isReset { ProxySocket.reset(socket) } else { Glibc.close(socket) }
        }
    }
}

/// One direction of a connection: bytes on their way, each piece with the time at which it arrives.
struct ProxyPipe {
    private static let maximumBytes = 16 << 20
    private static let pieceBytes = 128 << 10

    private let from: Int32
    private let to: Int32
    private var pieces: [(due: ContinuousClock.Instant, bytes: [UInt8])] = []
    private var sent = 0
    private var heldBytes = 0
    private var isAtEnd = false
    private(set) var isOver = false
    private(set) var isBroken = false

    init(from: Int32, to: Int32, direction: LinkProxy.Direction) {
        self.from = from
        self.to = to
    }

    var wantsRead: Bool { !isAtEnd && !isBroken && heldBytes < Self.maximumBytes }
    var wantsWrite: Bool { pieces.first.map { $0.due <= .now } ?? false }
    var nextDue: ContinuousClock.Instant? {
        guard let due = pieces.first?.due, due > .now else { return nil }
        return due
    }

    /// Reads what has come, and writes what is due.
    ///
    /// - Returns: how many bytes arrived at the other side.
    mutating func move(delay: Duration) -> Int {
        receive(delay: delay)
        let count = transmit()
        if isAtEnd, pieces.isEmpty, !isOver, !isBroken {
            shutdown(to, Int32(SHUT_WR))
            isOver = true
        }
        return count
    }

    private mutating func receive(delay: Duration) {
        while wantsRead {
            var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
            let count = recv(from, &piece, piece.count, 0)
            let code = errno
            if count > 0 {
                piece.removeLast(piece.count - count)
                pieces.append((.now + delay, piece))
                heldBytes += count
            } else if count == 0 {
                isAtEnd = true
            } else if code != EINTR {
                // A connection that is still being made has nothing to read yet.
                if code != EAGAIN, code != ENOTCONN { isBroken = true }
                return
            }
        }
    }

    private mutating func transmit() -> Int {
        var total = 0
        while let piece = pieces.first, piece.due <= .now {
            let count = piece.bytes.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                return send(to, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            let code = errno
            if count < 0 {
                if code == EINTR { continue }
                if code != EAGAIN, code != ENOTCONN { isBroken = true }
                return total
            }
            total += count
            sent += count
            heldBytes -= count
            if sent == piece.bytes.count {
                pieces.removeFirst()
                sent = 0
            }
        }
        return total
    }
}

/// The proxy's system calls.
enum ProxySocket {
    /// Listens on a free port of 127.0.0.1.
    static func listen() throws -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { throw LiveFailure.system("socket") }
        let bound = withAddress(port: 0) { bind(socket, $0, $1) }
        guard bound == 0, Glibc.listen(socket, 128) == 0 else {
            let failure = LiveFailure.system("bind")
            close(socket)
            throw failure
        }
        return socket
    }

    /// The port of a listening socket.
    static func port(of socket: Int32) throws -> Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard status == 0 else { throw LiveFailure.system("getsockname") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Begins to connect to a port of 127.0.0.1; `nil` when nobody listens there.
    static func connect(port: Int) -> Int32? {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { return nil }
        let status = withAddress(port: port) { Glibc.connect(socket, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else {
            close(socket)
            return nil
        }
        sendAtOnce(socket)
        return socket
    }

    /// Makes no call on a descriptor wait, and keeps it from child processes.
    static func makeNonblocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Sends small pieces at once.
    static func sendAtOnce(_ socket: Int32) {
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Closes with a reset.
    static func reset(_ socket: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(socket)
    }

    private static func withAddress(port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
