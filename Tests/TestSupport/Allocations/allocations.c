// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Counts the calls of the allocator in the test executable. A symbol that the executable defines comes before that of a
// shared library, for the shared libraries too: what the Swift runtime and glibc itself allocate is counted. The memory
// is glibc's, so that its free, malloc_usable_size and mallinfo work as ever; sizes and results are not changed.

#include "allocations.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KUIPER_SANITIZED 1
#endif
#endif

#include <stddef.h>

#if defined(__GLIBC__) && !defined(KUIPER_SANITIZED)

#include <errno.h>
#include <stdatomic.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// In the thread's static block: a model that allocates on first use would come back here.
static _Thread_local uint64_t ofThread __attribute__((tls_model("initial-exec")));
static _Atomic uint64_t ofProcess;

static inline void count(void) {
    ofThread += 1;
    atomic_fetch_add_explicit(&ofProcess, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment == 0 || alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    count();
    // The call reports failures by its result alone.
    int kept = errno;
    void *result = __libc_memalign(alignment, size);
    errno = kept;
    if (result == NULL) return ENOMEM;
    *memory = result;
    return 0;
}

bool allocationsAreCounted(void) { return true; }

uint64_t allocationsOfThread(void) { return ofThread; }

uint64_t allocationsOfProcess(void) { return atomic_load_explicit(&ofProcess, memory_order_relaxed); }

#else

bool allocationsAreCounted(void) { return false; }

uint64_t allocationsOfThread(void) { return 0; }

uint64_t allocationsOfProcess(void) { return 0; }

#endif
