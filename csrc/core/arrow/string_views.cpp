#include "core/arrow/string_views.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.hpp"
#include "core/names/utf8.hpp"

namespace btfmmap::arrow {

namespace {

constexpr std::size_t kInline = 12;

// An element of a column of views: text of at most 12 bytes, or its first 4 bytes and its place.
struct View {
    std::int32_t size;
    char text[kInline];
};
static_assert(sizeof(View) == 16);

struct Place {
    std::int32_t buffer;
    std::int32_t offset;
};

// The strings of one BTF or base: an own copy if the bytes may change.
struct Level {
    std::uint64_t start;
    std::string copy;
    std::string_view bytes;
};

// What the column owns.
struct Storage {
    std::shared_ptr<const Btf> btf;
    std::vector<Level> levels;
    std::vector<View> views;
    std::vector<std::int64_t> sizes;  // of the levels; the last buffer of a column of views
};

std::vector<Level> levels_of(const Btf& btf) {
    std::vector<const Btf*> sources = btf.levels();
    std::vector<Level> levels(sources.size());
    for (std::size_t i = 0; i != sources.size(); ++i) {
        const Bytes section = sources[i]->string_section();
        levels[i].start = sources[i]->strings().start();
        levels[i].bytes = {reinterpret_cast<const char*>(section.data), section.size};
        if (section.size > std::numeric_limits<std::int32_t>::max()) {
            throw Error::not_supported("a string section of " + std::to_string(section.size) +
                                       " bytes; Arrow's string views address 2 GiB");
        }
        if (!sources[i]->mapping().constant()) {
            levels[i].copy = levels[i].bytes;
            levels[i].bytes = levels[i].copy;
        }
    }
    return levels;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const Utf8Char next = first_char(text);
        if (next.character >= 0xDC80 && next.character <= 0xDCFF) {
            return false;
        }
        text.remove_prefix(next.size);
    }
    return true;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

View view_of(std::string_view text, Place place) {
    View view{static_cast<std::int32_t>(text.size()), {}};
    if (text.size() <= kInline) {
        text.copy(view.text, kInline);
    } else {
        text.copy(view.text, sizeof(std::int32_t));
        std::memcpy(view.text + sizeof(std::int32_t), &place, sizeof place);
    }
    return view;
}

}  // namespace

Column string_views(const std::shared_ptr<const Btf>& btf, std::string name,
                    const std::vector<std::int64_t>& offsets) {
    const auto storage = std::make_shared<Storage>();
    storage->btf = btf;
    storage->levels = levels_of(*btf);
    storage->views.reserve(offsets.size());
    bool utf8 = true;
    for (const std::int64_t offset : offsets) {
        if (offset < 0 || static_cast<std::uint64_t>(offset) >= btf->strings().end()) {
            throw Error::not_found("no string at offset " + std::to_string(offset));
        }
        const auto wanted = static_cast<std::uint64_t>(offset);
        std::size_t number = storage->levels.size() - 1;
        while (wanted < storage->levels[number].start) {
            --number;
        }
        const Level& level = storage->levels[number];
        const auto at = static_cast<std::size_t>(wanted - level.start);
        const std::string_view text = level.bytes.substr(at, level.bytes.find('\0', at) - at);
        utf8 = utf8 && (is_ascii(text) || is_utf8(text));
        storage->views.push_back(
            view_of(text, {static_cast<std::int32_t>(number), static_cast<std::int32_t>(at)}));
    }
    Column column{std::move(name),
                  utf8 ? "vu" : "vz",
                  static_cast<std::int64_t>(offsets.size()),
                  {nullptr, storage->views.data()},
                  storage,
                  nullptr};
    for (const Level& level : storage->levels) {
        column.buffers.push_back(level.bytes.data());
        storage->sizes.push_back(static_cast<std::int64_t>(level.bytes.size()));
    }
    column.buffers.push_back(storage->sizes.data());
    return column;
}

}  // namespace btfmmap::arrow
