// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Reads secrets that stand in files of their own, so that the configuration can be shown to anybody.
struct SecretFile {
    /// The most bytes of such a file.
    static let maximumBytes = 64 << 10

    let report: ConfigReport

    /// Reads the secret that `key` holds, or the file that `key_file` names.
    ///
    /// - Parameters:
    ///   - key: The key of the secret itself.
    ///   - section: The table.
    /// - Returns: The secret, nil when there is none; what is wrong is reported.
    func read(_ key: String, in section: ConfigSection) -> Located<Secret>? {
        let fileKey = key + "_file"
        let direct = section.text(key)
        let named = section.text(fileKey)
        if let direct, !direct.value.isEmpty, let named, !named.value.isEmpty {
            section.tell(.error, at: named.place, "has both \(key) and \(fileKey); keep one of them")
            return nil
        }
        if let named, !named.value.isEmpty {
            return read(file: named, key: fileKey, section: section)
        }
        guard let direct, !direct.value.isEmpty else { return nil }
        if FilePermissions.isOpenToEverybody(direct.file) {
            report.add(
                .warning, at: direct.place,
                "\(key) is a secret and everybody on this machine may use the file: chmod o= \(direct.file), or put "
                    + "the secret into a file and name it with \(fileKey)")
        }
        return direct.map { Secret($0) }
    }

    private func read(file named: Located<String>, key: String, section: ConfigSection) -> Located<Secret>? {
        let path = ConfigPaths(file: named.file).resolve(named.value)
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path: path, limit: Self.maximumBytes)
        } catch {
            section.tell(.error, at: named.place, "\(key): \(error.message)")
            return nil
        }
        if FilePermissions.isOpenToEverybody(path) {
            section.tell(
                .error, at: named.place, "\(key): everybody on this machine may use \(path); run chmod 600 \(path)")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            section.tell(.error, at: named.place, "\(key): \(path) is not a text in UTF-8")
            return nil
        }
        let secret = String(text.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" })
        guard !secret.isEmpty else {
            section.tell(.error, at: named.place, "\(key): the first line of \(path) is empty; write the secret there")
            return nil
        }
        return Located(Secret(secret), at: named.place)
    }
}
