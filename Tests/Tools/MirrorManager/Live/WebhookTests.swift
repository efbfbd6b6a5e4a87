// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Crypto
import MirrorConfig
@testable import MirrorManager
import MirrorWire
import Testing

@Suite struct WebhookTests {
    private static func fields(_ received: FakeWorker.Received) throws -> JSONFields {
        try JSONFields(JSONParser.parse(Array(received.body.utf8)))
    }

    @Test func changesAreToldSignedAndInOrder() async throws {
        try await FakeWorker.run { hook, url in
            var settings = TestManager.open
            settings.webhooks = [WebhookSettings(url: url + "hook", secret: Secret("key"))]
            try await TestManager.run(settings) { manager in
                for state in ["pre-syncing", "syncing", "success", "success", "syncing", "failed"] {
                    try await manager.status("a", state)
                }
                try await eventually("both events came") { hook.received.count >= 2 }
                let states = try hook.received.map { try Self.fields($0).object("mirror")?.string("status") }
                #expect(states == ["success", "failed"])
                #expect(try Self.fields(hook.received[0]).string("previous") == "syncing")
                for received in hook.received {
                    #expect(received.path == "/hook")
                    #expect(received.signature == WebhookSender.signature(Array(received.body.utf8), key: "key"))
                }
            }
        }
    }

    @Test func signaturesAreThoseOfTheStandard() {
        // RFC 4231, test case 2.
        #expect(
            WebhookSender.signature(Array("what do ya want for nothing?".utf8), key: "Jefe")
                == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test func whatWasNotTakenIsTriedAgain() async throws {
        try await FakeWorker.run { hook, url in
            var settings = TestManager.open
            settings.webhooks = [WebhookSettings(url: url, states: ["paused"])]
            hook.answer([.init(status: 500, body: "")])
            try await TestManager.run(settings) { manager in
                try await manager.status("a", "success")
                try await manager.status("a", "paused")
                try await eventually("it was tried twice") { hook.received.count >= 2 }
                #expect(hook.received[0].body == hook.received[1].body)
                #expect(hook.received[0].signature == nil)
                try await eventually("the metrics know") {
                    try await manager.get("/metrics").text.contains("mirror_webhooks_delivered_total 1\n")
                }
            }
        }
    }
}
