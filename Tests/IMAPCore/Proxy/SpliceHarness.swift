// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import IMAPCore

/// A client, the proxy under test and, one after the other, servers on one store.
final class SpliceHarness {
    let store: ModelStore
    private(set) var shell: ModelShell
    private var splice = SpliceMachine()
    /// What has come to the client.
    private(set) var output: [UInt8] = []
    private(set) var finished: [String] = []
    private(set) var closed: String?
    /// What the proxy has sent to the present server.
    private(set) var toServer: [UInt8] = []
    private var isDown = false
    private var ticket: [UInt8] = []
    /// What the server has sent and the proxy has not received.
    private var wire: [ModelShell.Frame] = []
    /// Whether what the server sends is received at once.
    var isFast = true

    init(_ store: ModelStore = ModelStore()) throws {
        self.store = store
        shell = try ModelShell(store, resuming: nil)
        shell.open()
    }

    var wantsClientInput: Bool { splice.wantsClientInput }
    var commandsInProgress: Int { splice.commandsInProgress }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        splice.receiveFromClient(bytes.span)
        drain()
    }

    /// What came since the last time, as lines.
    func lines() -> [String] {
        defer { output = [] }
        var lines = String(decoding: output, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines.map(String.init)
    }

    func line(_ text: String) -> [String] {
        send(text + "\r\n")
        return lines()
    }

    /// Takes what the server has sent, all or a part.
    func collect() { wire += shell.takeFrames() }

    func receive(bytes limit: Int = .max) {
        collect()
        var left = limit
        while left > 0, let frame = wire.first {
            wire.removeFirst()
            switch frame {
            case .data(let bytes):
                if bytes.count > left { wire.insert(.data(Array(bytes[left...])), at: 0) }
                let part = Array(bytes.prefix(left))
                left -= part.count
                splice.receiveFromServer(part.span)
            case .change(let bytes, let update):
                // A change comes whole or not at all.
                left -= bytes.count + 1
                splice.receiveFromServer(changing: update, bytes.span)
            }
            drain()
            collect()
        }
    }

    /// The server dies; what it has sent and nobody has received is lost.
    func kill() {
        wire = []
        isDown = true
        splice.linkLost(isReleased: false)
        drain()
    }

    /// The server gives the session up.
    func release() {
        shell.machine.release()
        shell.drain()
        guard shell.isReleased else { return }
        receive()
        isDown = true
        splice.linkLost(isReleased: true)
        drain()
    }

    /// Another server takes over.
    func recover() throws {
        guard isDown, closed == nil else { return }
        shell = try ModelShell(store, resuming: ticket)
        toServer = []
        shell.open()
        isDown = false
        splice.linkRestored()
        drain()
    }

    func failOver() throws {
        kill()
        try recover()
    }

    func giveUp() {
        splice.giveUp("nobody is there")
        drain()
    }

    func pumpServer() {
        shell.drain()
        drain()
    }

    private func drain() {
        while true {
            while let directive = splice.nextDirective() {
                switch directive {
                case .sendToClient(let bytes): output += bytes
                case .sendToServer(let bytes):
                    toServer += bytes
                    if !isDown, !shell.isClosed { shell.feed(bytes) }
                case .commandFinished(let name, let status): finished.append("\(name) \(status.rawValue)")
                case .reconnect(let bytes): ticket = bytes
                case .close(let reason): closed = reason
                }
            }
            let problem = splice.checkInvariants()
            #expect(problem == nil)
            guard isFast, !isDown else { return }
            collect()
            guard !wire.isEmpty else { return }
            isFast = false
            receive()
            isFast = true
        }
    }
}
