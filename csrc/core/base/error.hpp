#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace btfmmap {

enum class ErrorKind : std::uint8_t {
    format,         // the bytes are no valid BTF
    missing_base,   // they are a split BTF, to be opened on its base
    not_found,      // no such type id or string
    not_supported,  // valid, but nothing we can do
    system,         // the operating system refused; `code` is its errno
};

// The core's only exception.
struct Error : std::exception {
    ErrorKind kind;
    std::string message;
    std::optional<std::uint64_t> offset;  // byte in the BTF blob
    std::optional<std::uint32_t> type_id;
    int code = 0;

    Error(ErrorKind kind_, std::string message_) : kind(kind_), message(std::move(message_)) {}

    const char* what() const noexcept override { return message.c_str(); }

    static Error format(std::string message, std::optional<std::uint64_t> offset = {},
                        std::optional<std::uint32_t> type_id = {}) {
        Error error(ErrorKind::format, std::move(message));
        error.offset = offset;
        error.type_id = type_id;
        return error;
    }

    static Error missing_base(std::string message) { return {ErrorKind::missing_base, std::move(message)}; }

    static Error not_found(std::string message) { return {ErrorKind::not_found, std::move(message)}; }

    static Error not_supported(std::string message) { return {ErrorKind::not_supported, std::move(message)}; }

    // `path` is what the errno is about.
    static Error system(int code, std::string path) {
        Error error(ErrorKind::system, std::move(path));
        error.code = code;
        return error;
    }
};

}  // namespace btfmmap
