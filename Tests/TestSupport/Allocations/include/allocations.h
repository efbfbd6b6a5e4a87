// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

#ifndef KUIPER_ALLOCATIONS_H
#define KUIPER_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/// Whether calls are counted: with glibc and without a sanitizer, which has an allocator of its own.
bool allocationsAreCounted(void);

/// How often this thread has called malloc, calloc, realloc, memalign, posix_memalign or aligned_alloc.
uint64_t allocationsOfThread(void);

/// How often all threads together have, those that have ended included.
uint64_t allocationsOfProcess(void);

#endif
