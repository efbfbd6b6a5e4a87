// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Synchronization

/// A mailbox that a session has selected: a snapshot of it, and then everything that happens in it, in order and only when it is durable.
package final class OpenMailbox: Sendable {
    /// What SELECT tells.
    package struct Snapshot: Sendable {
        /// The mailbox.
        package let id: MailboxID
        /// The name under which it was opened.
        package let name: String
        /// The figures.
        package let counts: MailboxCounts
        /// The UIDs, ascending.
        package let uids: [UInt32]
        /// The keywords in use.
        package let keywords: [String]
        /// The first message without `\Seen`.
        package let firstUnseenUID: UInt32?
    }

    fileprivate struct Feed {
        var notices: [MailboxNotice] = []
        var keywords: Set<String>
        var isOverrun = false
        /// After the mailbox's end, what a new one of the same identity does is nobody's business here.
        var isDeleted = false
        var isClosed = false
    }

    /// The notices that are kept for a session that does not take them.
    static let noticeLimit = 200_000

    /// What there was when the mailbox was opened.
    package let snapshot: Snapshot
    let number: UInt64
    let account: MailAccount
    private let openedAt: UInt64
    private let signal: @Sendable () -> Void
    private let feed: Mutex<Feed>

    init(
        number: UInt64, account: MailAccount, snapshot: Snapshot, openedAt: UInt64,
        signal: @escaping @Sendable () -> Void
    ) {
        self.number = number
        self.account = account
        self.snapshot = snapshot
        self.openedAt = openedAt
        self.signal = signal
        feed = Mutex(Feed(keywords: Set(snapshot.keywords)))
    }

    /// What happened since the last call, in order.
    package func takeNotices() -> [MailboxNotice] {
        feed.withLock { feed in
            defer { feed.notices = [] }
            return feed.isOverrun ? [.overrun] : feed.notices
        }
    }

    /// The mailbox is no longer selected: nothing more is told.
    package func close() {
        feed.withLock { $0.isClosed = true }
        account.store.forget(self)
    }

    /// What the mailbox holds was replaced: the session has to begin anew.
    func supersede() {
        feed.withLock { feed in
            feed.isOverrun = true
            feed.notices = []
        }
        signal()
    }

    /// Takes what a unit did; units are numbered through the life of the process.
    func deliver(_ notices: [MailboxNotice], of unit: UInt64, isOwn: Bool) {
        // What the snapshot holds already is no news.
        guard unit > openedAt else { return }
        let isNews = feed.withLock { feed in
            guard !feed.isClosed, !feed.isOverrun, !feed.isDeleted else { return false }
            for notice in notices { feed.add(notice, isOwn: isOwn) }
            return true
        }
        if isNews { signal() }
    }
}

extension OpenMailbox.Feed {
    fileprivate mutating func add(_ notice: MailboxNotice, isOwn: Bool) {
        guard !isOverrun, !isDeleted else { return }
        if notices.count >= OpenMailbox.noticeLimit {
            isOverrun = true
            notices = []
            return
        }
        switch notice {
        case .keywordsSeen(let seen):
            let known = keywords.count
            keywords.formUnion(seen)
            if keywords.count > known { notices.append(.keywordsSeen(keywords.sorted())) }
        case .flagsChanged(let uid, let flags, let modSeq, _):
            notices.append(.flagsChanged(uid: uid, flags, modSeq: modSeq, isOwn: isOwn))
        case .deleted:
            isDeleted = true
            notices.append(notice)
        case .arrived, .vanished, .renamed, .overrun: notices.append(notice)
        }
    }
}
