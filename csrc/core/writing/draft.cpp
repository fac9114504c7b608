#include "core/writing/draft.hpp"

#include <cstring>
#include <utility>

#include "core/base/error.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kWord = sizeof(uint32_t);
// Leaves room for the sums of the header's fields, which have 32 bits.
constexpr uint64_t kMaxTypeSize = uint64_t{1} << 31;
constexpr std::size_t kMaxShownName = 128;  // bytes of a name in a message

constexpr uint32_t info_of(const Head& head) {
    return uint32_t{head.flag} << kKindFlagBit | static_cast<uint32_t>(head.kind) << 24 | head.vlen;
}

}  // namespace

std::string record_text(uint32_t type_id, Kind kind, std::string_view name) {
    std::string text = "type [" + std::to_string(type_id) + "] " + kind_name(kind);
    if (!name.empty()) {
        text +=
            " '" + std::string(name.substr(0, kMaxShownName)) + (name.size() > kMaxShownName ? "...'" : "'");
    }
    return text;
}

std::vector<LayoutEntry> known_layout() {
    std::vector<LayoutEntry> layout;
    for (std::size_t number = 0; number <= static_cast<std::size_t>(Kind::Enum64); ++number) {
        layout.push_back({kShapes[number].fixed, kShapes[number].element, 0});
    }
    return layout;
}

std::vector<LayoutEntry> layout_of(const Btf& btf) {
    const Bytes section = btf.header().layout(btf.mapping().bytes());
    std::vector<LayoutEntry> layout;
    for (std::size_t at = 0; at + kLayoutSize <= section.size; at += kLayoutSize) {
        const std::byte* entry = section.data + at;
        const std::uint16_t flags = with_byte_order(
            btf.header().order, [entry](auto load) { return load.u16(entry + LayoutField::flags); });
        layout.push_back({static_cast<std::uint8_t>(entry[LayoutField::fixed]),
                          static_cast<std::uint8_t>(entry[LayoutField::element]), flags});
    }
    return layout;
}

Draft::Draft(ByteOrder order, std::shared_ptr<const Btf> base, std::vector<LayoutEntry> layout)
    : order_(order),
      base_(std::move(base)),
      layout_(std::move(layout)),
      first_id_(base_ == nullptr ? 1 : base_->index().end_id()),
      strings_(base_) {
    if (base_ != nullptr && base_->header().order != order) {
        throw Error::invalid_argument("the byte order differs from that of the base");
    }
}

uint32_t* Draft::add(const Head& head, std::size_t rest) {
    const uint32_t id = next_id();
    if (id > kMaxTypeId) {
        throw Error::invalid_argument(described(id, head) + ": the last type ID is " +
                                      std::to_string(kMaxTypeId));
    }
    if (head.vlen > kMaxVlen) {
        throw Error::invalid_argument(described(id, head) + ": has " + std::to_string(head.vlen) +
                                      " elements, at most " + std::to_string(kMaxVlen) + " are possible");
    }
    constexpr std::size_t head_words = kHeadSize / kWord;
    const std::size_t start = words_.size();
    if ((uint64_t{start} + head_words + rest) * kWord > kMaxTypeSize) {
        throw Error::invalid_argument(described(id, head) + ": the type section exceeds 2 GiB");
    }
    words_.resize(start + head_words + rest);
    starts_.push_back(static_cast<uint32_t>(start));
    uint32_t* words = words_.data() + start;
    words[HeadField::name_off / kWord] = head.name_off;
    words[HeadField::info / kWord] = info_of(head);
    words[HeadField::size_or_type / kWord] = head.size_or_type;
    return words + head_words;
}

void Draft::truncate(uint32_t next_id) {
    const std::size_t count = next_id - first_id_;
    if (count < starts_.size()) {
        words_.resize(starts_[count]);
        starts_.resize(count);
    }
}

std::string Draft::described(uint32_t type_id, const Head& head) const {
    return record_text(type_id, head.kind, strings_.text(head.name_off, kMaxShownName + 1));
}

std::vector<std::byte> Draft::build() const {
    const std::size_t header_size = layout_.empty() ? kMinHeaderSize : kMaxHeaderSize;
    const std::size_t type_size = words_.size() * kWord, layout_size = layout_.size() * kLayoutSize;
    const std::string& strings = strings_.section();
    std::vector<std::byte> blob(header_size + type_size + layout_size + strings.size());
    std::byte* at = blob.data();
    const auto field = [&](std::size_t offset, std::size_t value) {
        store_u32(at + offset, static_cast<uint32_t>(value), order_);
    };
    store_u16(at + HeaderField::magic, kMagic, order_);
    at[HeaderField::version] = std::byte{kVersion};
    field(HeaderField::header_size, header_size);
    field(HeaderField::type_size, type_size);
    field(HeaderField::string_offset, type_size + layout_size);
    field(HeaderField::string_size, strings.size());
    if (!layout_.empty()) {
        field(HeaderField::layout_offset, type_size);
        field(HeaderField::layout_size, layout_size);
    }
    at += header_size;
    if (order_ == kHostOrder && type_size != 0) {
        std::memcpy(at, words_.data(), type_size);
    } else {
        for (std::size_t i = 0; i != words_.size(); ++i) {
            store_u32(at + i * kWord, words_[i], order_);
        }
    }
    at += type_size;
    for (const LayoutEntry& entry : layout_) {
        at[LayoutField::fixed] = std::byte{entry.fixed};
        at[LayoutField::element] = std::byte{entry.element};
        store_u16(at + LayoutField::flags, entry.flags, order_);
        at += kLayoutSize;
    }
    std::memcpy(at, strings.data(), strings.size());
    return blob;
}

}  // namespace btfmmap::writing
