// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import SwiftASN1
package import X509

/// Loads certificates and private keys from PEM files (RFC 7468).
package enum PEMFiles {
    /// The most bytes of a PEM file.
    package static let maximumFileBytes = 1 << 20

    /// Loads a certificate and key that the operator brought.
    ///
    /// An expired certificate is no error: the server starts, clients complain, and ``ServerIdentity/notValidAfter``
    /// tells.
    ///
    /// - Parameters:
    ///   - certificate: A file with the server's certificate first, then the intermediate ones.
    ///   - key: A file with the certificate's unencrypted private key.
    /// - Returns: The identity.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable`, `fileTooLarge`, `pemMalformed`, `keyMismatch` or
    ///   `tlsUnusable`, naming the file and the remedy.
    package static func load(certificate: String, key: String) throws(NodeError) -> ServerIdentity {
        let chain = try certificates(in: try text(of: certificate), file: certificate)
        let secret = try privateKey(in: try text(of: key), file: key)
        // `certificates` never returns an empty chain.
        guard let leaf = chain.first, leaf.publicKey == secret.key.publicKey else {
            let isLater = chain.contains { $0.publicKey == secret.key.publicKey }
            let remedy =
                isLater
                ? "put the server's certificate first in \(certificate)"
                : "give the key that \(certificate) was made for"
            throw NodeError(
                .keyMismatch, "\(key): does not belong to the first certificate of \(certificate); \(remedy)")
        }
        let context = try ServerTLS.context(chain: chain, key: secret.document, file: certificate)
        return ServerIdentity(
            context: context, certificatePath: certificate, authorityPath: nil, notValidAfter: leaf.notValidAfter,
            changes: [])
    }

    /// The certificates of a PEM text, at least one; other blocks and text between them are left out.
    ///
    /// - Parameters:
    ///   - text: The PEM text.
    ///   - file: Where it came from, for messages.
    /// - Returns: The certificates in the text's order.
    /// - Throws: ``NodeError`` with `pemMalformed`.
    package static func certificates(in text: String, file: String) throws(NodeError) -> [Certificate] {
        let documents = try documents(in: text, file: file)
        var chain: [Certificate] = []
        for document in documents where document.discriminator == Certificate.defaultPEMDiscriminator {
            do {
                chain.append(try Certificate(pemDocument: document))
            } catch {
                throw malformed(file, "certificate \(chain.count + 1) cannot be read", cause: error)
            }
        }
        guard !chain.isEmpty else { throw malformed(file, "there is no BEGIN CERTIFICATE block") }
        return chain
    }

    /// The private key of a PEM text: the first block that is one.
    ///
    /// - Parameters:
    ///   - text: The PEM text.
    ///   - file: Where it came from, for messages.
    /// - Returns: The key, and the block that holds it.
    /// - Throws: ``NodeError`` with `pemMalformed`; no message quotes the key.
    package static func privateKey(
        in text: String, file: String
    ) throws(NodeError) -> (key: Certificate.PrivateKey, document: PEMDocument) {
        let documents = try documents(in: text, file: file)
        guard let document = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
            throw malformed(file, "there is no BEGIN PRIVATE KEY block")
        }
        if document.discriminator.hasPrefix("ENCRYPTED") {
            throw NodeError(
                .pemMalformed, "\(file): the private key is encrypted; decrypt it with openssl pkey -in OLD -out NEW")
        }
        do {
            return (try Certificate.PrivateKey(pemDocument: document), document)
        } catch {
            // The cause is left out: a parser's message might quote the key.
            throw malformed(
                file, "the private key cannot be read (RSA from 2048 bits, P-256, P-384, P-521 and Ed25519 can)")
        }
    }

    /// Reads a PEM file.
    ///
    /// - Parameter path: The file.
    /// - Returns: Its text.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable` or `fileTooLarge`.
    package static func text(of path: String) throws(NodeError) -> String {
        String(decoding: try BoundedFile.read(path: path, limit: maximumFileBytes), as: UTF8.self)
    }

    private static func documents(in text: String, file: String) throws(NodeError) -> [PEMDocument] {
        do {
            return try PEMDocument.parseMultiple(pemString: text)
        } catch {
            // The cause is left out: a parser's message might quote a key.
            throw malformed(file, "it is not PEM")
        }
    }

    private static func malformed(_ file: String, _ reason: String, cause: (any Error)? = nil) -> NodeError {
        NodeError(
            .pemMalformed,
            "\(file): \(reason); restore the file from a copy, or move it and its pair away to have new ones made",
            cause: cause)
    }
}
