// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// A folder in the temporary folder (`TMPDIR`) that goes with the program, at the latest.
public final class TemporaryFolder: Sendable {
    /// The folder.
    public let path: String
    private let cleanup: Cleanup
    private let ticket: Cleanup.Ticket

    /// Makes a folder.
    ///
    /// - Parameters:
    ///   - label: what it is for; part of its name.
    ///   - cleanup: what removes it when the program is interrupted.
    ///   - parent: where to make it; the temporary folder by default.
    /// - Throws: ``BenchFailure`` when it cannot be made.
    public init(_ label: String, cleanup: Cleanup, in parent: String? = nil) throws {
        let parent = parent ?? FileManager.default.temporaryDirectory.path
        self.cleanup = cleanup
        (path, ticket) = try cleanup.add(
            making: {
                var template = Array("\(parent)/kuiper-\(label)-XXXXXX".utf8CString)
                guard mkdtemp(&template) != nil else { throw BenchFailure.system("a temporary folder in \(parent)") }
                return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }, undo: { Self.delete($0) })
    }

    deinit { remove() }

    /// A file in the folder.
    ///
    /// - Parameter name: its name.
    /// - Returns: its path.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Removes the folder with all that is in it.
    public func remove() { cleanup.undo(ticket) }

    private static func delete(_ path: String) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            // A thread that still runs when the process ends may have made a file meanwhile: once more.
            do { try FileManager.default.removeItem(atPath: path) } catch {
                if FileManager.default.fileExists(atPath: path) {
                    Console.complain("\(path) cannot be removed: \(error.localizedDescription)")
                }
            }
        }
    }
}
