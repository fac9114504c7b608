/* Preloaded by tests: makes mmap and read of one file misbehave.
   FAULT_FILE names it; FAULT_MMAP is the errno that mmap of it gives; FAULT_READ the most bytes a read of it
   gives; FAULT_EINTR makes every second read of it end with EINTR; FAULT_READ_ERROR is the errno that any read
   of it gives. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_target(int fd) {
    const char *wanted = getenv("FAULT_FILE");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
    if (wanted == NULL || size < 0) {
        return 0;
    }
    path[size] = '\0';
    return strcmp(path, wanted) == 0;
}

static long option(const char *name) {
    const char *value = getenv(name);
    return value == NULL ? 0 : atol(value);
}

/* Files have offsets of 64 bits under either name; where off_t has 32, only mmap64 and pread64 take them. */
#define MMAP(name, offset_type) \
    void *name(void *address, size_t length, int prot, int flags, int fd, offset_type offset) { \
        static void *(*real)(void *, size_t, int, int, int, offset_type); \
        if (real == NULL) { \
            real = (void *(*)(void *, size_t, int, int, int, offset_type))dlsym(RTLD_NEXT, #name); \
        } \
        if (option("FAULT_MMAP") != 0 && is_target(fd)) { \
            errno = (int)option("FAULT_MMAP"); \
            return MAP_FAILED; \
        } \
        return real(address, length, prot, flags, fd, offset); \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

static int interrupted(void) {
    static int calls;
    if (option("FAULT_EINTR") != 0 && calls++ % 2 == 0) {
        errno = EINTR;
        return 1;
    }
    return 0;
}

static int refused(void) {
    if (option("FAULT_READ_ERROR") != 0) {
        errno = (int)option("FAULT_READ_ERROR");
        return 1;
    }
    return interrupted();
}

static size_t shortened(size_t size) {
    const size_t most = (size_t)option("FAULT_READ");
    return most != 0 && size > most ? most : size;
}

ssize_t read(int fd, void *to, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (real == NULL) {
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    }
    if (is_target(fd)) {
        if (refused()) {
            return -1;
        }
        size = shortened(size);
    }
    return real(fd, to, size);
}

#define PREAD(name, offset_type) \
    ssize_t name(int fd, void *to, size_t size, offset_type offset) { \
        static ssize_t (*real)(int, void *, size_t, offset_type); \
        if (real == NULL) { \
            real = (ssize_t(*)(int, void *, size_t, offset_type))dlsym(RTLD_NEXT, #name); \
        } \
        if (is_target(fd)) { \
            if (refused()) { \
                return -1; \
            } \
            size = shortened(size); \
        } \
        return real(fd, to, size, offset); \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)
