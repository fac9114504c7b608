#include "core/writing/record_copier.hpp"

#include <string>

#include "core/base/error.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;

constexpr std::size_t kWord = sizeof(uint32_t);
std::string described(const TypeRecord& record) {
    constexpr std::size_t long_enough = 256;  // record_text() shortens it
    const Strings& strings = record.btf->strings();
    const uint32_t offset = record.index->name_off(record.row);
    return record_text(record.id, record.kind(),
                       offset < strings.end() ? strings.prefix(offset, long_enough) : "");
}

// Calls a function. Its errors name the record.
template <typename Function>
auto described_errors(const TypeRecord& record, const Function& function) {
    try {
        return function();
    } catch (Error& error) {
        error.message = described(record) + ": " + error.message;
        error.type_id = record.id;
        throw;
    }
}

}  // namespace

Head head_of(const TypeRecord& record) {
    const Kind kind = record.kind();
    const uint32_t info = record.info();
    return {kind, info_kind_flag(info), shape_of(kind).element != 0 ? record.elements() : info_vlen(info),
            record.word(HeadField::name_off), record.size_or_type()};
}

void check_known(const TypeRecord& record) {
    if (!shape_of(record.kind()).known) {
        Error error = Error::not_supported(described(record) + ": its references cannot be found");
        error.type_id = record.id;
        throw error;
    }
}

uint32_t RecordCopier::name(uint32_t offset) {
    if (offset >= source_.strings().end()) {
        throw Error::format("invalid name offset " + std::to_string(offset) + ": the bytes changed");
    }
    if (names_ == Names::verbatim || offset == 0) {
        return offset;
    }
    const auto [known, added] = offsets_.try_emplace(offset, 0);
    if (added) {
        known->second = draft_.strings().add(source_.strings().at(offset));
    }
    return known->second;
}

uint32_t RecordCopier::moved_type(uint32_t type_id, const IdMap& ids) const {
    if (type_id >= ids.size()) {
        throw Error::format("refers to type [" + std::to_string(type_id) + "], the bytes changed");
    }
    if (ids[type_id] == kDropped) {
        throw Error::invalid_argument("refers to type [" + std::to_string(type_id) +
                                      "], which is not among the types");
    }
    return ids[type_id];
}

Head RecordCopier::moved_head(const TypeRecord& record, const IdMap& ids) {
    Head head = head_of(record);
    head.name_off = name(head.name_off);
    if (shape_of(head.kind).head_refers) {
        head.size_or_type = moved_type(head.size_or_type, ids);
    }
    return head;
}

void RecordCopier::copy(uint32_t type_id, const IdMap& ids) {
    const TypeRecord record(source_, type_id);
    check_known(record);
    const Head head = described_errors(record, [&] { return moved_head(record, ids); });
    const std::byte* from = record.index->record(record.row) + kHeadSize;
    const std::size_t count = static_cast<std::size_t>(record.index->record(record.row + 1) - from) / kWord;
    uint32_t* to = draft_.add(head, count);
    for (std::size_t i = 0; i != count; ++i) {
        to[i] = record.load(from + i * kWord);
    }
    described_errors(record, [&] { move_references(shape_of(head.kind), to, count, ids); });
}

void RecordCopier::move_references(const Shape& shape, uint32_t* words, std::size_t count, const IdMap& ids) {
    for (std::size_t i = 0; i != shape.fixed_types; ++i) {
        words[i] = moved_type(words[i], ids);
    }
    if (shape.element == 0) {
        return;
    }
    const std::size_t stride = shape.element / kWord;
    for (uint32_t* element = words + shape.fixed / kWord; element < words + count; element += stride) {
        if (shape.element_name != Shape::kNone) {
            uint32_t& word = element[static_cast<std::size_t>(shape.element_name) / kWord];
            word = name(word);
        }
        if (shape.element_type != Shape::kNone) {
            uint32_t& word = element[static_cast<std::size_t>(shape.element_type) / kWord];
            word = moved_type(word, ids);
        }
    }
}

}  // namespace btfmmap::writing
