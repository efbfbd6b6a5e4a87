// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import LiveTestSupport

/// Somebody who connects to a node with a certificate, or none, and sends what it likes: Python's TLS, so that no code of the service judges itself.
struct Attacker {
    /// What the node's end of the connection looked like from outside.
    struct Answer {
        /// The bytes that came back.
        var bytes: [UInt8]
        /// How the connection ended: `closed`, `open` when the node was still listening at the end, or an error of TLS.
        var ending: String
    }

    /// The protocol between replicas and the one between distributors and nodes (RFC 7301).
    static let replication = "kuiper-peer/1"
    static let front = "kuiper-front/1"

    /// A file of the certificate that it shows; nil for none.
    var certificate: String?
    var key: String?
    /// The authority that it believes; nil speaks no TLS at all.
    var authority: String?
    var applicationProtocol = replication

    private static let script = """
        import socket, ssl, sys
        port, certificate, key, authority, protocol, hangs_up = sys.argv[1:7]
        connection = socket.create_connection(('127.0.0.1', int(port)), timeout=30)
        received, ending = b'', 'closed'
        try:
            if authority:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.minimum_version = ssl.TLSVersion.TLSv1_3
                context.check_hostname = False
                context.load_verify_locations(authority)
                context.set_alpn_protocols([protocol])
                if certificate: context.load_cert_chain(certificate, key)
                connection = context.wrap_socket(connection)
            for part in sys.stdin.read().split():
                connection.sendall(bytes.fromhex(part))
            # Says goodbye in the middle: closing with unread octets would be a reset.
            if hangs_up == 'yes': connection.unwrap()
            else:
                while True:
                    chunk = connection.recv(65536)
                    if not chunk: break
                    received += chunk
        except TimeoutError: ending = 'open'
        except (ssl.SSLError, OSError) as error: ending = type(error).__name__ + ': ' + str(error)
        connection.close()
        print(received.hex() + ' ' + ending)
        """

    /// Connects, sends, and reads until the node closes the connection.
    ///
    /// - Parameters:
    ///   - port: where the node listens on loopback.
    ///   - parts: what is sent, each part by itself.
    ///   - hangsUp: ends the connection at once after sending, as a broken peer does.
    func attack(port: Int, _ parts: [[UInt8]], hangsUp: Bool = false) throws -> Answer {
        let arguments = ["\(port)", certificate ?? "", key ?? "", authority ?? "", applicationProtocol]
        let input = parts.map(Self.hexadecimal).joined(separator: "\n")
        let run = try ChildProcess.run(
            ["python3", "-c", Self.script] + arguments + [hangsUp ? "yes" : "no"], input: input)
        guard run.ending == .exited(0), let space = run.output.firstIndex(of: " ") else {
            throw LiveFailure("the attacker failed: \(run.ending)\n\(run.output)")
        }
        let digits = Array(run.output[..<space].utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
        }
        return Answer(bytes: bytes, ending: run.output[run.output.index(after: space)...].filter { !$0.isNewline })
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 2 ? text : "0" + text
        }.joined()
    }
}

extension Attacker.Answer {
    /// Why the node refused, as it told the attacker; nil when it said nothing of the kind.
    var refusal: RefusalReason? {
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            let body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            // What is no whole message is none of interest.
            let span = body.span
            if case .refuse(let reason) = try? PeerMessage(decoding: span.bytes) { return reason }
        }
        return nil
    }
}
