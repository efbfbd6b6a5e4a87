// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import FoundationEssentials
import Storage
import Synchronization
import Testing

@testable import MailStore

/// What the store refuses to open, and that refusing changes nothing.
@Suite("Refusals", .timeLimit(.minutes(10)))
struct StoreRefusalTests {
    @Test func aSecondProcessIsRefused() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        await expectRefusal(.locked, fixture)
        await store.close()
        let again = try await fixture.open()
        await again.close()
    }

    @Test func aNewerLayoutIsRefused() async throws {
        let fixture = try await filled()
        let engine = try LMDBEngine.open(directory: fixture.path + "/engine")
        try await engine.write { try $0.put([0, 0, 0, 0, 0, 0, 0, 2], for: EngineKey.layout) }
        engine.close()
        await expectRefusal(.corrupt, fixture, saying: "layout 2")
    }

    @Test func aDamagedAccountIsRefusedAndNothingChanges() async throws {
        let fixture = try await filled()
        let engine = try LMDBEngine.open(directory: fixture.path + "/engine")
        try await engine.write { writer in
            var keys: [[UInt8]] = []
            try writer.scan(from: [EngineKey.Family.record.rawValue], upTo: nil) { key, _ in
                if key.unsafeLoad(as: UInt8.self) == EngineKey.Family.record.rawValue { keys.append(key.copied()) }
                return true
            }
            for key in keys { try writer.put([1, 2, 3], for: key) }
        }
        engine.close()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        do {
            _ = try await alice.messages(of: "INBOX")
            Issue.record("a damaged record was read")
        } catch let error as MailStoreError {
            #expect(error.code == .corrupt)
        }
        // The other mailboxes are not concerned.
        #expect(try await alice.messages(of: "Sent").isEmpty)
        await store.close()
    }

    @Test func aDamagedLogIsRefusedAndNothingChanges() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        for number in 0..<20 { try await alice.append("message \(number)") }
        let copy = try fixture.crashed("crash")
        await store.close()
        let directory = copy + "/log"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).sorted().last)
        let file = directory + "/" + name
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[bytes.count / 2] ^= 0x40
        try bytes.write(to: URL(filePath: file))
        await expectRefusal(.corrupt, fixture, copy)
        #expect(try Data(contentsOf: URL(filePath: file)) == bytes)
    }

    @Test func aLogWithoutItsEngineIsRefused() async throws {
        let fixture = try await filled()
        try fixture.remove(fixture.path + "/engine")
        await expectRefusal(.corrupt, fixture, saying: "engine")
    }

    @Test func anEngineWithoutItsLogIsRefused() async throws {
        let fixture = try await filled()
        try fixture.remove(fixture.path + "/log")
        await expectRefusal(.corrupt, fixture)
    }

    @Test func aClosedStoreRefusesEverything() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let mailbox = try await alice.open("INBOX") {}
        let upload = try await alice.beginUpload(to: "INBOX", size: 3, flags: MessageFlagNames(), date: nil)
        await store.close()
        await store.close()
        await upload.write([1, 2, 3])
        for attempt in 0..<5 {
            do {
                switch attempt {
                case 0: _ = try await upload.finish()
                case 1: _ = try await mailbox.messages([1])
                case 2: _ = try await alice.createMailbox("x")
                case 3: _ = try await alice.beginUpload(to: "INBOX", size: 1, flags: MessageFlagNames(), date: nil)
                default: _ = try await store.account(named: "bob")
                }
                Issue.record("a closed store took attempt \(attempt)")
            } catch {
                #expect((error as? MailStoreError)?.code == .closed, "\(attempt): \(error)")
            }
        }
        mailbox.close()
    }

    @Test func sizesAndNamesAreChecked() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open { $0.messageBytes = 10 }
        let alice = try await store.account(named: "alice")
        for (size, name, code) in [
            (11, "INBOX", MailStoreError.Code.limitExceeded), (1, "nowhere", .noSuchMailbox),
        ] {
            do {
                _ = try await alice.beginUpload(to: name, size: UInt64(size), flags: MessageFlagNames(), date: nil)
                Issue.record("accepted")
            } catch {
                #expect((error as? MailStoreError)?.code == code)
            }
        }
        let upload = try await alice.beginUpload(to: "INBOX", size: 5, flags: MessageFlagNames(), date: nil)
        await upload.write([1, 2, 3])
        await #expect(throws: MailStoreError.self) { _ = try await upload.finish() }
        #expect(try await alice.messages(of: "INBOX").isEmpty)
        await store.close()
    }

    private func filled() async throws -> StoreFixture {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.append("one")
        try await store.checkpoint()
        try await alice.createMailbox("more")
        await store.close()
        return fixture
    }

    private func expectRefusal(
        _ code: MailStoreError.Code, _ fixture: StoreFixture, _ path: String? = nil, saying text: String = ""
    ) async {
        do {
            let store = try await fixture.open(path)
            await store.close()
            Issue.record("opened")
        } catch {
            let error = error as? MailStoreError
            #expect(error?.code == code, "\(String(describing: error))")
            #expect(error?.message.contains(text) ?? false, "\(String(describing: error))")
        }
    }
}
