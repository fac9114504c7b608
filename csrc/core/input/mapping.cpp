#include "core/input/mapping.hpp"

#include <sys/mman.h>

#include <cerrno>

#include "core/base/error.hpp"

namespace btfmmap {

Mapping Mapping::map(int fd, std::size_t size, const std::string& path, bool constant) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
        throw Error::system(errno, path);
    }
    auto unmap = [size](const std::byte* data) { ::munmap(const_cast<std::byte*>(data), size); };
    return {{static_cast<const std::byte*>(address), unmap}, size, How::mmap, constant};
}

}  // namespace btfmmap
