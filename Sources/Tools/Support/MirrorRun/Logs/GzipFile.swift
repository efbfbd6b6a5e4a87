// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CZlib
internal import Glibc
internal import SyncJobs

/// Files in gzip's format (RFC 1952), written and read in pieces.
enum GzipFile {
    static let pieceBytes = 256 << 10

    /// Compresses a file beside it and puts the result in its place under another name.
    ///
    /// - Parameters:
    ///   - source: the file, which is removed after success.
    ///   - target: where the result is to be; it gets the times of the source.
    ///   - isStopped: asked between pieces whether to give up, which leaves the source as it was.
    /// - Returns: false when it gave up.
    /// - Throws: ``RunFailure`` that says what the system refused.
    @discardableResult
    static func compress(
        _ source: String, to target: String, isStopped: () -> Bool = { false }
    ) throws(RunFailure) -> Bool {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw RunFailure.system("open \(source)", errno) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0 else { throw RunFailure.system("look at \(source)", errno) }
        let temporary = target + ".new"
        _ = unlink(temporary)
        let output = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw RunFailure.system("open \(temporary)", errno) }
        defer { close(output) }
        do throws(RunFailure) {
            guard try deflate(input, output, source, isStopped) else {
                _ = unlink(temporary)
                return false
            }
            let times = [status.st_atim, status.st_mtim]
            _ = fchmod(output, status.st_mode & 0o777)
            _ = futimens(output, times)
            guard rename(temporary, target) == 0 else { throw RunFailure.system("rename \(temporary)", errno) }
        } catch {
            _ = unlink(temporary)
            throw error
        }
        guard unlink(source) == 0 else { throw RunFailure.system("remove \(source)", errno) }
        return true
    }

    private static func deflate(
        _ input: Int32, _ output: Int32, _ source: String, _ isStopped: () -> Bool
    ) throws(RunFailure) -> Bool {
        var stream = z_stream()
        // 16 more than the window's bits asks for gzip's header and trailer.
        guard
            deflateInit2_(
                &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw RunFailure.system("compress \(source)", ENOMEM) }
        defer { deflateEnd(&stream) }
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        var packed = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            if isStopped() { return false }
            let count = read(input, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunFailure.system("read \(source)", errno) }
            let code = piece.withUnsafeMutableBufferPointer { piece in
                packed.withUnsafeMutableBufferPointer { packed -> Int32 in
                    stream.next_in = piece.baseAddress
                    stream.avail_in = UInt32(count)
                    repeat {
                        stream.next_out = packed.baseAddress
                        stream.avail_out = UInt32(packed.count)
                        CZlib.deflate(&stream, count == 0 ? Z_FINISH : Z_NO_FLUSH)
                        let made = packed.count - Int(stream.avail_out)
                        let code = Descriptors.write(UnsafeRawBufferPointer(packed)[..<made].rebased, to: output)
                        if code != 0 { return code }
                    } while stream.avail_out == 0
                    return 0
                }
            }
            if code != 0 { throw RunFailure.system("write the compressed \(source)", code) }
            if count == 0 { return true }
        }
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    /// The same bytes, counted from 0.
    var rebased: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self) }
}

/// Reads a file in gzip's format piece by piece.
final class GzipReader {
    private let descriptor: Int32
    private let path: String
    private var stream = z_stream()
    private var input = [UInt8](repeating: 0, count: GzipFile.pieceBytes)
    private var unread = 0..<0
    private var isOver = false

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - descriptor: the file, which the reader closes.
    ///   - path: its name, for messages.
    /// - Throws: ``RunFailure`` that says what the system refused.
    init(_ descriptor: Int32, path: String) throws(RunFailure) {
        self.descriptor = descriptor
        self.path = path
        let code = inflateInit2_(&stream, MAX_WBITS + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw RunFailure.system("decompress \(path)", ENOMEM) }
    }

    deinit {
        inflateEnd(&stream)
        close(descriptor)
    }

    /// The next bytes; none at the end.
    func next() throws(RunFailure) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: GzipFile.pieceBytes)
        while !isOver {
            if unread.isEmpty { try fill() }
            if unread.isEmpty { throw RunFailure(.permanent, "\(path) ends in the middle") }
            var made = 0
            let code = input.withUnsafeMutableBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output -> Int32 in
                    stream.next_in = input.baseAddress.map { $0 + unread.lowerBound }
                    stream.avail_in = UInt32(unread.count)
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(output.count)
                    let code = inflate(&stream, Z_NO_FLUSH)
                    unread = (unread.upperBound - Int(stream.avail_in))..<unread.upperBound
                    made = output.count - Int(stream.avail_out)
                    return code
                }
            }
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                throw RunFailure(.permanent, "\(path) is not a sound gzip file")
            }
            if code == Z_STREAM_END { isOver = true }
            if made > 0 { return Array(output[..<made]) }
        }
        return []
    }

    private func fill() throws(RunFailure) {
        while true {
            let count = read(descriptor, &input, input.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunFailure.system("read \(path)", errno) }
            unread = 0..<count
            return
        }
    }
}
