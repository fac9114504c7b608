#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/input/mapping.hpp"

namespace btfmmap {

enum class Method : std::uint8_t { automatic, mmap, read };

// The magic number (linux/magic.h) of the file system that holds an open file; none if fstatfs(2) fails.
// Depending on the architecture, `f_type` is signed or unsigned and has 32 or 64 bits. The result is its low
// 32 bits, which hold the magic number.
std::optional<std::uint32_t> file_system_magic(int fd);

// An input readable in parts: an open file, or a buffer already in memory. A file may be larger than the
// address space. Asking for a part that does not fit throws Error (not_supported).
class File {
public:
    // Opens a file or pipe. With `automatic`, a file on sysfs is mapped, because its bytes cannot change; it
    // is read if the kernel refuses to map it. Any other file may be truncated (SIGBUS) or rewritten while it
    // is mapped, so the requested parts are read. A pipe is read to its end.
    //
    // `interrupted` is called when a signal interrupts a read, and may throw to abort it. Throws Error
    // (system) with errno and path, or Error (format) if the file is too large to hold BTF.
    static File open(const std::string& path, Method method, void (*interrupted)());

    static File of(Mapping bytes, std::string name) { return {std::move(name), std::move(bytes)}; }

    // The name of the input in messages.
    const std::string& name() const { return name_; }

    std::uint64_t size() const { return bytes_ ? bytes_->bytes().size : size_; }

    // Returns the first bytes, at most `size`.
    Mapping head(std::size_t size) const;
    // Returns a range within the input. Throws Error (format) if the file has become shorter.
    Mapping part(std::uint64_t offset, std::uint64_t size) const;
    // Returns all bytes, up to the current end of the file.
    Mapping whole() const;

private:
    File(std::string name, std::optional<Mapping> bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}

    std::string name_;
    std::optional<Mapping> bytes_;
    // If `bytes_` is empty: the open file, and its size when it was opened.
    std::shared_ptr<const int> fd_;
    std::uint64_t size_ = 0;
    void (*interrupted_)() = nullptr;
};

}  // namespace btfmmap
