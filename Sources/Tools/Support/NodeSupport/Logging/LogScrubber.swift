// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Decides which metadata keys name a secret.
///
/// A key is split into words at everything that is neither letter nor digit and where a capital follows a small letter;
/// it is sensitive when one of its words is on the list. So `password`, `client-secret`, `api_token` and `apiKey` are
/// redacted, `monkey` is not.
package enum LogScrubber {
    /// The words that name a secret.
    package static let sensitiveWords: Set<String> = [
        "password", "passwd", "secret", "token", "authorization", "key", "credential", "credentials",
    ]

    /// Whether the value under this key must not be logged.
    ///
    /// - Parameter key: A metadata key.
    /// - Returns: `true` when one of the key's words names a secret.
    package static func isSensitive(_ key: String) -> Bool {
        var word = ""
        var previousIsSmall = false
        for scalar in key.unicodeScalars {
            let isCapital = ("A"..."Z").contains(scalar)
            let isSmall = ("a"..."z").contains(scalar)
            let isDigit = ("0"..."9").contains(scalar)
            if (isCapital && previousIsSmall) || !(isCapital || isSmall || isDigit) {
                if sensitiveWords.contains(word) { return true }
                word = ""
            }
            if isCapital || isSmall || isDigit {
                word.unicodeScalars.append(isCapital ? Unicode.Scalar(UInt8(scalar.value) + 0x20) : scalar)
            }
            previousIsSmall = isSmall || isDigit
        }
        return sensitiveWords.contains(word)
    }
}
