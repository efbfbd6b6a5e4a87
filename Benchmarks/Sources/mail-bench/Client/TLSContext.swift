// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import COpenSSL
internal import Glibc

/// What all client connections of a run share: the authority that they trust, and nothing that a server keeps.
///
/// Sessions are not resumed, so that each login costs both servers a whole handshake.
final class TLSContext: @unchecked Sendable {
    // OpenSSL counts the references of an SSL_CTX atomically, and nothing changes it after init.
    fileprivate let pointer: OpaquePointer

    /// Makes a context.
    ///
    /// - Parameter authority: a PEM file with the certificate that signed the servers'.
    /// - Throws: `BenchFailure` when the file cannot be read.
    init(trusting authority: String) throws {
        guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw TLSFailure.last("SSL_CTX_new") }
        guard SSL_CTX_load_verify_locations(pointer, authority, nil) == 1 else {
            SSL_CTX_free(pointer)
            throw TLSFailure.last("\(authority): no certificates")
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        self.pointer = pointer
    }

    deinit { SSL_CTX_free(pointer) }
}

/// The reasons that OpenSSL gives.
enum TLSFailure {
    static func last(_ call: String) -> BenchFailure {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        let reason = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return BenchFailure("\(call): \(String(decoding: reason, as: UTF8.self))")
    }
}

/// A blocking TLS connection to a port of this machine.
final class TLSSocket {
    private let socket: Int32
    private let session: OpaquePointer

    /// Connects and shakes hands.
    ///
    /// - Parameters:
    ///   - port: the port of 127.0.0.1.
    ///   - context: whom to trust.
    /// - Throws: `BenchFailure`.
    init(port: Int, context: TLSContext) throws {
        socket = try LoopbackSocket.connect(port: port)
        guard let session = SSL_new(context.pointer) else {
            close(socket)
            throw TLSFailure.last("SSL_new")
        }
        self.session = session
        SSL_set_fd(session, socket)
        SSL_set1_host(session, "localhost")
        guard SSL_connect(session) == 1 else { throw TLSFailure.last("TLS handshake") }
    }

    deinit {
        SSL_free(session)
        close(socket)
    }

    /// Sends all bytes.
    func send(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        var count = 0
        guard SSL_write_ex(session, bytes.baseAddress, bytes.count, &count) == 1, count == bytes.count else {
            throw TLSFailure.last("SSL_write")
        }
    }

    /// Waits for bytes.
    ///
    /// - Returns: how many came; zero at the end.
    func receive(_ room: UnsafeMutableRawBufferPointer) throws -> Int {
        var count = 0
        guard SSL_read_ex(session, room.baseAddress, room.count, &count) == 1 else {
            guard SSL_get_error(session, 0) == SSL_ERROR_ZERO_RETURN else { throw TLSFailure.last("SSL_read") }
            return 0
        }
        return count
    }

    /// Gives up waiting for bytes after a time, from now on.
    func limitWaiting(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }
}
