// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Lines for the person at the terminal, without a buffer in between.
public enum Console {
    /// Writes a line to the standard output.
    ///
    /// - Parameter text: the line without its end.
    public static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// Writes a line to the standard error.
    ///
    /// - Parameter text: the line without its end.
    public static func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
