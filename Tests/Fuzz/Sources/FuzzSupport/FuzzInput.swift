// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// What every entry point does with an input of libFuzzer.
package enum FuzzInput {
    /// Checks one input, and ends the process with the reason when something is wrong.
    ///
    /// - Parameters:
    ///   - start: the first byte; may be nil when there is none.
    ///   - count: the number of bytes.
    ///   - violation: the property.
    /// - Returns: 0, as libFuzzer wants.
    package static func check(
        _ start: UnsafePointer<UInt8>?, _ count: Int, _ violation: ([UInt8]) -> String?
    ) -> CInt {
        let input = Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
        guard let reason = violation(input) else { return 0 }
        // libFuzzer keeps the input of a process that aborts; the reason stands above its report.
        let line = Array("FINDING: \(reason)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        abort()
    }
}
