// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What `pluto pki` was asked to do.
package struct PKIOptions: Hashable, Sendable {
    /// The pair of an authority that exists already.
    package struct ExistingAuthority: Hashable, Sendable {
        /// Its certificate.
        package let certificatePath: String
        /// Its private key.
        package let keyPath: String

        /// Names the pair.
        ///
        /// - Parameters:
        ///   - certificatePath: The certificate.
        ///   - keyPath: The private key.
        package init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// The most days that a certificate may be valid: 100 years.
    package static let maximumDays = 36_500

    /// How long an authority is valid, in days.
    package var authorityDays = 3_650
    /// How long a node's or a public certificate is valid, in days; as in the original.
    package var leafDays = 90
    /// Replace files that are there.
    package var replacesFiles = false
    /// Sign with this authority instead of making one.
    package var existingAuthority: ExistingAuthority?
    /// Only nodes whose certificate ends within this many days get a new one; nil for all.
    package var endingWithinDays: Int?
    /// Hosts that public certificates name besides those of the configuration.
    package var publicHosts: [String] = []

    /// The documented defaults.
    package init() {}
}
