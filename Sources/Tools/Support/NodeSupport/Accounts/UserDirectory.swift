// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The users of a file: lines `name;password`, or with any other text between the two.
///
///     file    = [BOM] *( line LF )
///     line    = *WSP [ "#" *CHAR / entry ] [CR]
///     entry   = name *WSP separator stored        ; split at the first separator
///
/// Names are trimmed, passwords are not (but for the CR of a Windows line end). Blank lines and comments are skipped,
/// but they count: a user's ID is the number of the line, from 1, as in the original. So users that are moved to other
/// lines are other users to a cluster that places them by their IDs; put new ones at the end. Anything else that is not an entry, a name that appears twice, and a password that cannot be used are errors that
/// name the file and the line.
package struct UserDirectory: Sendable {
    /// What bounds a users file.
    package struct Limits: Hashable, Sendable {
        /// The most bytes of the file.
        package var maximumFileBytes = 64 << 20
        /// The most users.
        package var maximumUsers = 1_000_000

        /// The documented defaults.
        package init() {}
    }

    /// One user.
    struct Entry: Sendable {
        let name: UserName
        let password: StoredPassword
        let line: Int
    }

    private let entries: [String: Entry]

    /// The dearest hash parameters of any user; `nil` when all passwords are plain.
    let dearestParameters: PasswordHash.Parameters?

    /// Reads a users file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - separator: What stands between name and password: 1 to 16 bytes without line ends and control characters
    ///     other than the tab.
    ///   - limits: What bounds the file.
    /// - Returns: The users.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable`, `fileTooLarge` or `usersFileMalformed`.
    package static func load(
        path: String, separator: String = ";", limits: Limits = Limits()
    ) throws(NodeError) -> UserDirectory {
        let bytes = try BoundedFile.read(path: path, limit: limits.maximumFileBytes)
        return try UserDirectory(parsing: bytes, file: path, separator: separator, limits: limits)
    }

    /// Parses the content of a users file.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - file: The file's name, for messages.
    ///   - separator: What stands between name and password, as in ``load(path:separator:limits:)``.
    ///   - limits: What bounds the file.
    /// - Throws: ``NodeError`` with `usersFileMalformed`, naming file and line; no password is repeated.
    package init(
        parsing bytes: [UInt8], file: String, separator: String = ";", limits: Limits = Limits()
    ) throws(NodeError) {
        let separatorBytes = try Self.check(separator)
        var entries: [String: Entry] = [:]
        var dearest: PasswordHash.Parameters?
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        for (index, raw) in bytes[start...].split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = raw.last == 0x0D ? raw.dropLast() : raw
            guard let first = line.first(where: { !Self.isWhiteSpace($0) }), first != 0x23 else { continue }
            let entry = try Self.entry(in: line, number: index + 1, file: file, separator: separatorBytes)
            if let earlier = entries[entry.name.value] {
                throw Self.malformed(
                    file, index + 1, "the user \(entry.name) is already on line \(earlier.line); remove one of the two")
            }
            guard entries.count < limits.maximumUsers else {
                throw Self.malformed(file, index + 1, "more users than the limit of \(limits.maximumUsers)")
            }
            entries[entry.name.value] = entry
            if case .hash(let hash) = entry.password.form, hash.parameters.work > dearest?.work ?? 0 {
                dearest = hash.parameters
            }
        }
        self.entries = entries
        self.dearestParameters = dearest
    }

    /// How many users there are.
    package var count: Int { entries.count }

    /// All names, in order.
    package var names: [UserName] { entries.values.map(\.name).sorted() }

    /// Looks a user up.
    ///
    /// - Parameter name: The name as a client gave it.
    /// - Returns: The entry, whose name is spelled as in the file; `nil` when there is none.
    func entry(for name: String) -> Entry? {
        // Longer names cannot be in the directory; they are not worth hashing.
        name.utf8.count <= UserName.maximumBytes * 4 ? entries[name] : nil
    }

    // MARK: Private

    private static func entry(
        in line: ArraySlice<UInt8>, number: Int, file: String, separator: [UInt8]
    ) throws(NodeError) -> Entry {
        let line = line.drop(while: isWhiteSpace)
        guard let split = index(of: separator, in: line) else {
            let mark = String(decoding: separator, as: UTF8.self)
            throw malformed(
                file, number,
                "there is no \"\(mark)\" between name and password; write name\(mark)password"
            )
        }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw malformed(file, number, "the line is not UTF-8; save the file as UTF-8")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\t" }) else {
            throw malformed(file, number, "the line holds a control character; remove it")
        }
        let name = String(decoding: trimmed(line[..<split]), as: UTF8.self)
        let password = String(decoding: line[(split + separator.count)...], as: UTF8.self)
        do throws(NodeError) {
            return Entry(
                name: try UserName(name), password: try StoredPassword(parsing: password), line: number)
        } catch {
            throw malformed(file, number, error.message)
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let rest = bytes.drop(while: isWhiteSpace)
        return rest.lastIndex { !isWhiteSpace($0) }.map { rest[...$0] } ?? rest[rest.endIndex...]
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The index of the first separator.
    private static func index(of separator: [UInt8], in line: ArraySlice<UInt8>) -> Int? {
        guard line.count >= separator.count, let first = separator.first else { return nil }
        return (line.startIndex...(line.endIndex - separator.count)).first { index in
            line[index] == first && line[index...].starts(with: separator)
        }
    }

    private static func check(_ separator: String) throws(NodeError) -> [UInt8] {
        let isUsable =
            (1...16).contains(separator.utf8.count)
            && separator.unicodeScalars.allSatisfy { $0 == "\t" || $0.properties.generalCategory != .control }
        guard isUsable else {
            throw NodeError(
                .usersFileMalformed,
                "the separator of the users file must have 1 to 16 bytes, and no control characters but the tab")
        }
        return Array(separator.utf8)
    }

    private static func malformed(_ file: String, _ line: Int, _ reason: String) -> NodeError {
        NodeError(.usersFileMalformed, "\(file):\(line): \(reason)")
    }
}
