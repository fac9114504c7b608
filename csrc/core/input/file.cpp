#include "core/input/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.hpp"

#ifdef __linux__
#include <sys/vfs.h>
#endif

namespace btfmmap {

namespace {

static_assert(sizeof(off_t) == sizeof(std::uint64_t),
              "32-bit hosts need -D_FILE_OFFSET_BITS=64 to open files of 2 GiB or more");

// A BTF header addresses its sections with 32 bits.
constexpr std::uint64_t kMaxFileSize = UINT32_MAX;
// The limit for a pipe, whose size is not known in advance. Real BTF is far smaller.
constexpr std::uint64_t kMaxStreamSize = std::uint64_t{1} << 28;

std::shared_ptr<const int> open_descriptor(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        throw Error::system(errno, path);
    }
    return {new int(fd), [](const int* owned) {
                ::close(*owned);
                delete owned;
            }};
}

bool on_sysfs(int fd) {
    constexpr std::uint32_t sysfs_magic = 0x62656572;  // SYSFS_MAGIC of linux/magic.h
    return file_system_magic(fd) == sysfs_magic;
}

std::size_t checked_size(std::uint64_t size, const std::string& path) {
    if (!fits_in_memory(size)) {
        throw Error::not_supported(path + ": " + std::to_string(size) +
                                   " bytes do not fit into the memory of a " +
                                   std::to_string(8 * sizeof(void*)) + "-bit process");
    }
    return in_memory(size);
}

std::shared_ptr<std::byte> allocate(std::size_t size) {
    return {new std::byte[size], std::default_delete<std::byte[]>()};
}

// Calls `read` until it returns bytes or the end of the file.
template <class Read>
std::size_t read_some(const std::string& path, void (*interrupted)(), Read read) {
    for (;;) {
        const ssize_t got = read();
        if (got >= 0) {
            return static_cast<std::size_t>(got);
        }
        if (errno != EINTR) {
            throw Error::system(errno, path);
        }
        interrupted();
    }
}

// Reads to the end of the file, independent of the size that fstat returned: the file may change, and sysfs
// returns at most a page per call.
Mapping read_to_end(int fd, std::uint64_t expected, std::uint64_t limit, const std::string& path,
                    void (*interrupted)()) {
    // One byte more, so that the end of the file is detected without a larger buffer.
    std::size_t capacity = checked_size(expected, path) + 1;
    auto data = allocate(capacity);
    std::size_t size = 0;
    for (;;) {
        if (size == capacity) {
            if (size > limit) {
                throw Error::format(path + ": more than " + std::to_string(limit) +
                                    " bytes were read; BTF is smaller");
            }
            const std::uint64_t more = capacity < 4096 ? 65536 : 2 * std::uint64_t{capacity};
            capacity = checked_size(std::min(more, limit + 1), path);
            auto larger = allocate(capacity);
            std::memcpy(larger.get(), data.get(), size);
            data = std::move(larger);
        }
        const std::size_t got =
            read_some(path, interrupted, [&] { return ::read(fd, data.get() + size, capacity - size); });
        if (got == 0) {
            return {std::move(data), size, How::read};
        }
        size += got;
    }
}

// Reads a range of a file. Returns fewer bytes if the file ends before.
Mapping read_range(int fd, std::uint64_t offset, std::uint64_t length, const std::string& path,
                   void (*interrupted)()) {
    const std::size_t size = checked_size(length, path);
    auto data = allocate(size);
    std::size_t done = 0;
    while (done != size) {
        const std::size_t got = read_some(path, interrupted, [&] {
            return ::pread(fd, data.get() + done, size - done, static_cast<off_t>(offset + done));
        });
        if (got == 0) {
            break;
        }
        done += got;
    }
    return {std::move(data), done, How::read};
}

}  // namespace

std::optional<std::uint32_t> file_system_magic(int fd) {
#ifdef __linux__
    struct statfs info;
    if (::fstatfs(fd, &info) == 0) {
        return static_cast<std::uint32_t>(info.f_type);
    }
#else
    (void)fd;
#endif
    return std::nullopt;
}

File File::open(const std::string& path, Method method, void (*interrupted)()) {
    auto fd = open_descriptor(path);
    struct stat info;
    if (::fstat(*fd, &info) != 0) {
        throw Error::system(errno, path);
    }
    if (S_ISDIR(info.st_mode)) {
        throw Error::system(EISDIR, path);
    }
    const bool regular = S_ISREG(info.st_mode);
    if (!regular && !S_ISFIFO(info.st_mode)) {
        throw Error::format(path + ": neither a regular file nor a pipe");
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size > kMaxFileSize) {
        throw Error::format(path + ": the file has " + std::to_string(size) +
                            " bytes; BTF has at most 4 GiB");
    }

    if (method == Method::mmap) {
        return {path, Mapping::map(*fd, checked_size(size, path), path, on_sysfs(*fd))};
    }
    if (!regular) {
        return {path, read_to_end(*fd, size, kMaxStreamSize, path, interrupted)};
    }
    if (method == Method::automatic && on_sysfs(*fd)) {
        try {
            return {path, Mapping::map(*fd, checked_size(size, path), path, true)};
        } catch (const Error&) {
            // Linux before 6.16 fails with ENODEV. Whatever the reason, reading returns the same bytes.
        }
    }
    File file(path, std::nullopt);
    file.fd_ = std::move(fd);
    file.size_ = size;
    file.interrupted_ = interrupted;
    return file;
}

Mapping File::head(std::size_t size) const {
    return bytes_ ? bytes_->part(0, std::min(size, bytes_->bytes().size))
                  : read_range(*fd_, 0, size, name_, interrupted_);
}

Mapping File::part(std::uint64_t offset, std::uint64_t size) const {
    if (bytes_) {
        return bytes_->part(offset, size);
    }
    Mapping read = read_range(*fd_, offset, size, name_, interrupted_);
    if (read.bytes().size != size) {
        throw Error::format(name_ + ": became shorter while it was read: " + std::to_string(size) +
                            " bytes were expected at offset " + std::to_string(offset));
    }
    return read;
}

Mapping File::whole() const {
    if (bytes_) {
        return *bytes_;
    }
    if (::lseek(*fd_, 0, SEEK_SET) != 0) {
        throw Error::system(errno, name_);
    }
    return read_to_end(*fd_, size_, kMaxFileSize, name_, interrupted_);
}

}  // namespace btfmmap
