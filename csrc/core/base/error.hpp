#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace btfmmap {

enum class ErrorKind : std::uint8_t {
    format,            // the bytes are not valid BTF
    missing_base,      // the bytes are a split BTF, which must be opened with its base
    not_found,         // there is no such type ID or string
    not_supported,     // valid BTF, but the operation does not support it
    invalid_argument,  // the caller's argument is out of range or contradicts another one
    system,            // a system call failed; `code` is its errno
};

// The core's only exception.
struct Error : std::exception {
    ErrorKind kind;
    std::string message;
    std::optional<std::uint64_t> offset;  // in bytes, from the start of the BTF blob
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

    static Error invalid_argument(std::string message) {
        return {ErrorKind::invalid_argument, std::move(message)};
    }

    // `path` is the file that the system call concerned, or another description of its object.
    static Error system(int code, std::string path) {
        Error error(ErrorKind::system, std::move(path));
        error.code = code;
        return error;
    }
};

}  // namespace btfmmap
