// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire

/// Documents as tunasync 0.10.0 wrote them on the wire, by the sort of document.
enum Recorded {
    static let registration =
        #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"","last_online":"0001-01-01T00:00:00Z","last_register":"0001-01-01T00:00:00Z"}"#

    static let workers = [
        registration,
        #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"","last_online":"2026-11-21T03:54:47.78364865Z","last_register":"2026-11-21T03:54:47.78364871Z"}"#,
        #"{"id":"fake","url":"http://127.0.0.1:26100/some/path","token":"REDACTED","last_online":"2026-11-21T03:55:03.78659972Z","last_register":"2026-11-21T03:55:03.78659978Z"}"#,
        #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"REDACTED","last_online":"2026-11-21T03:55:03.867050871Z","last_register":"2026-11-21T03:54:47.78364871Z"}"#,
    ]

    static let statuses = [
        #"{"name":"ok","worker":"w1","is_master":true,"status":"pre-syncing","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"unknown","error_msg":""}"#,
        #"{"name":"ok","worker":"w1","is_master":true,"status":"pre-syncing","last_update":"0001-01-01T00:00:00Z","last_started":"2026-11-21T03:54:52.805071407Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"unknown","error_msg":""}"#,
        #"{"name":"ok","worker":"w1","is_master":true,"status":"syncing","last_update":"0001-01-01T00:00:00Z","last_started":"2026-11-21T03:54:52.805071407Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#,
        #"{"name":"ok","worker":"w1","is_master":true,"status":"success","last_update":"2026-11-21T03:54:52.849142719Z","last_started":"2026-11-21T03:54:52.805071407Z","last_ended":"2026-11-21T03:54:52.849142719Z","next_schedule":"2026-11-21T05:54:52.857857073Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#,
        #"{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"2026-11-21T03:54:57.804858068Z","last_ended":"2026-11-21T03:54:57.862010139Z","next_schedule":"2026-11-21T05:54:57.869587691Z","upstream":"https://v/","size":"1T","error_msg":"exit status 3"}"#,
    ]

    static let schedules = [
        #"{"schedules":[{"name":"ok","next_schedule":"2026-11-21T03:54:47.79018925Z"},{"name":"bad","next_schedule":"2026-11-21T03:54:47.790257782Z"}]}"#,
        #"{"schedules":[{"name":"bad","next_schedule":"2026-11-21T03:54:47.790257782Z"}]}"#,
        #"{"schedules":null}"#,
    ]

    static let clientCommands = [
        #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
        #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":["a","b"],"options":{"force":true}}"#,
        #"{"cmd":"stop","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
        #"{"cmd":"disable","mirror_id":"m2","worker_id":"fake","args":null,"options":{}}"#,
        #"{"cmd":"restart","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
        #"{"cmd":"ping","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
        #"{"cmd":"reload","mirror_id":"","worker_id":"fake","args":null,"options":null}"#,
    ]

    static let workerCommands = [
        #"{"cmd":"start","mirror_id":"m1","args":null,"options":{}}"#,
        #"{"cmd":"start","mirror_id":"m1","args":["a","b"],"options":{"force":true}}"#,
        #"{"cmd":"stop","mirror_id":"m1","args":null,"options":{}}"#,
        #"{"cmd":"disable","mirror_id":"m2","args":null,"options":{}}"#,
        #"{"cmd":"restart","mirror_id":"m1","args":null,"options":{}}"#,
        #"{"cmd":"ping","mirror_id":"m1","args":null,"options":{}}"#,
        #"{"cmd":"reload","mirror_id":"","args":null,"options":null}"#,
    ]

    static let webStatuses = [
        #"{"name":"ok","is_master":true,"status":"success","last_update":"2026-11-21 03:54:52 +0000","last_update_ts":1795233292,"last_started":"2026-11-21 03:54:52 +0000","last_started_ts":1795233292,"last_ended":"2026-11-21 03:54:52 +0000","last_ended_ts":1795233292,"next_schedule":"2026-11-21 05:54:52 +0000","next_schedule_ts":1795240492,"upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G"}"#,
        #"{"name":"bad","is_master":false,"status":"failed","last_update":"0001-01-01 00:00:00 +0000","last_update_ts":-62135596800,"last_started":"2026-11-21 03:54:57 +0000","last_started_ts":1795233297,"last_ended":"2026-11-21 03:54:57 +0000","last_ended_ts":1795233297,"next_schedule":"2026-11-21 05:54:57 +0000","next_schedule_ts":1795240497,"upstream":"https://v/","size":"unknown"}"#,
    ]

    static let sizes = [#"{"name":"bad","size":"1T"}"#]
}
