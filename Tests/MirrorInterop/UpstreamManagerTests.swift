// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Live {
    /// The control client with a manager of tunasync, whose answers were recorded.
    @Suite("Control client with tunasync's manager") struct UpstreamManager {
        private let server: CannedServer

        init() throws { server = try CannedServer(Self.answer) }

        @Test(arguments: [
            (
                ["start", "m1", "-w", "fake"],
                #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#
            ),
            (
                ["start", "-f", "-w", "fake", "m1", "a,b"],
                #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":["a","b"],"options":{"force":true}}"#
            ),
            (
                ["stop", "-w", "fake", "m1"],
                #"{"cmd":"stop","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#
            ),
            (
                ["disable", "-w", "fake", "m2"],
                #"{"cmd":"disable","mirror_id":"m2","worker_id":"fake","args":null,"options":{}}"#
            ),
            (
                ["restart", "-worker", "fake", "m1"],
                #"{"cmd":"restart","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#
            ),
            (
                ["ping", "-w", "fake", "m1"],
                #"{"cmd":"ping","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#
            ),
            (
                ["reload", "-w", "fake"],
                #"{"cmd":"reload","mirror_id":"","worker_id":"fake","args":null,"options":null}"#
            ),
            // Not a verb that tunasync has: it would take any it does not know for "start", which is what is sent.
            (
                ["enable", "-w", "fake", "m1"],
                #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#
            ),
        ])
        func sendsCommandsByteForByteAsTunasynctlDoes(arguments: [String], body: String) throws {
            defer { server.stop() }
            let result = try run(arguments)
            #expect(result.status == 0, "\(result.output)")
            #expect(result.output == "Successfully send the command\n")
            let request = try #require(server.requests.last)
            #expect(request.line == "POST /cmd HTTP/1.1")
            #expect(request.body == body + "\n")
            #expect(request.headers["content-type"] == "application/json; charset=utf-8")
            #expect(!server.requests.contains { $0.line.contains("/api/v1") })
        }

        @Test func listsAllMirrorsAsTunasynctlDoes() throws {
            defer { server.stop() }
            let all = try run(["list", "--all"])
            #expect(all.status == 0)
            #expect(
                all.output.hasPrefix(
                    """
                    [
                      {
                        "name": "",
                        "is_master": false,
                        "status": "disabled",
                        "last_update": "0001-01-01 00:00:00 +0000",
                        "last_update_ts": -62135596800,
                    """), "\(all.output)")
            #expect(all.output.contains(#""upstream": "https://u/?a=1\u0026b=\u003c2\u003e""#), "\(all.output)")

            let failed = try run([
                "list", "-a", "-s", "failed,paused", "-f",
                "{{.Name}}|{{.Status}}|{{.IsMaster}}|{{.Scheduled}}|{{.Size}}",
            ])
            #expect(
                failed.output
                    == "bad|failed|false|2026-11-21 05:54:57 +0000 UTC|unknown\n|paused|false|0001-01-01 00:00:00 +0000 UTC|\n"
            )
        }

        @Test func listsTheMirrorsOfAWorkerWithTheirErrors() throws {
            defer { server.stop() }
            let list = try run([
                "list", "w1", "--format", "{{.Name}}\t{{.Worker}}{{/* why */}} {{.ErrorMsg -}}  !{{.LastEnded}}",
            ])
            #expect(list.status == 0)
            #expect(
                list.output == """
                    bad\tw1 exit status 3!2026-11-21 03:54:57.862010139 +0000 UTC
                    ok\tw1 !2026-11-21 03:54:52.849142719 +0000 UTC

                    """)
            let json = try run(["list", "w1"])
            #expect(json.output.contains(#""last_ended": "2026-11-21T03:54:57.862010139Z""#), "\(json.output)")
            // What tunasynctl cannot take: the worker that has no mirrors, which upstream's manager calls null.
            let empty = try run(["list", "empty"])
            #expect(empty.status == 0 && empty.output == "[]\n", "\(empty.output)")
            let table = try run(["list", "--all", "--table"])
            #expect(table.output.contains("exit status 3"), "\(table.output)")
        }

        @Test func changesRecordsWithTheWordsOfTunasynctl() throws {
            defer { server.stop() }
            #expect(
                try run(["set-size", "-w", "w1", "bad", "1T"]).output == "Successfully updated mirror size to 1T\n")
            #expect(server.requests.last?.body == "{\"name\":\"bad\",\"size\":\"1T\"}\n")
            #expect(try run(["rm-worker", "-w", "w1"]).output == "Successfully removed the worker\n")
            #expect(server.requests.last?.line == "DELETE /workers/w1 HTTP/1.1")
            #expect(try run(["flush"]).output == "Successfully flushed disabled jobs\n")
            #expect(server.requests.last?.line == "DELETE /jobs/disabled HTTP/1.1")
            let workers = try run(["workers"])
            #expect(workers.output.contains(#""token": "REDACTED""#), "\(workers.output)")
        }

        @Test(arguments: [
            (["start", "m1"], "-w"), (["log", "m1"], "tunasync"), (["history", "m1"], "tunasync"),
            (["explain", "m1"], "tunasync"), (["rm-worker", "-w", "nobody"], "invalid workerID nobody"),
            (["start", "m1", "-w", "nobody"], "worker nobody is not registered yet"),
        ])
        func saysWhatItCannotHaveAndEndsWithOne(arguments: [String], reason: String) throws {
            defer { server.stop() }
            let result = try run(arguments)
            #expect(result.status == 1, "\(result.output)")
            #expect(result.output.contains(reason), "\(result.output)")
            #expect(!result.output.contains("Successfully"))
        }

        private func run(_ arguments: [String]) throws -> (status: Int32?, output: String) {
            let (ending, output) = try ChildProcess.run(
                [MirrorProgram.path, "ctl"] + arguments + ["--port", "\(server.port)", "--manager", "127.0.0.1"],
                environment: ["HOME": "/nonexistent"])
            guard case .exited(let status) = ending else { return (nil, output) }
            return (status, output)
        }

        /// What tunasync's manager answered in the recorded exchange.
        @Sendable private static func answer(_ request: CannedServer.Request) -> String {
            let json = "HTTP/1.1 200 OK\nContent-Type: application/json; charset=utf-8\n\n"
            switch request.line.split(separator: " ").prefix(2).joined(separator: " ") {
            case "GET /ping": return json + #"{"message":"pong"}"#
            case "GET /jobs": return json + jobs
            case "GET /workers":
                return json
                    + #"[{"id":"w1","url":"http://127.0.0.1:26000/","token":"REDACTED","last_online":"2026-11-21T03:54:57.862010139Z","last_register":"2026-11-21T03:54:47.78364871Z"}]"#
            case "GET /workers/w1/jobs": return json + records
            case "GET /workers/empty/jobs": return json + "null"
            case "DELETE /workers/w1": return json + #"{"message":"deleted"}"#
            case "DELETE /workers/nobody":
                return
                    "HTTP/1.1 400 Bad Request\nContent-Type: application/json; charset=utf-8\n\n{\"error\":\"invalid workerID nobody\"}"
            case "DELETE /jobs/disabled": return json + #"{"message":"flushed"}"#
            case "POST /workers/w1/jobs/bad/size":
                return json
                    + #"{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"2026-11-21T03:54:57.804858068Z","last_ended":"2026-11-21T03:54:57.862010139Z","next_schedule":"2026-11-21T05:54:57.869587691Z","upstream":"https://v/","size":"1T","error_msg":"exit status 3"}"#
            case "POST /cmd" where request.body.contains(#""worker_id":"nobody""#):
                return
                    "HTTP/1.1 400 Bad Request\nContent-Type: application/json; charset=utf-8\n\n{\"error\":\"worker nobody is not registered yet\"}"
            case "POST /cmd": return json + #"{"message":"successfully send command to worker fake"}"#
            default: return "HTTP/1.1 404 Not Found\nContent-Type: text/plain\n\n404 page not found"
            }
        }

        private static let jobs =
            #"[{"name":"","is_master":false,"status":"disabled","last_update":"0001-01-01 00:00:00 +0000","last_update_ts":-62135596800,"last_started":"0001-01-01 00:00:00 +0000","last_started_ts":-62135596800,"last_ended":"0001-01-01 00:00:00 +0000","last_ended_ts":-62135596800,"next_schedule":"0001-01-01 00:00:00 +0000","next_schedule_ts":-62135596800,"upstream":"","size":""},{"name":"ok","is_master":true,"status":"success","last_update":"2026-11-21 03:54:52 +0000","last_update_ts":1795233292,"last_started":"2026-11-21 03:54:52 +0000","last_started_ts":1795233292,"last_ended":"2026-11-21 03:54:52 +0000","last_ended_ts":1795233292,"next_schedule":"2026-11-21 05:54:52 +0000","next_schedule_ts":1795240492,"upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G"},{"name":"bad","is_master":false,"status":"failed","last_update":"0001-01-01 00:00:00 +0000","last_update_ts":-62135596800,"last_started":"2026-11-21 03:54:57 +0000","last_started_ts":1795233297,"last_ended":"2026-11-21 03:54:57 +0000","last_ended_ts":1795233297,"next_schedule":"2026-11-21 05:54:57 +0000","next_schedule_ts":1795240497,"upstream":"https://v/","size":"unknown"},{"name":"","is_master":false,"status":"paused","last_update":"0001-01-01 00:00:00 +0000","last_update_ts":-62135596800,"last_started":"0001-01-01 00:00:00 +0000","last_started_ts":-62135596800,"last_ended":"0001-01-01 00:00:00 +0000","last_ended_ts":-62135596800,"next_schedule":"0001-01-01 00:00:00 +0000","next_schedule_ts":-62135596800,"upstream":"","size":""}]"#

        private static let records =
            #"[{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"2026-11-21T03:54:57.804858068Z","last_ended":"2026-11-21T03:54:57.862010139Z","next_schedule":"2026-11-21T05:54:57.869587691Z","upstream":"https://v/","size":"unknown","error_msg":"exit status 3"},{"name":"ok","worker":"w1","is_master":true,"status":"success","last_update":"2026-11-21T03:54:52.849142719Z","last_started":"2026-11-21T03:54:52.805071407Z","last_ended":"2026-11-21T03:54:52.849142719Z","next_schedule":"2026-11-21T05:54:52.857857073Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}]"#
    }
}
