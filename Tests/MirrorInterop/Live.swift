// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

/// All tests that run real processes, one after the other: each has a manager, a worker and an rsync daemon of its own.
@Suite(.serialized, .onOwnThread) enum Live {}

/// The built program, beside the tests.
enum MirrorProgram {
    static let path: String = {
        // The tests run as an executable bundle, or in a runner that is given the bundle's path.
        let bundles = ["/proc/self/exe"] + CommandLine.arguments.filter { $0.contains(".xctest") }
        for bundle in bundles {
            guard let resolved = realpath(bundle, nil) else { continue }
            defer { free(resolved) }
            let folder = String(cString: resolved).split(separator: "/").dropLast().joined(separator: "/")
            if access("/\(folder)/mirror", X_OK) == 0 { return "/\(folder)/mirror" }
        }
        return "mirror"
    }()

    /// Runs it to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> (
        status: Int32?, output: String
    ) {
        let (ending, output) = try ChildProcess.run([path] + arguments, environment: environment)
        guard case .exited(let status) = ending else { return (nil, output) }
        return (status, output)
    }
}

/// Waiting for what happens outside of the test.
enum Patience {
    /// The machine may be busy with other tests.
    static let limit: Duration = .seconds(240)

    /// Waits until something is there.
    ///
    /// - Parameters:
    ///   - what: what the failure says was waited for.
    ///   - details: what else it says.
    ///   - look: returns what was waited for; an error counts as "not yet".
    static func wait<Value>(
        for what: String, within limit: Duration = limit, details: () -> String = { "" },
        _ look: () async throws -> Value?
    ) async throws -> Value {
        let deadline = Deadline(limit)
        var last: (any Error)?
        while true {
            do {
                if let value = try await look() { return value }
                last = nil
            } catch {
                last = error
            }
            guard !deadline.isOver else {
                throw LiveFailure("not in time: \(what). \(last.map { "\($0)" } ?? "") \(details())")
            }
            try await Task.sleep(for: .milliseconds(25))
        }
    }
}

/// Ports of loopback that nobody listens on now.
enum FreePort {
    /// Finds some; all are held until the last is found, so that they differ.
    static func find(_ count: Int) throws -> [Int] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        var ports: [Int] = []
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw LiveFailure.system("socket") }
            descriptors.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
                }
            }
            guard status == 0 else { throw LiveFailure.system("bind") }
            ports.append(Int(UInt16(bigEndian: address.sin_port)))
        }
        return ports
    }
}
