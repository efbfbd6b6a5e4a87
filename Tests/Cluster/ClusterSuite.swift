// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// Tests with whole clusters of processes, one after the other: each loads the machine.
@Suite(.serialized, .onOwnThread) enum Clusters {}
