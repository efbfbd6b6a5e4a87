// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CHeap

/// The memory that is given out at this moment.
enum Heap {
    static var bytes: Int { Int(kuiper_heap_bytes()) }
}
