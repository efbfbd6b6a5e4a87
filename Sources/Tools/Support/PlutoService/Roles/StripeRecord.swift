// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// The number that a store was made with, in a file beside it.
///
/// Members are numbered in the order of their names as long as the configuration does not say otherwise. So a new name in
/// the file would give others another number, and with it the UIDs that somebody else assigns: two messages could get one
/// UID. A node whose number has changed does not start.
enum StripeRecord {
    /// The file's name inside a store's directory: one line with the number.
    static let fileName = "member-number"
    private static let maximumBytes = 16

    /// Writes the number down at the first start, and compares it at all others.
    ///
    /// - Parameters:
    ///   - stripe: The number that the configuration gives.
    ///   - node: The node's name.
    ///   - group: Its group.
    ///   - directory: The store's directory.
    /// - Throws: ``NodeError`` with `memberNumberChanged`, or when the file cannot be read or written.
    static func keep(
        _ stripe: UInt8, of node: String, group: GroupSettings, directory: String
    ) throws(NodeError) {
        let path = directory + "/" + fileName
        guard let bytes = try BoundedFile.readIfPresent(path: path, limit: maximumBytes) else {
            return try AtomicFile.write(path: path, bytes: Array("\(stripe)\n".utf8), mode: 0o600)
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let former = UInt8(text) else {
            throw NodeError(
                .memberNumberChanged, "\(path): should hold the node's number in \(group.name), not \"\(text)\"")
        }
        guard former == stripe else {
            throw NodeError(
                .memberNumberChanged,
                "\(node) has the number \(former) in the group \(group.name), and the configuration gives it \(stripe): "
                    + "members are numbered in the order of their names, and there is another name; list them under "
                    + "[Replication.Members] in the order that pluto member list shows, the same in all files")
        }
    }
}

extension NodeError.Code {
    /// The configuration gives a node another number in its group than it had.
    static let memberNumberChanged = NodeError.Code("memberNumberChanged")
}
