#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/names/strings.hpp"

// A name may have a flavour: `task_struct___old` is a flavour of `task_struct`. The essential name is the
// part before the last "___" between two characters that are not underscores.
namespace btfmmap::core_relo {

constexpr std::size_t kSeparatorSize = 3;  // "___"
// Longer names do not occur: the kernel's limit is 511 bytes.
constexpr std::size_t kMaxNameSize = 4096;

// Returns the size of the essential name, which is the name's own size if it has no flavour.
std::size_t essential_size(std::string_view name);

inline std::string_view essential(std::string_view name) { return name.substr(0, essential_size(name)); }

// Whether the essential name of the string at `offset` is `wanted`. Looks at no more bytes than it has to.
// False for names of more than kMaxNameSize bytes.
bool has_essential_name(const Strings& strings, std::uint32_t offset, std::string_view wanted);

// Whether the string at `offset` is `name`. False if there is no such offset: the bytes may have changed.
bool has_name(const Strings& strings, std::uint32_t offset, std::string_view name);

// Returns the string at `offset`, at most kMaxNameSize + 1 bytes of it; "" if there is no such offset.
std::string_view name_at(const Strings& strings, std::uint32_t offset);

}  // namespace btfmmap::core_relo
