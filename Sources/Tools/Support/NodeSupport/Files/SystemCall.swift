// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Runs system calls again that a signal interrupted.
enum SystemCall {
    /// Repeats a call until it ends with something else than `EINTR`.
    ///
    /// - Parameter call: The call; negative means failure with the reason in `errno`.
    /// - Returns: The call's result, or the error number it left.
    static func retrying<Value: SignedInteger>(_ call: () -> Value) -> Outcome<Value> {
        while true {
            let value = call()
            if value >= 0 { return .value(value) }
            let code = errno
            if code != EINTR { return .failed(code) }
        }
    }

    /// What a call ended with.
    enum Outcome<Value: SignedInteger> {
        /// It worked.
        case value(Value)
        /// It failed with this error number.
        case failed(Int32)
    }

    /// Writes all bytes to a descriptor.
    ///
    /// - Parameters:
    ///   - bytes: What to write.
    ///   - descriptor: An open, blocking descriptor.
    /// - Returns: `nil`, or the error number of the write that failed.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                switch retrying({ write(descriptor, rest.baseAddress, rest.count) }) {
                case .value(let written): offset += written
                case .failed(let code): return code
                }
            }
            return nil
        }
    }
}
