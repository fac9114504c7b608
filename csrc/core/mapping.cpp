#include "core/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.hpp"

#ifdef __linux__
#include <sys/vfs.h>
#endif

namespace btfmmap {

namespace {

// A BTF header addresses its sections with 32 bits.
constexpr std::size_t kMaxFileSize = UINT32_MAX;
// A pipe does not say how much will come; no BTF in the wild comes near this.
constexpr std::size_t kMaxStreamSize = std::size_t{1} << 28;

class Descriptor {
public:
    explicit Descriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ < 0) {
            throw Error::system(errno, path);
        }
    }
    ~Descriptor() { ::close(fd_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return fd_; }

private:
    int fd_;
};

bool on_sysfs(int fd) {
#ifdef __linux__
    constexpr auto sysfs_magic = 0x62656572;  // SYSFS_MAGIC of linux/magic.h
    struct statfs info;
    return ::fstatfs(fd, &info) == 0 && info.f_type == sysfs_magic;
#else
    (void)fd;
    return false;
#endif
}

std::shared_ptr<std::byte> allocate(std::size_t size) {
    return {new std::byte[size], std::default_delete<std::byte[]>()};
}

}  // namespace

Mapping Mapping::open(const std::string& path, Method method, void (*interrupted)()) {
    const Descriptor file(path);
    struct stat info;
    if (::fstat(file.get(), &info) != 0) {
        throw Error::system(errno, path);
    }
    if (S_ISDIR(info.st_mode)) {
        throw Error::system(EISDIR, path);
    }
    const bool regular = S_ISREG(info.st_mode);
    if (!regular && !S_ISFIFO(info.st_mode)) {
        throw Error::format(path + ": neither a regular file nor a pipe");
    }
    const std::size_t limit = regular ? kMaxFileSize : kMaxStreamSize;
    if (static_cast<std::uint64_t>(info.st_size) > limit) {
        throw Error::format(path + ": the file has " + std::to_string(info.st_size) +
                            " bytes; BTF has at most 4 GiB");
    }
    const auto size = static_cast<std::size_t>(info.st_size);

    if (method == Method::mmap) {
        return map(file.get(), size, path);
    }
    if (method == Method::automatic && on_sysfs(file.get())) {
        try {
            return map(file.get(), size, path);
        } catch (const Error&) {
            // Linux before 6.16 answers ENODEV; whatever the reason, reading gives the same bytes.
        }
    }
    return read(file.get(), size, limit, path, interrupted);
}

Mapping Mapping::borrow(Bytes bytes, std::shared_ptr<const void> owner) {
    return {{std::move(owner), bytes.data}, bytes.size, How::buffer};
}

Mapping Mapping::map(int fd, std::size_t size, const std::string& path) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
        throw Error::system(errno, path);
    }
    auto unmap = [size](const std::byte* data) { ::munmap(const_cast<std::byte*>(data), size); };
    return {{static_cast<const std::byte*>(address), unmap}, size, How::mmap};
}

// sysfs hands out at most a page a call, and the file may change while it is read: read to its end,
// whatever fstat said.
Mapping Mapping::read(int fd, std::size_t expected, std::size_t limit, const std::string& path,
                      void (*interrupted)()) {
    std::size_t capacity = expected + 1;  // one more, so that the end of file shows without growing
    auto data = allocate(capacity);
    std::size_t size = 0;
    for (;;) {
        if (size == capacity) {
            if (size > limit) {
                throw Error::format(path + ": more than " + std::to_string(limit) +
                                    " bytes came; BTF is smaller");
            }
            capacity = std::min(capacity < 4096 ? 65536 : 2 * capacity, limit + 1);
            auto larger = allocate(capacity);
            std::memcpy(larger.get(), data.get(), size);
            data = std::move(larger);
        }
        const ssize_t got = ::read(fd, data.get() + size, capacity - size);
        if (got < 0) {
            if (errno != EINTR) {
                throw Error::system(errno, path);
            }
            interrupted();
            continue;
        }
        if (got == 0) {
            return {std::move(data), size, How::read};
        }
        size += static_cast<std::size_t>(got);
    }
}

}  // namespace btfmmap
