// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

#ifndef KUIPER_HEAP_H
#define KUIPER_HEAP_H

#include <stdint.h>

/// The bytes that malloc has given out and that are not freed, in all arenas and mappings (mallinfo2(3)).
uint64_t kuiper_heap_bytes(void);

#endif
