// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import MailStore

extension IMAPConnection {
    /// Makes ready for a message, before the client is asked for its bytes (RFC 3501 section 6.3.11).
    mutating func beginUpload(_ target: AppendTarget) async throws -> SessionReply {
        await abortUpload()
        let date = target.date.map {
            MessageDate(seconds: $0.secondsSinceEpoch, zoneMinutes: Int16(clamping: $0.zoneMinutes))
        }
        upload = try await authenticated().beginUpload(
            to: target.mailbox.value, size: UInt64(target.byteCount), flags: FlagMapping.stored(target.flags),
            date: date)
        uploadHeader = HeaderCollector()
        return .appendReady
    }

    /// Adds bytes to the upload; a failure is kept for the end, so that the literal is still taken to its last byte.
    mutating func add(_ bytes: [UInt8]) async -> SessionReply {
        uploadHeader?.add(bytes)
        await upload?.write(bytes)
        return .appendDataAccepted
    }

    mutating func finishUpload() async throws -> SessionReply {
        guard let finished = upload else { throw MailStoreError(.unavailable, "the upload was given up") }
        upload = nil
        let header = uploadHeader?.finish()
        uploadHeader = nil
        let result = try await finished.finish()
        // Those who are told of a new message ask for its header next.
        if let header {
            services.headers.insert(HeaderCache.Entry(header: header, envelope: nil), for: result.body)
        }
        return .appended(
            uidValidity: try FlagMapping.validity(result.uidValidity), uid: try result.uid.map(FlagMapping.uid))
    }

    mutating func abortUpload() async {
        await upload?.abort()
        upload = nil
        uploadHeader = nil
    }
}
