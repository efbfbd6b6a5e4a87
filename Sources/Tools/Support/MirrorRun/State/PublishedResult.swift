// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// What a mirror's last published result held: what the next one is compared with.
struct PublishedResult: Sendable {
    private let directory: StateDirectory

    init(_ directory: StateDirectory) { self.directory = directory }

    /// What was published last; nothing when nothing was counted yet.
    func read(_ mirror: JobName) -> TreeCount? {
        guard let text = directory.read(mirror.text, in: "published") else { return nil }
        let parts = text.split { $0 == " " || $0 == "\n" }
        guard parts.count == 2, let files = Int64(parts[0]), let bytes = Int64(parts[1]), files >= 0, bytes >= 0 else {
            return nil
        }
        return TreeCount(files: files, bytes: bytes)
    }

    /// Notes what was published.
    func write(_ count: TreeCount, _ mirror: JobName) throws(RunFailure) {
        try directory.write(mirror.text, in: "published", "\(count.files) \(count.bytes)\n")
    }
}
