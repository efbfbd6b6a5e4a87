// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import SyncJobs

/// Decides whether a result may be published.
enum ResultGuard {
    /// What there is to judge.
    struct Evidence: Hashable, Sendable {
        /// The result.
        var result: TreeCount
        /// The last published result.
        var published: TreeCount?
        /// How many files of the last published result are gone.
        var deleted: Int64?
    }

    /// Whether a mirror's result is counted before it is published.
    static func isNeeded(_ settings: GuardSettings) -> Bool {
        settings.minimumFiles != nil || settings.maximumShrinkPercent != nil || settings.maximumDeletePercent != nil
    }

    /// Refuses a result that has no file at all.
    ///
    /// - Parameter mirror: the mirror.
    /// - Returns: the failure.
    static func empty(_ mirror: MirrorSettings) -> RunFailure {
        RunFailure(
            .refused,
            "the result has no files and is not published: is the path of the upstream \(mirror.upstream) right?")
    }

    /// Judges a result.
    ///
    /// - Parameters:
    ///   - evidence: what there is to judge.
    ///   - settings: what is asked of it.
    /// - Throws: ``RunFailure`` of class `refused` that says which limit is broken, and by how much.
    static func check(_ evidence: Evidence, _ settings: GuardSettings) throws(RunFailure) {
        let files = evidence.result.files
        if let least = settings.minimumFiles, files < Int64(least) {
            throw RunFailure(.refused, "the result has \(files) files, fewer than min_files = \(least)")
        }
        guard let published = evidence.published, published.files > 0 else { return }
        if let percent = settings.maximumShrinkPercent {
            try shrink("files", files, published.files, percent)
            try shrink("bytes", evidence.result.bytes, published.bytes, percent)
        }
        if let percent = settings.maximumDeletePercent, let deleted = evidence.deleted,
            isMore(deleted, than: percent, of: published.files)
        {
            throw RunFailure(
                .refused,
                "the run deletes \(deleted) of \(published.files) files, more than max_delete_percent = \(percent)")
        }
    }

    private static func shrink(
        _ what: String, _ now: Int64, _ before: Int64, _ percent: Int
    ) throws(RunFailure) {
        guard isMore(before - now, than: percent, of: before) else { return }
        throw RunFailure(
            .refused, "the result shrank from \(before) to \(now) \(what), by more than max_shrink_percent = \(percent)"
        )
    }

    private static func isMore(_ part: Int64, than percent: Int, of whole: Int64) -> Bool {
        part > 0 && Int128(part) * 100 > Int128(whole) * Int128(percent)
    }
}
