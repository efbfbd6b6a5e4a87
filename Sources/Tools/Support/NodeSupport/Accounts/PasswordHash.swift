// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// A salted scrypt hash of a password (RFC 7914), and its text form.
///
///     hash       = "{SCRYPT}" parameters "$" salt "$" key
///     parameters = "ln=" number ",r=" number ",p=" number    ; N = 2^ln
///     salt       = base64 of 8 to 64 bytes                   ; RFC 4648 section 4, padded
///     key        = base64 of 32 bytes
///
/// The hash never prints itself: its description is `<redacted>`; use ``text`` to store it.
package struct PasswordHash: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The cost of a hash.
    package struct Parameters: Hashable, Sendable {
        /// The binary logarithm of the number of rounds.
        package let logRounds: Int
        /// The block size factor.
        package let blockSize: Int
        /// The number of independent mixings.
        package let parallelism: Int

        /// What new hashes use: 16 MiB, and 40 to 50 ms of one core of a small server in a release build.
        package static let standard = Parameters(unchecked: 14, 8, 1)

        /// Checks parameters against the limits, so that no stored hash can take the memory or the processor.
        ///
        /// - Parameters:
        ///   - logRounds: 1 to 18.
        ///   - blockSize: 1 to 8.
        ///   - parallelism: 1 to 16.
        /// - Throws: ``NodeError`` with `passwordHashMalformed` outside these ranges, above
        ///   ``PasswordHash/maximumMemoryBytes`` or above ``PasswordHash/maximumWork``.
        package init(logRounds: Int, blockSize: Int, parallelism: Int) throws(NodeError) {
            // RFC 7914 section 2: N < 2^(128 * r / 8).
            guard (1...18).contains(logRounds), (1...8).contains(blockSize), (1...16).contains(parallelism),
                logRounds < 16 * blockSize
            else {
                throw NodeError(
                    .passwordHashMalformed,
                    "the hash's parameters are out of range (ln 1 to 18, r 1 to 8, p 1 to 16); "
                        + "make a new hash with pluto hash-password"
                )
            }
            self.init(unchecked: logRounds, blockSize, parallelism)
            guard memoryBytes <= PasswordHash.maximumMemoryBytes, work <= PasswordHash.maximumWork else {
                throw NodeError(
                    .passwordHashMalformed,
                    "the hash wants \(memoryBytes) bytes and \(work) units of work; the limits are "
                        + "\(PasswordHash.maximumMemoryBytes) and \(PasswordHash.maximumWork); "
                        + "make a new hash with pluto hash-password"
                )
            }
        }

        private init(unchecked logRounds: Int, _ blockSize: Int, _ parallelism: Int) {
            self.logRounds = logRounds
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        /// The memory of one verification.
        package var memoryBytes: Int { 128 * blockSize << logRounds }
        /// The time of one verification, in mixed blocks.
        package var work: Int { blockSize * parallelism << logRounds }
    }

    /// The most memory that a stored hash may ask for: 32 MiB.
    package static let maximumMemoryBytes = 32 << 20
    /// The most work that a stored hash may ask for: 8 times the standard's.
    package static let maximumWork = 1 << 20
    /// The most bytes of a password.
    package static let maximumPasswordBytes = 1024
    /// The most bytes of a hash's text form.
    package static let maximumTextBytes = 256
    /// What a hash's text form begins with.
    package static let scheme = "{SCRYPT}"

    private static let saltBytes = 16
    private static let keyBytes = 32

    /// The cost of this hash.
    package let parameters: Parameters
    private let salt: [UInt8]
    private let key: [UInt8]

    private init(parameters: Parameters, salt: [UInt8], key: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.key = key
    }

    // MARK: Making

    /// Hashes a password with a new random salt.
    ///
    /// Takes as long as one verification: do not call it on an event loop.
    ///
    /// - Parameters:
    ///   - password: 1 to 1024 bytes.
    ///   - parameters: The cost.
    /// - Returns: The hash.
    /// - Throws: ``NodeError`` with `passwordInvalid`, or `passwordHashMalformed` when there is no memory for it.
    package static func make(
        password: [UInt8], parameters: Parameters = .standard
    ) throws(NodeError) -> PasswordHash {
        var generator = SystemRandomNumberGenerator()
        return try make(password: password, parameters: parameters, using: &generator)
    }

    /// Hashes a password with a salt from a generator.
    ///
    /// - Parameters:
    ///   - password: 1 to 1024 bytes.
    ///   - parameters: The cost.
    ///   - generator: Gives the salt; must be cryptographically strong outside tests.
    /// - Returns: The hash.
    /// - Throws: ``NodeError`` with `passwordInvalid`, or `passwordHashMalformed` when there is no memory for it.
    package static func make(
        password: [UInt8], parameters: Parameters, using generator: inout some RandomNumberGenerator
    ) throws(NodeError) -> PasswordHash {
        guard (1...maximumPasswordBytes).contains(password.count) else {
            throw NodeError(
                .passwordInvalid, "the password has \(password.count) bytes; give 1 to \(maximumPasswordBytes)")
        }
        let salt = (0..<saltBytes).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
        let key = try derive(password, salt: salt, parameters: parameters)
        return PasswordHash(parameters: parameters, salt: salt, key: key)
    }

    /// Makes a hash that no password matches, at no cost: it stands in for the hash of a user who does not exist.
    ///
    /// - Parameter parameters: The cost of comparing with it.
    /// - Returns: The hash; salt and key are random.
    static func unmatchable(parameters: Parameters) -> PasswordHash {
        PasswordHash(
            parameters: parameters, salt: (0..<saltBytes).map { _ in UInt8.random(in: 0 ... .max) },
            key: (0..<keyBytes).map { _ in UInt8.random(in: 0 ... .max) })
    }

    // MARK: Verifying

    /// Compares a password with this hash.
    ///
    /// The time depends on the parameters only.
    ///
    /// Blocks for the time of one scrypt: call it through ``PasswordVerifier`` in a server.
    ///
    /// - Parameter password: What somebody gave; an empty or overlong password never matches.
    /// - Returns: Whether it is the password.
    /// - Throws: ``NodeError`` with `passwordHashMalformed` when there is no memory for it.
    package func matches(_ password: [UInt8]) throws(NodeError) -> Bool {
        let isUsable = (1...Self.maximumPasswordBytes).contains(password.count)
        let derived = try Self.derive(isUsable ? password : [0], salt: salt, parameters: parameters)
        var difference: UInt8 = isUsable ? 0 : 1
        for index in 0..<Self.keyBytes { difference |= derived[index] ^ key[index] }
        return difference == 0
    }

    /// Compares a password with a stored hash.
    ///
    /// - Parameters:
    ///   - password: What somebody gave.
    ///   - text: A hash's text form.
    /// - Returns: Whether it is the password.
    /// - Throws: ``NodeError`` with `passwordHashMalformed`.
    package static func verify(_ password: [UInt8], against text: String) throws(NodeError) -> Bool {
        try PasswordHash(parsing: text).matches(password)
    }

    // MARK: Text

    /// Parses a hash's text form.
    ///
    /// - Parameter text: What ``text`` gave.
    /// - Throws: ``NodeError`` with `passwordHashMalformed`; the message does not repeat the text.
    package init(parsing text: String) throws(NodeError) {
        guard text.utf8.count <= Self.maximumTextBytes, text.hasPrefix(Self.scheme) else {
            throw Self.malformed("it must begin with \(Self.scheme) and have at most \(Self.maximumTextBytes) bytes")
        }
        let parts = text.dropFirst(Self.scheme.count).split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw Self.malformed("it must have parameters, salt and key between $ signs") }
        parameters = try Self.parameters(in: parts[0])
        guard let salt = Self.base64(parts[1]), (8...64).contains(salt.count) else {
            throw Self.malformed("the salt must be 8 to 64 bytes in base64")
        }
        guard let key = Self.base64(parts[2]), key.count == Self.keyBytes else {
            throw Self.malformed("the key must be \(Self.keyBytes) bytes in base64")
        }
        self.salt = salt
        self.key = key
    }

    /// The form to store, such as `{SCRYPT}ln=14,r=8,p=1$...$...`.
    package var text: String {
        let cost = "ln=\(parameters.logRounds),r=\(parameters.blockSize),p=\(parameters.parallelism)"
        return "\(Self.scheme)\(cost)$\(Data(salt).base64EncodedString())$\(Data(key).base64EncodedString())"
    }

    /// `<redacted>`.
    package var description: String { Redacted<Never>.placeholder }

    /// A mirror without children.
    package var customMirror: Mirror { Mirror(self, children: []) }

    // MARK: Private

    /// Reads the cost.
    ///
    /// `"ln=" number ",r=" number ",p=" number`
    private static func parameters(in text: Substring) throws(NodeError) -> Parameters {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        var numbers: [Int] = []
        for (field, name) in zip(fields, ["ln=", "r=", "p="]) where field.hasPrefix(name) {
            let digits = field.dropFirst(name.count)
            guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits)
            else { continue }
            numbers.append(number)
        }
        guard fields.count == 3, numbers.count == 3 else { throw malformed("the parameters must read ln=14,r=8,p=1") }
        return try Parameters(logRounds: numbers[0], blockSize: numbers[1], parallelism: numbers[2])
    }

    /// Canonical padded base64, or `nil`.
    private static func base64(_ text: Substring) -> [UInt8]? {
        guard let data = Data(base64Encoded: String(text)), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }

    private static func derive(
        _ password: [UInt8], salt: [UInt8], parameters: Parameters
    ) throws(NodeError) -> [UInt8] {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: password, salt: salt, outputByteCount: keyBytes, rounds: 1 << parameters.logRounds,
                blockSize: parameters.blockSize, parallelism: parameters.parallelism)
            return key.withUnsafeBytes { Array($0) }
        } catch {
            throw NodeError(
                .passwordHashMalformed, "scrypt failed with \(parameters.memoryBytes) bytes; is there enough memory?",
                cause: error)
        }
    }

    private static func malformed(_ reason: String) -> NodeError {
        NodeError(
            .passwordHashMalformed, "the password hash is malformed: \(reason); make a new one with pluto hash-password"
        )
    }
}
