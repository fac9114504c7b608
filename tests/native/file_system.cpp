// Prints the magic number of the file system that holds each file named, in hexadecimal.

#include <fcntl.h>

#include <cinttypes>
#include <cstdio>

#include "core/input/file.hpp"

int main(int count, char** paths) {
    for (int i = 1; i < count; ++i) {
        const auto magic = btfmmap::file_system_magic(::open(paths[i], O_RDONLY));
        std::printf("%" PRIx32 "\n", magic.value_or(0));
    }
}
